import math
from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelveil.errors import UsageError
from pixelveil.steps.restriction import moved_places, restrict, restricted_key_bits

FIXED = st.integers(0, 1000)


@given(st.permutations(range(9)), FIXED)
def test_a_restricted_permutation_is_one_that_leaves_its_part(order, fixed):
    source = restrict(np.array([order], np.int32), fixed=fixed)[0]
    assert sorted(source) == list(range(9))
    chosen = order[: moved_places(9, fixed=fixed)]
    # In words: the chosen places, in increasing order, take from the chosen places as they were drawn.
    expected = list(range(9))
    for place, origin in zip(sorted(chosen), chosen, strict=True):
        expected[place] = origin
    assert source.tolist() == expected


def test_every_set_of_fixed_places_and_every_order_of_the_rest_is_as_likely():
    """Over all 120 permutations of five places: ten sets of three that move, each with the six orders twice."""
    draws = np.array(list(permutations(range(5))), np.int32)
    found = Counter(map(tuple, restrict(draws, fixed=400)))
    direct = Counter(
        tuple(dict(zip(moved, order, strict=True)).get(place, place) for place in range(5))
        for moved in {tuple(sorted(row[:3])) for row in draws.tolist()}
        for order in permutations(moved)
    )
    assert found == Counter({source: 2 * times for source, times in direct.items()})


@given(st.integers(1, 2000), FIXED)
def test_parts_are_rounded_to_the_nearest(size, fixed):
    stays = size - moved_places(size, fixed=fixed)
    assert 0 <= stays <= size
    assert abs(stays - size * fixed / 1000) <= 0.5


@pytest.mark.parametrize(
    ("size", "fixed", "stays"),
    [(196, 612, 120), (768, 651, 500), (196, 750, 147), (768, 750, 576), (64, 612, 39), (7, 0, 0), (7, 1000, 7)],
)
def test_published_counts_are_hit(size, fixed, stays):
    assert size - moved_places(size, fixed=fixed) == stays


@pytest.mark.parametrize("size", [1, 2, 5, 7])
@pytest.mark.parametrize("fixed", [0, 250, 500, 600, 900, 1000])
def test_key_space_counts_the_permutations_that_can_come_out(size, fixed):
    draws = np.array(list(permutations(range(size))), np.int32)
    distinct = len({tuple(row) for row in restrict(draws, fixed=fixed)})
    assert restricted_key_bits(size, fixed=fixed) == pytest.approx(math.log2(distinct), abs=1e-9)


def test_key_space_of_the_published_setting():
    """Exactly so many fixed, all others moved: C(196, 120) D(76) and C(768, 500) D(268)."""
    assert restricted_key_bits(196, fixed=612) == pytest.approx(553, abs=0.5)
    assert restricted_key_bits(768, fixed=651) == pytest.approx(2491, abs=0.5)


def test_nothing_fixed_is_the_permutation_itself():
    draws = np.random.default_rng(0).permuted(np.tile(np.arange(50, dtype=np.int32), (4, 3, 1)), axis=-1)
    np.testing.assert_array_equal(restrict(draws, fixed=0), draws)
    assert restricted_key_bits(50, fixed=0) == pytest.approx(math.log2(math.factorial(50)))


@pytest.mark.parametrize("fixed", [-1, 1001])
def test_parts_are_thousandths(fixed):
    from pixelveil.steps import BlockScramble, PixelShuffle

    for step in (BlockScramble, PixelShuffle):
        with pytest.raises(UsageError, match=f"in thousandths, 0 to 1000, not {fixed}"):
            step(block_size=4, fixed=fixed)
