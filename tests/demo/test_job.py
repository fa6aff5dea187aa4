"""The whole job: equal answers, complete figures, files written, progress shown."""

import json

import pytest

from pixelveil.demo.job import DEMO_SCHEMES, run_demo
from pixelveil.errors import UsageError


def test_every_answer_is_equal_for_both_schemes(tiny_run):
    assert {entry.scheme for entry in tiny_run.result.schemes} == set(DEMO_SCHEMES)
    for entry in tiny_run.result.schemes:
        assert entry.predictions_equal == entry.images == entry.rekeyed_predictions_equal == 450
        assert entry.encrypted_accuracy == entry.plain_accuracy
        assert entry.max_logit_difference_float64 < 1e-10
        assert entry.max_logit_difference < 1e-3
        assert entry.decryption_exact


def test_the_chosen_scheme_comes_first(tiny_run):
    assert tiny_run.result.chosen.scheme == "vit-orthogonal"


def test_the_result_file_says_what_the_report_needs(tiny_run):
    result = json.loads((tiny_run.out / "result.json").read_text())
    wanted = {
        "plain_accuracy",
        "encrypted_accuracy",
        "wrong_key_accuracy",
        "plain_model_on_encrypted_accuracy",
        "max_logit_difference",
        "encrypt_megabytes_per_second",
        "seconds",
        "report",
        "schemes",
        "data",
        "machine",
        "versions",
        "commit",
        "chance",
    }
    assert wanted <= result.keys()
    assert result["predictions_equal"] == "450 of 450"
    assert set(result["schemes"]) == set(DEMO_SCHEMES)
    assert result["schemes"]["vit-orthogonal"]["plain_accuracy"] == result["plain_accuracy"]
    low, high = result["plain_accuracy_interval_95"]
    assert 0 <= low <= result["plain_accuracy"] <= high <= 100
    assert 8 < result["chance"] < 13
    assert sum(map(sum, result["confusion"])) == 450


def test_every_stage_is_shown_to_its_end(tiny_run):
    names = [name for name, _ in tiny_run.stages]
    assert names == [
        "read images",
        "choose epochs",
        "train 1 epochs",
        "encrypt and compare: vit-orthogonal",
        "encrypt and compare: vit-permutation",
        "report",
    ]
    for _, steps in tiny_run.stages:
        assert steps
        assert steps[-1][0] == steps[-1][1]
    assert list(tiny_run.result.stages) == [name.replace(" 1 epochs", "") for name in names]


def test_a_scheme_that_no_model_absorbs(tmp_path):
    with pytest.raises(UsageError, match="cannot show 'skk'"):
        run_demo(out=tmp_path / "out", scheme="skk")
    assert not (tmp_path / "out").exists()
