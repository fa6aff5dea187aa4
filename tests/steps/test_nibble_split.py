import hashlib
import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.plans import LanePlan
from pixelveil.steps import NibbleSplit

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("step_cases.py"))))


def encrypt_block(block, key, reverse):
    """Tanaka's steps in words: split, reverse some halves, shuffle all, put together."""
    flat = block.reshape(-1)
    halves = np.concatenate([flat & 15, flat >> 4])
    halves = np.where(reverse, 15 - halves, halves)[key]
    return (halves[: flat.size] | halves[flat.size :] << 4).reshape(block.shape)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("per_block", [False, True])
def test_half_bytes_are_reversed_then_shuffled(count, channels, per_block):
    shape = (8, 12, channels)
    lanes = 32 * channels
    images = cases.images_of(count, shape)
    maps = 6 if per_block else 1
    keys = cases.stream_of("r/shuffle", count).permutations(lanes, count=maps).swapaxes(0, 1)
    reversals = cases.stream_of("r/reverse", count).bits(maps * lanes).reshape(count, maps, lanes).swapaxes(0, 1)
    plan = NibbleSplit(block_size=4, per_block=per_block).plan(
        material=cases.material_for(count), role="r", shape=shape
    )
    for i, (image, hidden) in enumerate(zip(images, plan.apply(images), strict=True)):
        blocks = [
            encrypt_block(block, keys[n % len(keys)][i], reversals[n % len(keys)][i])
            for n, block in enumerate(cases.blocks_of(image, 4))
        ]
        np.testing.assert_array_equal(hidden, cases.image_of(np.stack(blocks), shape))


def test_exact_vector_of_the_published_code():
    """There the reversal follows from the key: ``o_j = n[K_j] XOR 15 (r[K_j] XOR r_j)`` with ``r_j = (K_j > m/2)``."""
    key = (7 * np.arange(96) + 5) % 96
    reverse = key > 48
    plan = LanePlan(lane="nibble", block_size=4, source=key, flip=15 * (reverse[key] ^ reverse).astype(np.uint8))
    block = ((5 * np.arange(48) + 3) % 256).astype(np.uint8).reshape(4, 4, 3)
    hidden = plan.apply(block)
    assert hidden.reshape(-1)[:12].tolist() == [28, 192, 98, 122, 168, 52, 238, 18, 75, 137, 168, 37]
    assert hashlib.sha256(hidden.tobytes()).hexdigest().startswith("81f01a0f8ffbfd87")
    np.testing.assert_array_equal(plan.invert().apply(hidden), block)


@pytest.mark.parametrize(("block", "bits"), [(4, 594.28), (8, 3132), (16, 15585)])
def test_key_space_is_the_published_formula(block, bits):
    """(6 B^2)! 2^(6 B^2): Madono et al., AAAI-WS 2020, equation 1."""
    lanes = 6 * block**2
    total = NibbleSplit(block_size=block).key_bits(shape=(32, 32, 3))
    assert total == pytest.approx(math.log2(math.factorial(lanes)) + lanes, abs=1e-6)
    assert total == pytest.approx(bits, abs=0.005 if block == 4 else 1)


def test_key_space_of_the_shuffle_alone():
    assert NibbleSplit(block_size=4).key_bits(shape=(4, 4, 3)) - 96 == pytest.approx(498.28, abs=0.005)


def test_key_space_with_a_key_per_block():
    """With N! for the block order of its paper, {(6B^2)! 2^(6B^2)}^N N! is 38,329.7 bits."""
    total = NibbleSplit(block_size=4, per_block=True).key_bits(shape=(32, 32, 3))
    assert total + math.log2(math.factorial(64)) == pytest.approx(38329.7, abs=0.05)
