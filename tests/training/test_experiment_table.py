import json

import pytest

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.training.experiment_table import HEAD, SHORT_HEAD, markdown_table, read_results, short_rows, table_rows


def result(cell="a", **changed):
    return {
        "cell": cell,
        "split": "clean",
        "kind": "network",
        "network": "resnet20",
        "adaptation": "tanaka",
        "scheme": "tanaka-le",
        "key_policy": "shared",
        "accuracy": 86.5,
        "published_accuracy": 87.02,
        "difference": -0.52,
        "interval_95": [85.8, 87.2],
        "epochs": 60,
        "seconds": 4000.2,
        "image_size": 32,
        "reason": "shorter",
        "split_facts": {"train_images": 49971, "test_images": 10000, "weakness": ""},
        "settings": {"parameters": {"block_size": 4}, "encrypt": "once", "augment": "auto"},
    } | changed


def test_published_and_measured_stand_side_by_side_with_the_difference_and_the_reason():
    (row,) = table_rows([result()])
    found = dict(zip(HEAD, row, strict=True))
    assert found["images"] == "49,971 / 10,000, 32 px, clean split"
    assert found["scheme"] == "tanaka-le, block_size 4"
    assert found["network"] == "resnet20, tanaka"
    assert found["keys"] == "one"
    assert (found["published"], found["ours (95 %)"]) == ("87.02", "86.50 (85.8 to 87.2)")
    assert (found["difference"], found["mind"]) == ("-0.52", "shorter")
    assert short_rows([result()]) == [("a", "60", "87.02", "86.50", "85.8 to 87.2", "-0.52", "4,000")]
    assert len(SHORT_HEAD) == 7


def test_what_was_not_published_and_what_a_split_is_worth_are_said():
    facts = {"train_images": 10, "test_images": 5, "weakness": "copies"}
    (row,) = table_rows([result(published_accuracy=None, difference=None, split_facts=facts, reason="")])
    assert row[5] == row[7] == "—"
    assert row[8] == "copies"


def test_equal_answers_are_counted():
    more = {"answers_equal": 9999, "plain_accuracy": 90.0, "wrong_key_accuracy": 10.0, "no_key_accuracy": 11.0}
    (row,) = table_rows([result(reason="", **more)])
    assert row[8] == "9,999 of 10,000 answers as on plain images (90.00); wrong key 10.0, no key 11.0"


def test_markdown_has_a_line_for_each_result():
    lines = markdown_table([result(), result("b")]).splitlines()
    assert len(lines) == 4
    assert {line.count("|") for line in lines} == {len(HEAD) + 1}


def test_results_are_read_in_the_order_of_the_experiment(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.json").write_text(json.dumps(result(name)))
    assert [one["cell"] for one in read_results(tmp_path, order=["c", "a"])] == ["c", "a", "b"]
    (tmp_path / "d.json").write_text("{}")
    with pytest.raises(IntegrityError, match="no result"):
        read_results(tmp_path)
    (tmp_path / "d.json").write_text("{")
    with pytest.raises(IntegrityError, match="cannot be read"):
        read_results(tmp_path)
    with pytest.raises(UsageError, match="no results yet"):
        read_results(tmp_path / "none")
