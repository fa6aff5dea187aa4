import numpy as np
import pytest

from pixelveil.attacks.measures import mutual_information


def noise(count, shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def test_unrelated_images_share_nothing():
    assert mutual_information(noise(50, (32, 32, 3)), noise(50, (32, 32, 3), 1)).mean() == pytest.approx(0, abs=0.005)


def test_it_is_that_of_scikit_learn():
    oracle = pytest.importorskip("sklearn.metrics").mutual_info_score
    first = noise(1, (64, 64, 3))
    second = (first // 2 + noise(1, (64, 64, 3), 1) // 2).astype(np.uint8)
    expected = oracle((first >> 4).ravel(), (second >> 4).ravel()) / np.log(2)
    bias = 15 * 15 / (2 * first.size * np.log(2))
    assert mutual_information(first, second)[0] == pytest.approx(expected - bias)


def test_relabeled_values_lose_nothing():
    """Any one-to-one change of values keeps it, where correlation would see nothing."""
    first = noise(1, (64, 64, 3))
    table = np.random.default_rng(2).permutation(16).astype(np.uint8) * 16
    assert mutual_information(first, table[first >> 4])[0] == pytest.approx(4, abs=0.05)
