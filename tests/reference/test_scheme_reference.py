"""The reference of schemes on what their definitions fix without any key stream."""

import hashlib
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

ref = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("scheme_reference.py"))))


def test_padding_repeats_the_last_column_and_row():
    assert ref.pad([[[1], [2]], [[3], [4]], [[5], [6]]], 2) == [[[1], [2]], [[3], [4]], [[5], [6]], [[5], [6]]]
    assert ref.pad([[[1]]], 3) == [[[1]] * 3] * 3


def test_planes_are_laid_side_by_side_after_padding():
    image = [[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]
    laid = ref.laid_out(image, scheme="etc-gray", parameters={"block_size": 2})
    row = [[value] for value in (1, 4, 7, 7, 2, 5, 8, 8, 3, 6, 9, 9)]
    assert laid == [row, row]
    assert ref.laid_out(image, scheme="etc-color", parameters={"block_size": 1}) == image


def test_digest_is_of_canonical_json():
    text = b'{"format":1,"name":"x","parameters":{"a":"b","c":1,"d":true}}'
    assert ref.digest("x", {"d": True, "c": 1, "a": "b"}) == hashlib.sha256(text).hexdigest()


@pytest.mark.parametrize(
    ("scheme", "parameters", "expected"),
    [
        ("smkk", {"shuffle": "per_pixel"}, ["0/negative-positive/8x6x3", "1/color-shuffle/8x6x3"]),
        ("madono-ele", {"block_size": 2}, ["0/nibble-split/8x6x3", "1/block-scramble/8x6x3"]),
        (
            "etc-gray",
            {"block_size": 2},
            ["0/block-scramble/8x6x3", "1/block-rotation/8x6x3", "2/negative-positive/8x6x3"],
        ),
        ("skk", {"shuffle": "per_pixel"}, ["0/negative-positive/8x6x3", "1/color-shuffle/8x6x3"]),
        ("skk", {"shuffle": "none"}, ["0/negative-positive/8x6x3"]),
        (
            "vit-permutation",
            {"shuffle": False, "invert": True},
            ["0/negative-positive/8x6x3", "1/block-scramble/8x6x3"],
        ),
        ("vit-orthogonal", {}, ["0/orthogonal-mixing/8x6x3", "1/block-scramble/8x6x3"]),
    ],
)
def test_roles_number_the_steps_that_are_done(scheme, parameters, expected):
    assert ref.roles(scheme, parameters, (8, 6, 3)) == expected
