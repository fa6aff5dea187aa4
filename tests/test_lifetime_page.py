import json
import re
from xml.etree import ElementTree

import pytest

lifetime = pytest.importorskip("pages.lifetime", reason="pages are made in a checkout")

from pixelveil.schemes.lifetime import Lifetime  # noqa: E402 - after the check for a checkout


def point(images, ssim, verdict):
    figures = {"ssim": ssim, "ssim_control": 0.03, "edge_correlation": ssim, "edge_correlation_control": 0.01}
    return {"images": images, "keys": 1, "victims": 50, **figures, "recognized": ssim, "verdict": verdict}


def curve(scheme="skk", *, block=1, quiet=None, leak=1, broken=5):
    return {
        "scheme": scheme,
        "block": block,
        "parameters": {},
        "attack": "statistics-skk",
        "quiet_until": quiet,
        "first": {"LEAK": leak, "SERIOUS": broken, "BROKEN": broken},
        "points": [point(1, 0.11, "LEAK"), point(5, 0.77, "BROKEN"), point(2000, 0.99, "BROKEN")],
    }


def record(results):
    return {"commit": "abc", "machine": {"processor": "cpu"}, "seconds": 61.4, "results": results}


CURVES = [curve(), curve("vit-orthogonal", block=4, quiet=5, leak=10), curve("vit-orthogonal", block=8, leak=None)]
MEASURED = record({"data": "D", "public": 500, "gallery": 2500, "curves": CURVES})
ROW = {"block": 4, "whitened": True, "scrambled": False, "victims": 50}
FIGURES = {"ssim": 0.42, "ssim_control": 0.05, "edge_correlation": 0.61, "edge_correlation_control": 0.02}
DEFENSES = record(
    {
        "cases": [
            {**ROW, "attack": "neighbors", "images": 200, **FIGURES},
            {**ROW, "attack": "pairs", "pairs": 4, **FIGURES},
        ],
        "rotation": [{"keys": 10, "images_per_key": 200, "victims": 50, **FIGURES}],
    }
)


def test_the_table_of_the_package_is_read_back():
    found = [Lifetime(**one) for one in lifetime.table_of(MEASURED)["curves"]]
    assert [one.budget for one in found] == [1, 5, 1]
    assert [one.leaks_from for one in found] == [1, 10, None]
    assert set(lifetime.table_of(MEASURED)) == {"data", "commit", "curves"}


def test_figures_of_the_page_are_those_of_the_results():
    page = lifetime.lifetime_page(MEASURED, DEFENSES)
    assert "| vit-orthogonal, 4x4 | statistics-skk | 10 | 5 | 5 | 5 | 5 |" in page
    assert "| skk | 5 | 0.77 (0.03) | 0.77 (0.01) | 77% | BROKEN |" in page
    assert "| 4x4 | yes | no | neighbors | 200 | 0.42 (0.05) | 0.61 (0.02) |" in page
    assert "| 10 | 200 | 0.42 (0.05)" in page
    assert "What lowers the leak" not in lifetime.lifetime_page(MEASURED, None)
    assert not re.search(r"\b(secure|safe|unbreakable)\b", page)
    prose = "".join((lifetime._INTRODUCTION, lifetime._DEFENSES, lifetime._ROTATION, lifetime._BREAKS))
    assert not re.search(r"0\.\d", prose), "figures come from results, never from the text"


def test_the_drawing_is_a_picture_with_every_point():
    picture = ElementTree.fromstring(lifetime.drawing(CURVES))  # noqa: S314 - our own text
    space = "{http://www.w3.org/2000/svg}"
    assert len(picture.findall(f"{space}circle")) == 9
    assert len(picture.findall(f"{space}polyline")) == 3
    for dot in picture.findall(f"{space}circle"):
        assert 0 <= float(dot.get("cx")) <= 800
        assert 0 <= float(dot.get("cy")) <= 380


def test_what_is_written_is_what_was_measured(tmp_path, monkeypatch):
    for name, content in (("attacks-lifetime.json", MEASURED), ("attacks-defenses.json", DEFENSES)):
        (tmp_path / name).write_text(json.dumps(content))
    monkeypatch.setattr(lifetime, "RESULTS", tmp_path)
    for name in ("PAGE", "PICTURE", "PACKAGED"):
        monkeypatch.setattr(lifetime, name, tmp_path / name)
    lifetime.main()
    assert (tmp_path / "PAGE").read_text() == lifetime.lifetime_page(MEASURED, DEFENSES)
    assert json.loads((tmp_path / "PACKAGED").read_text()) == lifetime.table_of(MEASURED)
    (tmp_path / "attacks-lifetime.json").unlink()
    with pytest.raises(SystemExit, match="no lifetime was measured yet"):
        lifetime.main()
