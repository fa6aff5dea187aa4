import numpy as np
import pytest

from pixelveil.attacks.measures import critical_values, npcr, uaci


def noise(count, shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


@pytest.mark.parametrize(
    ("values", "alpha", "lower", "between"),
    [
        (3072, 0.05, 0.994243, (0.32627, 0.34300)),
        (65536, 0.05, 0.995693, (0.33282, 0.33645)),
        (65536, 0.01, 0.995527, (0.33226, 0.33702)),
        (262144, 0.05, 0.995893, (0.33373, 0.33554)),
    ],
)
def test_the_printed_bounds(values, alpha, lower, between):
    found = critical_values(values, alpha=alpha)
    assert found.npcr == pytest.approx(lower, abs=1e-6)
    assert found.uaci == pytest.approx(between, abs=1e-5)


def test_noise_passes_as_often_as_it_should():
    first, second = noise(1000, (16, 64, 3)), noise(1000, (16, 64, 3), 1)
    bounds = critical_values(3072)
    assert npcr(first, second).mean() == pytest.approx(0.996094, abs=2e-4)
    assert uaci(first, second).mean() == pytest.approx(0.334635, abs=5e-4)
    assert np.mean(npcr(first, second) < bounds.npcr) == pytest.approx(0.05, abs=0.03)
    outside = (uaci(first, second) < bounds.uaci[0]) | (uaci(first, second) > bounds.uaci[1])
    assert np.mean(outside) == pytest.approx(0.05, abs=0.03)


def test_extremes():
    black = np.zeros((1, 4, 4, 3), np.uint8)
    assert (npcr(black, black)[0], uaci(black, black)[0]) == (0, 0)
    assert (npcr(black, 255 - black)[0], uaci(black, 255 - black)[0]) == (1, 1)
