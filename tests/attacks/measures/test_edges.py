import numpy as np
import pytest
from scipy import ndimage

from pixelveil.attacks.measures.edges import correlation, edge_correlation


def photographs():
    data = pytest.importorskip("skimage.data")
    return np.stack(
        [data.astronaut()[100:300, 150:350], data.coffee()[100:300, 200:400], data.rocket()[100:300, 200:400]]
    )


def test_inversion_brightness_and_contrast_do_not_count():
    images = photographs()
    np.testing.assert_allclose(edge_correlation(images, 255 - images), 1)
    np.testing.assert_allclose(edge_correlation(images, images // 2 + 60), 1, atol=0.01)


def test_other_images_and_noise_are_at_zero():
    images = photographs()
    noise = np.random.default_rng(0).integers(0, 256, images.shape, dtype=np.uint8)
    assert np.abs(edge_correlation(images, noise)).max() < 0.05
    assert np.abs(edge_correlation(images, images[[1, 2, 0]])).max() < 0.25


def test_folding_keeps_outlines():
    """The leading-bit attack on inverted values: correlation 0.8 and more."""
    images = photographs()
    assert edge_correlation(np.minimum(images, 255 - images), images).min() > 0.7


def test_correlation_is_that_of_numpy():
    a, b = np.random.default_rng(1).random((2, 4, 5, 6))
    np.testing.assert_allclose(
        correlation(a, b), [np.corrcoef(x.ravel(), y.ravel())[0, 1] for x, y in zip(a, b, strict=True)]
    )
    assert correlation(np.ones((1, 5)), np.arange(5.0)[None])[0] == 0


def test_an_image_does_not_depend_on_its_neighbors_in_the_batch():
    images = photographs()
    others = np.random.default_rng(3).integers(0, 256, images.shape, dtype=np.uint8)
    alone = [edge_correlation(a[None], b[None])[0] for a, b in zip(images, others, strict=True)]
    np.testing.assert_allclose(edge_correlation(images, others), alone)


def test_it_is_made_of_sobel_magnitudes():
    images = photographs()[:2, :, :, :1]
    light = images[..., 0].astype(float)
    magnitudes = [np.hypot(ndimage.sobel(x, 0), ndimage.sobel(x, 1)).ravel() for x in light]
    expected = np.corrcoef(magnitudes[0], magnitudes[1])[0, 1]
    assert edge_correlation(images[:1], images[1:])[0] == pytest.approx(expected)
