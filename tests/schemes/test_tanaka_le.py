import hashlib
import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.plans import LanePlan
from pixelveil.schemes import create_scheme

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))


def test_published_block():
    """The official code derives the reversal from the permutation: ``r_j = (K_j > m/2)``, before and after it."""
    key = (7 * np.arange(96) + 5) % 96
    reverse = key > 48
    plan = LanePlan(lane="nibble", block_size=4, source=key, flip=15 * (reverse[key] ^ reverse).astype(np.uint8))
    block = ((5 * np.arange(48) + 3) % 256).astype(np.uint8).reshape(4, 4, 3)
    hidden = plan.apply(np.tile(block, (2, 3, 1)))
    assert hidden[:4, 4:8].reshape(-1)[:12].tolist() == [28, 192, 98, 122, 168, 52, 238, 18, 75, 137, 168, 37]
    assert hashlib.sha256(hidden[:4, :4].tobytes()).hexdigest().startswith("81f01a0f8ffbfd87")


def test_the_plan_is_of_the_published_form():
    """``o_j = n[K_j] XOR 15 r_j`` with one K and r for all blocks: the published key is one of ours."""
    plan = create_scheme("tanaka-le").plan(key=checks.key_of(), shape=(8, 12, 3))
    assert (plan.lane, plan.block_size, plan.source.shape, plan.choice) == ("nibble", (4, 4), (1, 1, 96), None)
    assert plan.block_order is None
    assert sorted(plan.source[0, 0]) == list(range(96))
    assert set(plan.flip[0, 0].tolist()) == {0, 15}


def test_one_known_photograph_gives_the_key():
    """Known weakness: each half byte of the ciphertext matches its origin, or its reverse, over the 64 blocks."""
    photograph = checks.noise(1, (32, 32, 3)) // 3 + checks.scene(32)[None] // 2
    scheme, key = create_scheme("tanaka-le"), checks.key_of()
    hidden = scheme.encrypt(photograph, key=key).images

    def columns(images):
        blocks = images.reshape(8, 4, 8, 4, 3).swapaxes(1, 2).reshape(64, 48)
        return np.concatenate([blocks & 15, blocks >> 4], axis=1).T.astype(int)

    plain, cipher = columns(photograph), columns(hidden)
    distance = np.abs(cipher[:, None] - plain[None]).sum(axis=2)
    reversed_distance = np.abs(cipher[:, None] - (15 - plain)[None]).sum(axis=2)
    found = np.minimum(distance, reversed_distance).argmin(axis=1)
    np.testing.assert_array_equal(found, scheme.plan(key=key, shape=(32, 32, 3)).source[0, 0])


def test_equal_blocks_stay_equal_and_stay_in_place():
    tiles = checks.noise(2, (4, 4, 3))
    plain = np.concatenate([tiles[0], tiles[1], tiles[0]], axis=1)
    hidden = create_scheme("tanaka-le").encrypt(plain, key=checks.key_of()).images
    np.testing.assert_array_equal(hidden[:, :4], hidden[:, 8:])
    assert (hidden[:, :4] != hidden[:, 4:8]).any()


@pytest.mark.parametrize(("block", "bits"), [(4, 594.28), (8, 3132), (16, 15585)])
def test_key_space_is_the_published_formula(block, bits):
    """(6 B^2)! 2^(6 B^2): Madono et al., AAAI-WS 2020, equation 1; 498.28 bits of it are the permutation's at B = 4."""
    total = create_scheme("tanaka-le", block_size=block).key_bits((32, 32, 3))
    assert total == pytest.approx(bits, abs=0.005 if block == 4 else 1)
    assert math.log2(math.factorial(96)) == pytest.approx(498.28, abs=0.005)


@pytest.mark.parametrize(
    ("shape", "size"), [((32, 32, 3), (32, 32, 3)), ((21, 18, 3), (24, 20, 3)), ((1, 1, 1), (4, 4, 1))]
)
def test_images_are_padded_to_blocks(shape, size):
    scheme, key = create_scheme("tanaka-le"), checks.key_of()
    plain = checks.noise(2, shape)
    encrypted = scheme.encrypt(plain, key=key)
    assert encrypted.images.shape == (2, *size) == (2, *scheme.encrypted_shape(shape))
    np.testing.assert_array_equal(scheme.decrypt(encrypted, key=key), plain)
