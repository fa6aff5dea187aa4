import numpy as np
import pytest

from pixelveil.attacks.intervals import holm, of_mean, of_share
from pixelveil.errors import UsageError


def test_intervals_of_means_hold_the_mean_as_often_as_they_should():
    generator = np.random.default_rng(0)
    held = [1.0 in of_mean(generator.exponential(1, 60)) for _ in range(120)]
    assert 0.86 < np.mean(held) <= 1


def test_constant_values_have_no_width():
    found = of_mean(np.full(9, 0.5))
    assert (found.low, found.high) == (0.5, 0.5)


def test_more_confidence_is_wider():
    values = np.random.default_rng(1).normal(size=100)
    narrow, wide = of_mean(values, confidence=0.9), of_mean(values, confidence=0.99)
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"), [(0, 10, 0, 0.3085), (5, 10, 0.1871, 0.8129), (10, 10, 0.6915, 1)]
)
def test_shares_have_the_tabled_bounds(hits, trials, low, high):
    found = of_share(hits, trials)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_holm():
    assert holm(0.95, 1) == [0.95]
    assert holm(0.95, 2) == [pytest.approx(0.975), 0.95]


def test_nonsense_is_refused():
    with pytest.raises(UsageError, match="have no interval"):
        of_mean(np.zeros(1))
    for hits, trials in ((3, 2), (-1, 2), (0, 0)):
        with pytest.raises(UsageError, match="is no share"):
            of_share(hits, trials)
