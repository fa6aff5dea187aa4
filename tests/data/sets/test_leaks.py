import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelveil.data.sets import find_leaks
from pixelveil.data.sets.leaks import look_alikes
from pixelveil.errors import UsageError

HASHES = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 15), min_size=1, max_size=12)


def pictures(count, seed=0, side=16):
    """Smooth pictures that look nothing alike."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return coarse.repeat(side // 8, axis=1).repeat(side // 8, axis=2)


@settings(max_examples=60, deadline=None)
@given(left=HASHES, right=HASHES, distance=st.integers(0, 64))
def test_look_alikes_are_those_that_counting_bits_finds(left, right, distance):
    ours, theirs = look_alikes(np.array(left, np.uint64), np.array(right, np.uint64), distance=distance)
    close = [[(one ^ other).bit_count() <= distance for other in right] for one in left]
    assert ours.tolist() == [any(row) for row in close]
    assert theirs.tolist() == [any(column) for column in zip(*close, strict=True)]


def test_copies_and_near_copies_are_found_and_nothing_else():
    images = pictures(20)
    train, test = images[:14].copy(), images[14:].copy()
    train[3] = test[0]
    train[5] = np.clip(test[1].astype(int) // 2 + 60, 0, 255)  # darker and lighter, the same to look at
    leaks = find_leaks(train, test)
    assert np.flatnonzero(leaks.train).tolist() == [3, 5]
    assert (leaks.exact, leaks.near, leaks.test) == (1, 1, 2)


def test_a_list_of_groups_tells_what_no_hash_sees():
    images = pictures(6)
    train, test = images[:4], images[4:]
    found = find_leaks(train, test, train_groups=np.array(list("abcd")), test_groups=np.array(list("bx")))
    assert found.train.tolist() == [False, True, False, False]
    assert (found.exact, found.near, found.test) == (0, 1, 1)
    assert not find_leaks(train, test).train.any()


def test_digests_that_end_in_zeros_are_told_apart():
    leaks = find_leaks(np.zeros((1, 16, 16, 3), np.uint8), pictures(1), distance=0)
    assert leaks.exact == 0


def test_a_distance_beyond_the_hash_is_refused():
    with pytest.raises(UsageError, match="65"):
        find_leaks(pictures(1), pictures(1), distance=65)
