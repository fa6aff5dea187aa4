import json
import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import pytest

pages = pytest.importorskip("pages.experiments", reason="pages are made in a checkout")

from pages import experiment_pictures as drawn  # noqa: E402 - after the check for a checkout


def result(cell="a", **changed):
    return {
        "cell": cell,
        "split": "clean",
        "kind": "network",
        "network": "resnet20",
        "adaptation": "none",
        "scheme": "skk",
        "key_policy": "ephemeral",
        "accuracy": 75.0,
        "published_accuracy": 86.66,
        "difference": -11.66,
        "interval_95": [30.1, 95.4],
        "epochs": 2,
        "seed": 0,
        "seconds": 7200.0,
        "machine": {"processor": "Some processor", "torch_threads": 2},
        "commit": "abc",
        "image_size": 32,
        "reason": "too short",
        "classes": ["a<b", "c"],
        "confusion": [[2, 0], [1, 1]],
        "curve": [{"epoch": 1, "validation_accuracy": 50.0}, {"epoch": 2, "validation_accuracy": 70.0}],
        "split_facts": {
            "train_images": 9,
            "test_images": 4,
            "weakness": "",
            "left_out": 3,
            "test_images_with_copies_as_given": 2,
        },
        "settings": {"parameters": {}, "encrypt": "once", "augment": "auto"},
    } | changed


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    (tmp_path / "experiments" / "results" / "small").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    cells = "".join(f'[[cell]]\nname = "{name}"\n' for name in "ba")
    (tmp_path / "experiments" / "small.toml").write_text(f'title = "Small one"\nnote = "Mind this."\n{cells}')
    for name, place in (
        ("EXPERIMENTS", "experiments"),
        ("RESULTS", "experiments/results"),
        ("PAGE", "docs/experiments.md"),
        ("PICTURES", "docs/pictures/experiments"),
        ("AUDITS", "audits/cifar10"),
    ):
        monkeypatch.setattr(pages, name, tmp_path / place)
    return tmp_path


def test_the_page_shows_published_measured_difference_and_reason(checkout):
    (checkout / "experiments" / "results" / "small" / "a.json").write_text(json.dumps(result()))
    pages.main()
    text = (checkout / "docs" / "experiments.md").read_text()
    assert "## Small one" in text
    assert "Mind this." in text
    assert "86.66 | 75.00 (30.1 to 95.4) | -11.66 | too short" in text
    assert "2.0 hours on Some processor, 2 threads; commits abc" in text
    assert "Not measured yet: b (" in text
    named = {line.split("(")[1].rstrip(")") for line in text.splitlines() if line.startswith("![")}
    assert named == {f"pictures/experiments/small-{kind}.svg" for kind in ("curves", "confusion")}
    assert all((checkout / "docs" / name).is_file() for name in named)


def test_without_results_the_page_says_so(checkout):
    pages.main()
    assert "Not measured yet: b, a (" in (checkout / "docs" / "experiments.md").read_text()
    assert not (checkout / "docs" / "pictures").exists()


@pytest.mark.skipif(not pages.PAGE.exists(), reason="not made yet")
def test_the_committed_page_is_that_of_the_committed_results():
    """If this fails: python -m pages.experiments."""
    experiments = pages.read_all()
    drawn_now = pages.pictures(experiments)
    scattered = "accuracy-leakage.svg" in drawn_now
    assert pages.PAGE.read_text(encoding="utf-8") == pages.experiments_page(experiments, scattered=scattered)
    for name, text in drawn_now.items():
        assert (pages.PICTURES / name).read_text(encoding="utf-8") == text


def test_pictures_are_whole_and_hold_every_figure():
    curves = ElementTree.fromstring(drawn.learning_curves([result("x"), result("y")]))  # noqa: S314 - ours
    texts = [element.text for element in curves.iter() if element.tag.endswith("text")]
    assert {"x", "y", "1", "2", "epoch"} <= set(texts)
    assert sum(element.tag.endswith("polyline") for element in curves.iter()) == 2
    matrices = drawn.confusion_matrices([result()])
    titles = [element.text for element in ElementTree.fromstring(matrices).iter() if element.tag.endswith("title")]  # noqa: S314
    assert titles[1:] == ["a<b as a<b: 2", "c as a<b: 1", "c as c: 1"]
    assert drawn.learning_curves([result(curve=[])]) == ""


@pytest.mark.parametrize("last", [1, 2, 7, 20, 61])
def test_ticks_end_with_the_last_epoch(last):
    ticks = drawn._ticks(last)
    assert ticks == sorted(set(ticks))
    assert ticks[-1] == last


def test_the_scatter_pairs_what_is_learned_with_the_most_that_is_read(tmp_path, monkeypatch):
    def cell(ssim, kind="attack", conclusive=True):
        return SimpleNamespace(kind=kind, ssim=SimpleNamespace(value=ssim), conclusive=conclusive)

    audits = {
        "skk": SimpleNamespace(
            scheme={"name": "skk", "key_policy": "derived"},
            cells=[cell(0.2), cell(0.4), cell(0.9, conclusive=False), cell(1.0, kind="game")],
        ),
        "skk-shared": SimpleNamespace(scheme={"name": "skk", "key_policy": "shared"}, cells=[cell(0.8)]),
    }
    for name in audits:
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text("{}")
    monkeypatch.setattr(pages, "read_audit", lambda folder: audits[folder.name])
    results = [
        result("a", accuracy=70.0),
        result("b", accuracy=80.0),
        result("p", scheme="plain", key_policy="none", accuracy=91.0),
        result("h", scheme="huang"),
    ]
    points = pages.leakage(results, audits=tmp_path)
    assert points == [("plain", 1.0, 91.0), ("skk, key per image", 0.4, 80.0)]
    picture = ElementTree.fromstring(drawn.scatter(points))  # noqa: S314 - ours
    assert sum(element.tag.endswith("circle") for element in picture.iter()) == 2
    assert pages.leakage(results, audits=tmp_path / "none") == []
