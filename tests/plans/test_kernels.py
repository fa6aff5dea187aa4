"""The compiled loops against their own Python text, called directly; through plans they are tested elsewhere."""

import runpy
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.plans import kernels
from pixelveil.steps import COLOR_CODES

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("plan_cases.py"))))

BLOCKS, MAPS, RUN, ROWS = 6, 3, 6, 2
STRIDE = 3 * RUN


def tables(rng, count, *, nibble=False):
    """Tables of a plan on images of 4 rows of 18 bytes, in blocks of two rows of six bytes."""
    lanes = RUN * ROWS
    base = (np.arange(2)[:, None] * ROWS * STRIDE + np.arange(3) * RUN).reshape(-1).astype(np.uint32)
    inner = (np.arange(ROWS)[:, None] * STRIDE + np.arange(RUN)).reshape(-1)
    return {
        "base": base,
        "order": cases.permutations(rng, count, BLOCKS).astype(np.uint32),
        "choice": rng.integers(0, MAPS, (count, BLOCKS)).astype(np.uint32),
        "offset": inner[rng.integers(0, lanes, (count, MAPS, lanes * (2 if nibble else 1)))].astype(np.uint32),
        "shift": 4 * rng.integers(0, 2, (count, MAPS, 2 * lanes)).astype(np.uint8),
        "flip": rng.integers(0, 256, (count, MAPS, lanes), dtype=np.uint8),
    }


def expected_bytes(image, part, i):
    """What the docstring of the kernel says, one byte at a time."""
    out = np.empty_like(image)
    for j in range(BLOCKS):
        t = part["choice"][i][j]
        for lane in range(RUN * ROWS):
            place = part["base"][j] + lane // RUN * STRIDE + lane % RUN
            start = part["base"][part["order"][i][j]]
            out[place] = image[start + part["offset"][i][t][lane]] ^ part["flip"][i][t][lane]
    return out


def expected_nibbles(image, part, i):
    out, lanes = np.empty_like(image), RUN * ROWS
    for j in range(BLOCKS):
        t = part["choice"][i][j]
        start = part["base"][part["order"][i][j]]
        for lane in range(lanes):
            halves = [
                int(image[start + part["offset"][i][t][k]]) >> int(part["shift"][i][t][k]) & 15
                for k in (lane, lanes + lane)
            ]
            place = part["base"][j] + lane // RUN * STRIDE + lane % RUN
            out[place] = (halves[0] | halves[1] << 4) ^ int(part["flip"][i][t][lane])
    return out


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9])
def test_shared_plans_move_all_images_of_every_remainder_of_four(count):
    rng = np.random.default_rng(count)
    part = tables(rng, 1)
    images = rng.integers(0, 256, (count, 4 * STRIDE), dtype=np.uint8)
    out = np.zeros_like(images)
    order, choice, offset, flip = (part[name][0] for name in ("order", "choice", "offset", "flip"))
    kernels.move_bytes_shared(images, part["base"], order, choice, offset, flip, RUN, STRIDE, out)
    np.testing.assert_array_equal(out, [expected_bytes(image, part, 0) for image in images])


@pytest.mark.parametrize("rows", [1, 3])
def test_plans_of_their_own_move_each_image(rows):
    rng = np.random.default_rng(rows)
    part = tables(rng, rows)
    images = rng.integers(0, 256, (3, 4 * STRIDE), dtype=np.uint8)
    out = np.zeros_like(images)
    arguments = [part[name] for name in ("order", "choice", "offset", "flip")]
    kernels.move_bytes_each(images, part["base"], *arguments, RUN, STRIDE, out)
    np.testing.assert_array_equal(out, [expected_bytes(image, part, i % rows) for i, image in enumerate(images)])


@pytest.mark.parametrize("rows", [1, 3])
def test_half_bytes_move(rows):
    rng = np.random.default_rng(rows)
    part = tables(rng, rows, nibble=True)
    images = rng.integers(0, 256, (3, 4 * STRIDE), dtype=np.uint8)
    out = np.zeros_like(images)
    arguments = [part[name] for name in ("order", "choice", "offset", "shift", "flip")]
    kernels.move_nibbles(images, part["base"], *arguments, RUN, STRIDE, out)
    np.testing.assert_array_equal(out, [expected_nibbles(image, part, i % rows) for i, image in enumerate(images)])


@pytest.mark.parametrize("code", range(6))
@pytest.mark.parametrize("mask", range(8))
def test_every_map_of_a_pixel(code, mask):
    """Enough pixels for vector code and a remainder behind it."""
    images = np.random.default_rng(code).integers(0, 256, (1, 3 * 67), dtype=np.uint8)
    out, number = np.zeros_like(images), np.zeros(256, np.uint8)
    number[5] = 8 * code + mask
    kernels.shuffle_pixels(images, np.full((1, 67), 5, np.uint8), number, out)
    flips = np.array([255 * (mask >> channel & 1) for channel in range(3)], np.uint8)
    expected = images.reshape(67, 3)[:, list(kernels.PIXEL_CODES[code])] ^ flips
    np.testing.assert_array_equal(out.reshape(67, 3), expected)


def test_codes_are_all_orders_of_three_channels_and_those_of_the_step():
    assert sorted(kernels.PIXEL_CODES) == sorted(permutations(range(3)))
    assert kernels.PIXEL_CODES == COLOR_CODES
