"""LE and ELE with the keys of public programs give what those programs give."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.schemes import create_scheme

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("legacy_cases.py"))))
IMAGES, SMALL, public, vit = cases.IMAGES, cases.SMALL, cases.public, cases.vit


def test_le_gives_the_published_vector():
    block = ((5 * np.arange(48) + 3) % 256).astype(np.uint8).reshape(1, 4, 4, 3)
    asset = cases.given("tanaka-le", {"permutation": (7 * np.arange(96) + 5) % 96}, images=block)
    first = [28, 192, 98, 122, 168, 52, 238, 18, 75, 137, 168, 37]
    assert cases.encrypt(block, "tanaka-le", asset).reshape(-1)[:12].tolist() == first


@pytest.mark.parametrize("side", [2, 4, 8])
def test_le(side):
    key = public.le_key(6 * side**2, 7)
    encrypted = cases.encrypt(IMAGES, "tanaka-le", cases.seeded("tanaka-le", block_size=side), block_size=side)
    np.testing.assert_array_equal(encrypted, public.le_scramble(IMAGES, key, side))


def test_le_of_gray_images():
    gray = IMAGES[..., :1]
    encrypted = cases.encrypt(gray, "tanaka-le", cases.seeded("tanaka-le", images=gray))
    np.testing.assert_array_equal(encrypted, public.le_scramble(gray, public.le_key(32, 7)))


def test_le_with_a_mask_of_its_own():
    key, mask = public.le_key(96, 1), np.random.default_rng(1).integers(0, 2, 96)
    asset = cases.given("tanaka-le", {"permutation": key, "mask": mask})
    expected = public.le_scramble_with_mask(IMAGES, key, mask)
    np.testing.assert_array_equal(cases.encrypt(IMAGES, "tanaka-le", asset), expected)
    derived = cases.given("tanaka-le", {"permutation": key, "mask": key > 48})
    np.testing.assert_array_equal(cases.encrypt(IMAGES, "tanaka-le", derived), public.le_scramble(IMAGES, key))


def test_the_public_rule_of_decryption_is_our_inverse():
    key = public.le_key(96, 7)
    plan = create_scheme("tanaka-le", asset=cases.seeded("tanaka-le")).legacy_plan(shape=(32, 48, 3))
    np.testing.assert_array_equal(plan.invert().apply(IMAGES), public.le_unscramble(IMAGES, key))
    keys, order = public.ele_keys(96, 96, 7), public.ele_order(96, 7)
    plan = create_scheme("madono-ele", asset=cases.seeded("madono-ele")).legacy_plan(shape=(32, 48, 3))
    np.testing.assert_array_equal(plan.invert().apply(IMAGES), public.ele_unscramble(IMAGES, keys, order))


def test_ele_from_a_seed():
    keys, order = public.ele_keys(96, 96, 7), public.ele_order(96, 7)
    encrypted = cases.encrypt(IMAGES, "madono-ele", cases.seeded("madono-ele"))
    np.testing.assert_array_equal(encrypted, public.ele_scramble(IMAGES, keys, order))


def test_ele_from_its_64_keys_and_the_order_of_seed_30():
    keys = public.ele_keys(64, 96, 1)
    asset = cases.seeded("madono-ele", images=SMALL, seed=30, rng="python", arrays={"keys": np.stack(keys)})
    assert asset.arrays["block_order"][:8].tolist() == [14, 43, 53, 26, 12, 57, 28, 32]
    expected = public.ele_scramble(SMALL, keys, public.ele_order(64, 30))
    np.testing.assert_array_equal(cases.encrypt(SMALL, "madono-ele", asset), expected)
