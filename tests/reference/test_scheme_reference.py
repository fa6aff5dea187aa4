"""The reference of schemes on what the papers and SCHEMES' definitions fix without any key stream."""

import hashlib
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

ref = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("scheme_reference.py"))))


def stream_of(*values):
    return lambda suffix: iter(values)


def test_published_pixel():
    """Sirichotedumrong et al., ICIP 2019: (10, 20, 30), r = (1, 0, 1), K_s = 3 gives (20, 225, 245)."""
    inverted = ref.invert_values([[[10, 20, 30]]], stream_of(0b101))
    assert inverted == [[[245, 20, 225]]]
    assert ref.shuffle_colors(inverted, stream_of(3), per_pixel=True) == [[[20, 225, 245]]]


def test_one_code_serves_all_pixels():
    image = [[[1, 2, 3], [4, 5, 6]]]
    assert ref.shuffle_colors(image, stream_of(5), per_pixel=False) == [[[3, 2, 1], [6, 5, 4]]]
    assert ref.shuffle_colors([[[1], [2]]], stream_of(), per_pixel=True) == [[[1], [2]]]


def test_one_mask_and_one_permutation_serve_all_blocks():
    image = [[[0], [0], [1], [1]], [[0], [0], [1], [1]]]
    assert ref.invert_places(image, stream_of(0b0110), side=2) == [[[0], [255], [1], [254]], [[255], [0], [254], [1]]]
    # Fisher-Yates with the draws 0, 0, 0 turns (0, 1, 2, 3) into (1, 2, 3, 0).
    image = [[[10], [11], [20], [21]], [[12], [13], [22], [23]]]
    zeros = stream_of(*bytes(12))
    assert ref.shuffle_values(image, zeros, side=2) == [[[11], [12], [21], [22]], [[13], [10], [23], [20]]]
    assert ref.scramble_blocks([[[1], [2], [3], [4]]], stream_of(*bytes(12)), side=1) == [[[2], [3], [4], [1]]]


def test_padding_repeats_the_last_column_and_row():
    assert ref.pad([[[1], [2]], [[3], [4]], [[5], [6]]], 2) == [[[1], [2]], [[3], [4]], [[5], [6]], [[5], [6]]]
    assert ref.pad([[[1]]], 3) == [[[1]] * 3] * 3


def test_digest_is_of_canonical_json():
    text = b'{"format":1,"name":"x","parameters":{"a":"b","c":1,"d":true}}'
    assert ref.digest("x", {"d": True, "c": 1, "a": "b"}) == hashlib.sha256(text).hexdigest()


@pytest.mark.parametrize(
    ("scheme", "parameters", "expected"),
    [
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
