import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelveil.attacks.pairs.matching import block_marks, match_lanes, match_marks


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), top=st.sampled_from([15, 255]))
def test_marks_do_not_change_under_any_key(seed, top):
    generator = np.random.default_rng(seed)
    blocks = generator.integers(top + 1, size=(2, 5, 12), dtype=np.uint8)
    source, flip = generator.permutation(12), generator.integers(2, size=12, dtype=np.uint8) * np.uint8(top)
    np.testing.assert_array_equal(block_marks(blocks[..., source] ^ flip, top=top), block_marks(blocks, top=top))


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), top=st.sampled_from([15, 255]))
def test_lanes_are_found(seed, top):
    generator = np.random.default_rng(seed)
    known = generator.integers(top + 1, size=(40, 20), dtype=np.uint8)
    source, flip = generator.permutation(20), generator.integers(2, size=20, dtype=np.uint8) * np.uint8(top)
    found_source, found_flip, certain = match_lanes(known, known[:, source] ^ flip, top=top)
    np.testing.assert_array_equal(found_source, source)
    np.testing.assert_array_equal(found_flip, flip)
    assert certain == 1


def test_lanes_are_found_in_noisy_samples():
    generator = np.random.default_rng(0)
    known = generator.integers(20, 235, size=(60, 30)).astype(np.int16)
    source, upright = generator.permutation(30), generator.integers(2, size=30).astype(bool)
    seen = np.where(upright, known[:, source], 255 - known[:, source]) + generator.integers(-9, 10, size=(60, 30))
    found, flip, _ = match_lanes(known.astype(np.uint8), seen.astype(np.uint8), top=255)
    np.testing.assert_array_equal(found, source)
    np.testing.assert_array_equal(flip == 0, upright)


def test_too_few_samples_are_told():
    flat = np.full((3, 10), 7, np.uint8)
    source, _, certain = match_lanes(flat, flat, top=255)
    assert certain == 0
    assert sorted(source) == list(range(10))


@pytest.mark.parametrize("damage", [0, 3])
def test_blocks_are_found(damage):
    generator = np.random.default_rng(1)
    known = generator.integers(10, 240, size=(50, 30)).astype(np.uint8)
    order = generator.permutation(50)
    seen = known[order] + generator.integers(damage + 1, size=(50, 30)).astype(np.uint8)
    np.testing.assert_array_equal(match_marks(known, seen), order)


def test_equal_blocks_are_each_used_once():
    known = np.zeros((6, 4), np.uint8)
    assert sorted(match_marks(known, known)) == list(range(6))
