import numpy as np

from pixelveil.attacks.public_images.correlations import (
    correlation,
    leading_signs,
    most_correlated,
    standardized,
    with_values_of,
)


def chain(count, lanes, seed=0):
    """Columns that follow their neighbors."""
    steps = np.random.default_rng(seed).normal(size=(count, lanes))
    level = np.random.default_rng(seed + 1).normal(size=(count, 1)) * 5
    return level + steps.cumsum(axis=1)


def test_correlation_against_numpy():
    columns = chain(200, 6)
    assert np.allclose(correlation(columns), np.corrcoef(columns.T), atol=1e-5)


def test_a_constant_column_correlates_with_nothing():
    columns = chain(50, 3)
    columns[:, 1] = 7
    assert (correlation(columns)[1] == 0).all()
    assert not standardized(columns)[:, 1].any()


def test_signs_and_upper_halves_are_found():
    columns, generator = chain(500, 12), np.random.default_rng(3)
    signs = generator.choice([-1.0, 1.0], 12)
    found = leading_signs(correlation(columns * signs))
    assert (found == signs).all() or (found == -signs).all()
    mixed = np.column_stack([generator.normal(size=(500, 12)), columns * signs])
    order = generator.permutation(24)
    chosen = most_correlated(correlation(mixed[:, order]), count=12, top=5)
    assert (np.sort(order[chosen]) == np.arange(12, 24)).all()


def test_borrowed_values_keep_the_order_of_size():
    own, other = correlation(chain(300, 8)), correlation(chain(300, 8, seed=9))
    upper = np.triu_indices(8, 1)
    result = with_values_of(own, other)
    assert (result == result.T).all()
    assert (np.argsort(result[upper]) == np.argsort(own[upper])).all()
    assert np.allclose(np.sort(result[upper]), np.sort(other[upper]))
