import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.schemes import create_scheme

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))


def blocks_of(image, side=8):
    height, width = image.shape
    return image.reshape(height // side, side, width // side, side).swapaxes(1, 2).reshape(-1, side, side)


def test_steps_are_in_the_order_of_the_paper():
    names = [step.name for step in create_scheme("etc-gray").steps()]
    assert names == ["block-scramble", "block-rotation", "negative-positive"]


def test_each_block_is_one_of_16_states_of_a_block_of_one_plane():
    plain = checks.noise(1, (16, 24, 3))[0]
    hidden = create_scheme("etc-gray").encrypt(plain, key=checks.key_of()).images
    assert hidden.shape == (16, 72, 1)
    planes = np.concatenate([plain[..., channel] for channel in range(3)], axis=1)
    order = create_scheme("etc-gray").plan(key=checks.key_of(), shape=(16, 72, 1)).block_order[0]
    assert sorted(order) == list(range(18))
    for block, origin in zip(blocks_of(hidden[..., 0]), order, strict=True):
        source = blocks_of(planes)[origin]
        turned = [np.rot90(mirrored, turn) for mirrored in (source, source[:, ::-1]) for turn in range(4)]
        assert any(np.array_equal(block, level) for one in turned for level in (one, 255 - one))


def test_blocks_of_all_planes_change_places():
    """No color is left in place: red blocks go to what was green or blue."""
    plain = np.zeros((64, 64, 3), np.uint8)
    plain[..., 0] = 100
    hidden = create_scheme("etc-gray").encrypt(plain, key=checks.key_of()).images
    red = [np.isin(part, (100, 155)).mean() for part in np.split(hidden, 3, axis=1)]
    assert all(0.15 < share < 0.5 for share in red)
    assert sum(red) == pytest.approx(1)


@pytest.mark.parametrize("shape", [(21, 18, 3), (32, 32, 3), (21, 18, 1), (1, 1, 3)])
@pytest.mark.parametrize("policy", ["shared", "derived"])
def test_the_size_comes_back(shape, policy):
    scheme, key = create_scheme("etc-gray", key_policy=policy), checks.key_of()
    plain = checks.noise(2, shape)
    encrypted = scheme.encrypt(plain, key=key)
    height, width, channels = shape
    assert encrypted.images.shape == (2, -(-height // 8) * 8, -(-width // 8) * 8 * channels, 1)
    np.testing.assert_array_equal(scheme.decrypt(encrypted, key=key), plain)


@pytest.mark.parametrize(("side", "bits"), [(224, 32363), (256, 43452)])
def test_key_space_is_that_of_all_planes(side, bits):
    blocks = 3 * (side // 8) ** 2
    total = create_scheme("etc-gray").key_bits((side, side, 3))
    assert total == pytest.approx(4 * blocks + math.log2(math.factorial(blocks)))
    assert total == pytest.approx(bits, abs=0.5)
