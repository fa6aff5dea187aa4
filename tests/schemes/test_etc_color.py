import math
import runpy
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.schemes import create_scheme

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))


def blocks_of(image, side):
    height, width, channels = image.shape
    return (
        image.reshape(height // side, side, width // side, side, channels)
        .swapaxes(1, 2)
        .reshape(-1, side, side, channels)
    )


def states_of(block):
    """The 96 results that the paper's operations can make of one block."""
    turned = [np.rot90(mirrored, turn) for mirrored in (block, block[:, ::-1]) for turn in range(4)]
    return {
        np.ascontiguousarray(level[..., list(order)]).tobytes()
        for one in turned
        for level in (one, 255 - one)
        for order in permutations(range(block.shape[-1]))
    }


def test_steps_are_in_the_order_of_the_paper():
    names = [step.name for step in create_scheme("etc-color").steps()]
    assert names == ["block-scramble", "block-rotation", "negative-positive", "color-shuffle"]


@pytest.mark.parametrize("channels", [1, 3])
def test_each_block_is_one_of_96_states_of_a_block(channels):
    plain = checks.noise(1, (32, 48, channels))[0]
    hidden = create_scheme("etc-color").encrypt(plain, key=checks.key_of()).images
    order = create_scheme("etc-color").plan(key=checks.key_of(), shape=plain.shape).block_order[0]
    assert sorted(order) == list(range(6))
    for block, origin in zip(blocks_of(hidden, 16), order, strict=True):
        assert block.tobytes() in states_of(blocks_of(plain, 16)[origin])


def test_all_96_states_occur_equally_often():
    """Over 9,600 equal blocks: five standard deviations of chi-square."""
    tile = checks.noise(1, (4, 4, 3))[0]
    scheme = create_scheme("etc-color", block_size=4)
    hidden = scheme.encrypt(np.tile(tile, (80, 120, 1)), key=checks.key_of()).images
    found, counts = np.unique(blocks_of(hidden, 4).reshape(-1, 48), axis=0, return_counts=True)
    assert {row.tobytes() for row in found} == states_of(tile)
    assert len(found) == 96
    assert abs(((counts - 100.0) ** 2 / 100.0).sum() - 95) < 5 * math.sqrt(2 * 95)


def test_neighbors_stay_neighbors_inside_blocks():
    """What JPEG lives on: differences inside blocks keep their sizes."""
    plain = checks.scene(64)
    hidden = create_scheme("etc-color").encrypt(plain, key=checks.key_of()).images

    def roughness(image):
        blocks = blocks_of(image, 16).astype(int)
        return np.abs(np.diff(blocks, axis=1)).sum() + np.abs(np.diff(blocks, axis=2)).sum()

    assert roughness(hidden) == roughness(plain)


@pytest.mark.parametrize(("block", "side", "bits"), [(4, 32, 717.4), (16, 224, 2505.5), (16, 512, 15512)])
def test_key_space_is_the_published_formula(block, side, bits):
    """8^N 2^N 6^N N!."""
    blocks = (side // block) ** 2
    total = create_scheme("etc-color", block_size=block).key_bits((side, side, 3))
    assert total == pytest.approx(blocks * math.log2(96) + math.log2(math.factorial(blocks)))
    assert total == pytest.approx(bits, abs=0.05 if bits < 3000 else 0.5)
