import numpy as np
import pytest

from pixelveil.attacks import Budget
from pixelveil.attacks.public_images.assignment import _gains, fit_of, improve_by_swaps, matches, relax_from


@pytest.fixture
def generator():
    return np.random.default_rng(5)


def line(size):
    """Correlations of a chain, each place with an own variance so that it has no mirror image."""
    places = np.arange(size)
    return 0.8 ** np.abs(np.subtract.outer(places, places)) * np.sqrt(np.outer(1 + places, 1 + places))


def test_gains_are_what_a_swap_changes(generator):
    a, b = generator.normal(size=(2, 7, 7))
    gains = _gains(a, b)
    for one in range(7):
        for other in range(7):
            swapped = np.arange(7)
            swapped[[one, other]] = other, one
            assert gains[one, other] == pytest.approx((a * b[np.ix_(swapped, swapped)]).sum() - (a * b).sum())


def test_a_shuffled_chain_is_put_in_order(generator):
    public, places = line(30), generator.permutation(30)
    seen = public[np.ix_(places, places)]
    found = matches(seen, public, starts=6, generator=generator)
    assert (found[0][1] == places).all()
    assert found[0][0] == pytest.approx(fit_of(seen, public, places))
    assert [fit for fit, _ in found] == sorted((fit for fit, _ in found), reverse=True)


def test_swaps_take_matrices_that_are_not_symmetric(generator):
    matrices = [generator.normal(size=(12, 12)) for _ in range(3)]
    places = generator.permutation(12)
    seen = [matrix[np.ix_(places, places)] for matrix in matrices]
    start = places.copy()
    start[[2, 5, 9]] = start[[5, 9, 2]]
    assert (improve_by_swaps(seen, matrices, places=start) == places).all()


def test_what_is_nearly_right_is_mended(generator):
    public, places = line(30), generator.permutation(30)
    start = places.copy()
    start[:8] = start[:8][::-1]
    assert (relax_from(public[np.ix_(places, places)], public, places=start) == places).all()


def test_one_start_is_made_however_little_time_there_is(generator):
    assert len(matches(line(8), line(8), starts=50, generator=generator, budget=Budget(seconds=-1))) == 1
