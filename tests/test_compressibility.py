"""The page on compressibility: its figures are those of the results, and what its text says follows from them."""

import json

import numpy as np
import pytest
from PIL import Image

from benchmarks import compressibility

RECORD = json.loads(compressibility.RESULTS.read_text(encoding="utf-8"))
PAGE = compressibility.PAGE.read_text(encoding="utf-8")


def rows_of(results):
    return {(row["what"], row["subsampling"]): row for row in results["jpeg"]}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The benchmark on one drawn picture: smooth, colorful, with some grain."""
    folder = tmp_path_factory.mktemp("pictures")
    rows, columns = np.mgrid[:96, :112]
    waves = [128 + 90 * np.sin((rows * (c + 1) + columns * 2) / 25 + c) for c in range(3)]
    grain = np.random.default_rng(0).normal(0, 2, (96, 112, 3))
    Image.fromarray(np.clip(np.stack(waves, -1) + grain, 0, 255).astype(np.uint8)).save(folder / "picture.png")
    return compressibility.run(folder)


def test_the_tables_are_those_of_the_results():
    assert compressibility.block(PAGE) == compressibility.render(RECORD), "run: python -m benchmarks.compressibility"


@pytest.mark.parametrize("source", ["committed", "measured"])
def test_the_figures_say_what_the_page_says(source, request):
    results = RECORD["results"] if source == "committed" else request.getfixturevalue("measured")
    rows = rows_of(results)
    plain = rows["plain", "4:4:4"]
    for what, subsampling, reference in (
        ("etc-color", "4:4:4", plain),
        ("vit-compressible", "4:4:4", plain),
        ("etc-gray", None, rows["plain", None]),
    ):
        for quality, value in rows[what, subsampling]["psnr"].items():
            assert abs(value - reference["psnr"][quality]) < 0.5
            assert 0.9 < rows[what, subsampling]["bytes"][quality] / reference["bytes"][quality] < 1.6
    steps = results["steps"]["steps"]
    for name in ("block scrambling", "negative-positive", "color shuffling"):
        inside = steps[name]["4:2:0"]["psnr_inside"] - steps["nothing"]["4:2:0"]["psnr_inside"]
        edges = steps[name]["4:2:0"]["psnr_at_edges"] - steps["nothing"]["4:2:0"]["psnr_at_edges"]
        assert abs(inside) < 0.5
        assert edges < -1.5
        assert abs(steps[name]["4:4:4"]["psnr"] - steps["nothing"]["4:4:4"]["psnr"]) < 0.5
    floats = results["floats"]
    assert floats["float16"]["share_of_equal_values"] > 0.999
    assert 35 < floats["scaled8"]["psnr"] < floats["float16"]["psnr"]
    clipped = floats["8 bits, clipped to 0..255"]["psnr"]
    assert clipped < floats["scaled8"]["psnr"] - 10


@pytest.mark.parametrize("source", ["committed", "measured"])
def test_what_the_tool_refuses_is_what_does_not_survive(source, request):
    results = RECORD["results"] if source == "committed" else request.getfixturevalue("measured")
    rows = rows_of(results)
    refused = {label for label, row in rows.items() if row["refused_by_the_tool"]}
    assert refused == {("vit-compressible", "4:2:0"), ("vit-permutation", "4:4:4"), ("skk", "4:4:4")}
    for label in refused:
        for quality in ("70", "80", "90"):
            assert rows[label]["psnr"][quality] < rows["plain", label[1]]["psnr"][quality] - 2
            assert rows[label]["bytes"][quality] > rows["plain", label[1]]["bytes"][quality]


def test_lower_quality_beats_fewer_colors_as_the_page_says():
    rows = rows_of(RECORD["results"])
    full, halved = rows["etc-color", "4:4:4"], rows["etc-color", "4:2:0"]
    assert full["bytes"]["75"] < halved["bytes"]["90"]
    assert full["psnr"]["75"] > halved["psnr"]["90"]
