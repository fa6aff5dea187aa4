import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelveil.attacks.measures import ms_ssim, ssim
from pixelveil.errors import UsageError

skimage_ssim = pytest.importorskip("skimage.metrics").structural_similarity


def noise(count, shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def photographs():
    data = pytest.importorskip("skimage.data")
    return np.stack([data.astronaut()[100:340, 100:340], data.coffee()[50:290, 50:290], data.chelsea()[:240, :240]])


@given(height=st.integers(7, 30), width=st.integers(7, 30), channels=st.sampled_from([1, 3]), seed=st.integers(0, 9))
def test_uniform_windows_are_those_of_scikit_image(height, width, channels, seed):
    first, second = noise(2, (height, width, channels), seed), noise(2, (height, width, channels), seed + 1)
    second = (first // 2 + second // 2).astype(np.uint8)
    expected = [skimage_ssim(a, b, channel_axis=-1, data_range=255) for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(ssim(first, second), expected, atol=1e-9)


def test_gaussian_windows_are_those_of_the_paper():
    first = photographs()
    second = np.clip(first.astype(int) + np.random.default_rng(1).integers(-40, 40, first.shape), 0, 255).astype(
        np.uint8
    )
    expected = [
        skimage_ssim(
            a, b, channel_axis=-1, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        for a, b in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(ssim(first, second, window="gaussian"), expected, atol=1e-9)


def test_several_scales_forgive_fine_noise():
    first = photographs()
    grain = np.random.default_rng(2).integers(-25, 25, first.shape)
    second = np.clip(first + grain, 0, 255).astype(np.uint8)
    assert ms_ssim(first, first) == pytest.approx(1)
    assert (ms_ssim(first, second) > ssim(first, second)).all()
    assert (ms_ssim(first, noise(3, (240, 240, 3))) < 0.2).all()
    with pytest.raises(UsageError, match="MS-SSIM needs images of 176 pixels"):
        ms_ssim(first[:, :100], first[:, :100])


def windows(image, kernel):
    """Weighted means of all windows inside, by sums."""
    size = len(kernel)
    view = np.lib.stride_tricks.sliding_window_view(image, (size, size))
    return np.einsum("hwij,i,j->hw", view, kernel, kernel, optimize=True)


def multi_scale(a, b):
    """Wang, Simoncelli and Bovik (2003), equation 7, for one channel."""
    kernel = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    kernel /= kernel.sum()
    weights, result = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333], 1.0
    for scale, weight in enumerate(weights):
        if scale:
            a, b = (sum(x[i::2, j::2] for i in (0, 1) for j in (0, 1)) / 4 for x in (a, b))
        mean_a, mean_b = windows(a, kernel), windows(b, kernel)
        spread_a, spread_b = windows(a * a, kernel) - mean_a**2, windows(b * b, kernel) - mean_b**2
        together = windows(a * b, kernel) - mean_a * mean_b
        structure = (2 * together + 58.5225) / (spread_a + spread_b + 58.5225)
        light = (2 * mean_a * mean_b + 6.5025) / (mean_a**2 + mean_b**2 + 6.5025)
        result *= (structure * light if scale == 4 else structure).mean() ** weight
    return result


def test_several_scales_are_those_of_the_paper():
    """Only windows that lie inside the image count, at every scale."""
    first = photographs()[:2, :192, :208]
    second = np.clip(first + np.random.default_rng(2).integers(-60, 60, first.shape), 0, 255).astype(np.uint8)
    expected = [
        np.mean([multi_scale(a[..., c].astype(float), b[..., c].astype(float)) for c in range(3)])
        for a, b in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(ms_ssim(first, second), expected, rtol=1e-9)


def test_noise_is_unlike_photographs():
    """The floor: about 0.007 (uniform noise against a photograph)."""
    assert np.abs(ssim(noise(3, (240, 240, 3)), photographs())).max() < 0.02


def test_floats_are_refused_for_their_range_is_a_guess():
    with pytest.raises(UsageError, match="measures take uint8"):
        ssim(np.zeros((1, 8, 8, 3)), np.zeros((1, 8, 8, 3)))
    with pytest.raises(UsageError, match="cannot be compared"):
        ssim(noise(2, (8, 8, 3)), noise(3, (8, 8, 3)))
    with pytest.raises(UsageError, match="SSIM needs images of 7 pixels"):
        ssim(noise(1, (6, 8, 3)), noise(1, (6, 8, 3)))


def test_one_image_for_all():
    first, one = noise(3, (9, 9, 3)), noise(1, (9, 9, 3), 5)
    np.testing.assert_array_equal(ssim(first, one), ssim(first, np.repeat(one, 3, axis=0)))
