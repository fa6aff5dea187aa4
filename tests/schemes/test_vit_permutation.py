import math
import runpy
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.plans import LanePlan
from pixelveil.schemes import create_scheme
from pixelveil.steps import BlockScramble, NegativePositive, PixelShuffle

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))

SWITCHES = [on for on in product((False, True), repeat=3) if any(on)]


def scheme_of(*, block=4, shuffle=True, invert=True, scramble=True):
    return create_scheme("vit-permutation", block_size=block, shuffle=shuffle, invert=invert, scramble_blocks=scramble)


def blocks_of(image, side=4):
    height, width, channels = image.shape
    return (
        image.reshape(height // side, side, width // side, side, channels)
        .swapaxes(1, 2)
        .reshape(-1, side**2 * channels)
    )


@pytest.mark.parametrize("on", SWITCHES)
def test_steps_are_those_switched_on_in_the_order_of_the_paper(on):
    steps = scheme_of(shuffle=on[0], invert=on[1], scramble=on[2]).steps()
    expected = (PixelShuffle(block_size=4), NegativePositive(scope="mask", block_size=4), BlockScramble(block_size=4))
    assert steps == tuple(step for step, wanted in zip(expected, on, strict=True) if wanted)


@pytest.mark.parametrize("on", SWITCHES)
@pytest.mark.parametrize("channels", [1, 3])
def test_blocks_go_through_one_permutation_and_one_mask(on, channels):
    """The formula of the paper: ``y[j][i] = x[o[j]][p[i]] XOR 255 r[i]``, one p and r for all blocks."""
    scheme, shape = scheme_of(shuffle=on[0], invert=on[1], scramble=on[2]), (8, 12, channels)
    plan = scheme.plan(key=checks.key_of(), shape=shape)
    assert isinstance(plan, LanePlan)
    permutation, mask = plan.source[0, 0], plan.flip[0, 0]
    order = np.arange(6) if plan.block_order is None else plan.block_order[0]
    assert set(mask.tolist()) <= {0, 255}
    assert plan.choice is None
    lanes = np.arange(16 * channels)
    assert bool((permutation != lanes).any()) is on[0]
    assert bool(mask.any()) is on[1]
    assert (plan.block_order is not None) is on[2]
    assert sorted(permutation) == lanes.tolist()
    image = checks.noise(1, shape)[0]
    expected = blocks_of(image)[order][:, permutation] ^ mask
    np.testing.assert_array_equal(blocks_of(scheme.encrypt(image, key=checks.key_of()).images), expected)


@pytest.mark.parametrize("on", SWITCHES)
@pytest.mark.parametrize("channels", [1, 3])
def test_each_block_has_its_own_key_where_that_is_asked_for(on, channels):
    """``y[j][i] = x[o[j]][p_o[i]] XOR 255 r_o[i]``: the keys belong to the places before scrambling."""
    shape = (8, 12, channels)
    names = dict(zip(("shuffle", "invert", "scramble_blocks"), on, strict=True))
    scheme = create_scheme("vit-permutation", block_size=4, per_block=True, **names)
    key = checks.key_of()
    alone = {**names, "scramble_blocks": False}
    plan = scheme.plan(key=key, shape=shape)
    order = np.arange(6) if plan.block_order is None else plan.block_order[0]
    image = checks.noise(1, shape)[0]
    hidden = scheme.encrypt(image, key=key).images
    levels = np.sort(np.abs(blocks_of(image)[order] - 127.5), axis=1)
    np.testing.assert_array_equal(np.sort(np.abs(blocks_of(hidden) - 127.5), axis=1), levels)
    np.testing.assert_array_equal(scheme.decrypt(scheme.encrypt(image, key=key), key=key), image)
    if any(alone.values()):
        tile = np.tile(checks.noise(1, (4, 4, channels))[0], (2, 3, 1))
        assert len(np.unique(blocks_of(scheme.encrypt(tile, key=key).images), axis=0)) == 6
    each = 6 * ((math.log2(math.factorial(16 * channels)) if on[0] else 0) + (16 * channels if on[1] else 0))
    assert scheme.key_bits(shape) == pytest.approx(each + (math.log2(math.factorial(6)) if on[2] else 0))


def test_a_model_can_absorb_the_plan():
    plan = scheme_of().plan(key=checks.key_of(), shape=(8, 12, 3))
    images = checks.noise(2, (8, 12, 3))
    np.testing.assert_array_equal(plan.to_affine().apply(images), plan.apply(images))
    assert plan.to_affine().matrix.shape == (48, 48)


def test_equal_blocks_stay_equal():
    """The known weakness behind one-image attacks: all blocks share one map."""
    tile = checks.noise(1, (4, 4, 3))[0]
    hidden = scheme_of().encrypt(np.tile(tile, (3, 3, 1)), key=checks.key_of()).images
    assert len(np.unique(blocks_of(hidden), axis=0)) == 1
    levels = np.sort(np.abs(tile.reshape(-1) - 127.5))
    np.testing.assert_array_equal(np.sort(np.abs(blocks_of(hidden)[0] - 127.5)), levels)


def test_key_space_is_that_of_its_steps():
    bits = create_scheme("vit-permutation").key_bits((224, 224, 3))
    assert bits == pytest.approx(math.log2(math.factorial(768)) + 768 + math.log2(math.factorial(196)), rel=1e-12)
    assert scheme_of(shuffle=False, scramble=False).key_bits((8, 8, 3)) == 48
    assert scheme_of(shuffle=False, invert=False).key_bits((8, 8, 3)) == pytest.approx(math.log2(24))
    assert create_scheme("vit-permutation").key_bits((220, 210, 3)) == bits
