import numpy as np
import pytest

from pixelveil.attacks.measures import adjacent_correlation, entropy, histogram_distance, uniformity
from pixelveil.errors import UsageError


def noise(count, shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def test_entropy():
    oracle = pytest.importorskip("skimage.measure").shannon_entropy
    images = noise(3, (9, 9, 3)) // 16
    np.testing.assert_allclose(entropy(images), [oracle(image) for image in images])
    assert entropy(np.zeros((1, 4, 4, 1), np.uint8))[0] == 0


def test_uniformity_of_noise_is_accepted_and_of_photographs_rejected():
    values = uniformity(noise(400, (32, 32, 3)))
    assert values.mean() == pytest.approx(255, abs=4)
    assert np.mean(values > 293.25) == pytest.approx(0.05, abs=0.035)
    assert uniformity(noise(1, (32, 32, 3)) // 2)[0] > 1000


def test_histogram_distance():
    images = noise(2, (16, 16, 3))
    assert histogram_distance(images, images).tolist() == [0, 0]
    shuffled = np.random.default_rng(1).permutation(images.reshape(2, -1), axis=1).reshape(images.shape)
    assert histogram_distance(images, shuffled).tolist() == [0, 0]
    assert histogram_distance(images // 2, images // 2 + 128).tolist() == [1, 1]
    with pytest.raises(UsageError, match="no pairs"):
        histogram_distance(images, images[:1])


def test_histograms_are_those_of_numpy_and_scipy():
    chisquare = pytest.importorskip("scipy.stats").chisquare
    first, second = noise(3, (9, 8, 3)), noise(3, (9, 8, 3), 1) // 2
    counts = [[np.histogram(image, bins=256, range=(0, 256))[0] for image in images] for images in (first, second)]
    np.testing.assert_allclose(uniformity(second), [chisquare(one).statistic for one in counts[1]])
    common = [np.minimum(a, b).sum() / a.sum() for a, b in zip(*counts, strict=True)]
    np.testing.assert_allclose(histogram_distance(first, second), 1 - np.array(common))


@pytest.mark.parametrize("direction", ["horizontal", "vertical", "diagonal"])
def test_neighbors_of_noise_do_not_correlate(direction):
    y, x = np.mgrid[:64, :64]
    smooth = ((x + 2 * y) % 256).astype(np.uint8)[None, :, :, None]
    assert adjacent_correlation(smooth, direction=direction)[0] > 0.95
    assert abs(adjacent_correlation(noise(1, (128, 128, 3)), direction=direction)[0]) < 0.02


@pytest.mark.parametrize(("direction", "down", "right"), [("horizontal", 0, 1), ("vertical", 1, 0), ("diagonal", 1, 1)])
def test_neighbors_are_correlated_as_numpy_does(direction, down, right):
    image = noise(1, (7, 9, 1))[0, :, :, 0] // 3 + np.arange(9, dtype=np.uint8) * 8
    pairs = [(image[y, x], image[y + down, x + right]) for y in range(7 - down) for x in range(9 - right)]
    expected = np.corrcoef(np.array(pairs, float).T)[0, 1]
    assert adjacent_correlation(image[None, :, :, None], direction=direction)[0] == pytest.approx(expected)


def test_directions_are_what_they_say():
    stripes = np.tile(np.uint8([0, 255]), (8, 4))[None, :, :, None]
    found = [adjacent_correlation(stripes, direction=d)[0] for d in ("horizontal", "vertical", "diagonal")]
    np.testing.assert_allclose(found, [-1, 1, -1])


def test_floats_are_refused():
    with pytest.raises(UsageError, match="uint8"):
        entropy(np.zeros((1, 2, 2, 1)))
