"""The reference of filters on what can be worked out by hand."""

import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

ref = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("filtered_reference.py"))))


def gray(*rows):
    return [[[value] for value in row] for row in rows]


@pytest.mark.parametrize(
    ("name", "result"), [("median", [2.5, 25, 7]), ("mean", [3.5, 25, 7]), ("max", [8, 30, 7]), ("min", [1, 20, 7])]
)
def test_blocks_are_filled_with_a_statistic_of_the_pixels_that_are_there(name, result):
    square, right, below = result
    image = gray([1, 2, 20], [3, 8, 30], [6, 8, 9])
    filled = ref.fill_blocks(image, name, 2)
    assert filled[:2] == gray([square, square, right], [square, square, right])
    assert filled[2] == [[{"max": 8, "min": 6}.get(name, below)]] * 2 + [[9]]


def test_mirroring_does_not_repeat_the_edge():
    assert [ref.mirrored(place, 4) for place in range(-3, 7)] == [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]
    image = gray([0, 0, 9], [0, 0, 0], [0, 0, 0])
    # The window around the corner (0, 2) sees it once, its row and column twice, the rest four times.
    assert ref.slide(image, "mean", 3)[0][2] == [1]
    assert ref.slide(image, "max", 3) == gray([0, 9, 9], [0, 9, 9], [0, 0, 0])


def test_the_gaussian_keeps_constants_and_spreads_a_point():
    assert ref.blur(gray([7] * 4, [7] * 4, [7] * 4), 3, 0.8)[1][1][0] == pytest.approx(7)
    point = gray(*([0, 0, 0, 0, 0] for _ in range(2)), [0, 0, 100, 0, 0], *([0, 0, 0, 0, 0] for _ in range(2)))
    spread = ref.blur(point, 3, 0.8)
    side = math.exp(-1 / 1.28) / (1 + 2 * math.exp(-1 / 1.28))
    assert spread[2][2][0] == pytest.approx(100 * (1 - 2 * side) ** 2)
    assert spread[1][1][0] == pytest.approx(100 * side * side)


def test_halves_are_rounded_to_the_even_number_and_the_rest_is_clipped():
    assert ref.rounded(gray([0.5, 1.5, 2.5, -3, 255.5, 300])) == gray([0, 2, 2, 0, 255, 255])


def test_one_bit_serves_the_image_or_the_block():
    image = gray([1, 2], [3, 4])
    assert ref.invert_image(image, lambda suffix: iter([1])) == gray([254, 253], [252, 251])
    assert ref.invert_image(image, lambda suffix: iter([2])) == image
    wide = gray([1, 2, 3, 4], [5, 6, 7, 8])
    assert ref.invert_blocks(wide, lambda suffix: iter([2]), 2) == gray([1, 2, 252, 251], [5, 6, 248, 247])


def test_roles_number_the_steps_in_their_order():
    parameters = {"shuffle": "none", "kernel": 3, "sigma": 0.8, "order": "pre", "key_block": 1}
    assert ref.roles("skk-g", parameters, (3, 4, 1)) == [
        "0/gaussian-filter/3x4x1",
        "1/rounding/3x4x1",
        "2/negative-positive/3x4x1",
    ]
