"""Cells survive the way to their file and back; what is missing, altered or failed is not believed."""

import json
import math
from dataclasses import fields, replace

import pytest

from pixelveil.attacks.intervals import Interval
from pixelveil.audit.cell import Cell, cell_from_json, finished_cell, write_cell
from pixelveil.errors import IntegrityError

# What a reader of the files may rely on.
REQUIRED = {
    *("scheme", "parameters", "key_policy", "attack", "access", "images", "victims", "pairs", "ssim", "ssim_control"),
    *("edge_correlation", "edge_correlation_control", "information", "psnr", "reidentification", "gallery"),
    *("controls", "verdict", "criterion", "seconds", "machine", "commit", "versions", "command"),
}


def test_the_fields_that_others_read_are_there(fakes):
    content = fakes.cell().to_json()
    assert set(content) >= REQUIRED
    assert set(content["ssim"]) == {"value", "low", "high"}
    assert set(content["controls"]) == {"positive", "negative"}
    assert set(content) == {one.name for one in fields(Cell)}


def test_there_and_back(tmp_path, fakes):
    one = fakes.cell(digest="d", facts={"matched": 3}, excess={"ssim": Interval(0.1, 0.0, 0.2)})
    write_cell(tmp_path, one)
    assert finished_cell(tmp_path, "some", digest="d") == one
    point = replace(one, kind="lifetime", images=20)
    write_cell(tmp_path, point)
    assert finished_cell(tmp_path, "some@20", digest="d") == point


def test_a_single_victim_has_an_interval_without_ends(tmp_path, fakes):
    one = fakes.cell(digest="d", ssim=Interval(0.4, -math.inf, math.inf))
    write_cell(tmp_path, one)
    assert json.loads((tmp_path / "some.json").read_text())["ssim"] == {"value": 0.4, "low": None, "high": None}
    assert finished_cell(tmp_path, "some", digest="d") == one


def test_what_was_decided_otherwise_failed_or_was_cut_off_is_done_again(tmp_path, fakes):
    assert finished_cell(tmp_path, "some", digest="d") is None
    write_cell(tmp_path, fakes.cell(digest="d"))
    assert finished_cell(tmp_path, "some", digest="other") is None
    write_cell(tmp_path, fakes.cell(digest="d", failed="no time"))
    assert finished_cell(tmp_path, "some", digest="d") is None
    for text in ("", "{", "[]", '"text"'):
        (tmp_path / "some.json").write_text(text)
        assert finished_cell(tmp_path, "some", digest="d") is None


def test_a_positive_control_that_failed_is_tried_again(tmp_path, fakes):
    """It may have had too little time; one that can never pass is tried again too, which costs time and no truth."""
    failed = {"positive": {"passed": False}, "negative": {"passed": True}}
    write_cell(tmp_path, fakes.cell(digest="d", verdict="INCONCLUSIVE", controls=failed))
    assert finished_cell(tmp_path, "some", digest="d") is None
    passed = {**failed, "positive": {"passed": True}}
    few = fakes.cell(digest="d", verdict="INCONCLUSIVE", criterion="12 victims are fewer than 50", controls=passed)
    write_cell(tmp_path, few)
    assert finished_cell(tmp_path, "some", digest="d") == few


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "FINE"},
        {"kind": "guess"},
        {"access": "luck"},
        {"ssim": 0.3},
        {"shape": [3, 3]},
        {"more": 1},
        {"excess": []},
    ],
)
def test_what_is_no_cell_is_refused(fakes, change):
    with pytest.raises(IntegrityError, match="here"):
        cell_from_json({**fakes.cell().to_json(), **change}, source="here")


def test_missing_fields_are_refused(fakes):
    content = fakes.cell().to_json()
    del content["ssim"]
    for broken in (content, [], None, "text"):
        with pytest.raises(IntegrityError):
            cell_from_json(broken, source="here")


def test_cells_of_before_networks_looked_at_reconstructions_still_hold(fakes):
    content = fakes.cell(recognition=Interval(0.5, 0.4, 0.6)).to_json()
    assert cell_from_json(content, source="here").judged
    for name in ("lpips", "lpips_control", "recognition", "recognition_control"):
        del content[name]
    assert not cell_from_json(content, source="here").judged


def test_what_counts(fakes):
    assert [fakes.cell(verdict=verdict).conclusive for verdict in ("NOT APPLICABLE", "INCONCLUSIVE", "LEAK")] == [
        False,
        False,
        True,
    ]
    assert not fakes.cell(verdict="NOT APPLICABLE").applicable
    assert fakes.cell(verdict="INCONCLUSIVE").applicable
