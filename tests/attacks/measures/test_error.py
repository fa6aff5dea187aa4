import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelveil.attacks.measures import affinely_aligned, float_psnr, psnr
from pixelveil.errors import UsageError


def noise(count, shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def test_it_is_that_of_scikit_image():
    oracle = pytest.importorskip("skimage.metrics").peak_signal_noise_ratio
    first, second = noise(3, (9, 8, 3)), noise(3, (9, 8, 3), 1)
    expected = [oracle(a, b, data_range=255) for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(psnr(first, second), expected)


def test_known_values():
    """Uniform noise against uniform noise: 10 log10(6 * 255 / 257) = 7.75 dB."""
    assert psnr(noise(1, (512, 512, 1)), noise(1, (512, 512, 1), 1))[0] == pytest.approx(7.75, abs=0.05)
    assert psnr(noise(1, (8, 8, 3)), noise(1, (8, 8, 3)))[0] == np.inf


@given(st.integers(0, 50))
def test_it_is_never_negative(seed):
    assert psnr(noise(4, (5, 5, 1), seed), noise(4, (5, 5, 1), seed + 1)).min() >= 0


def test_negative_ratios_come_from_the_scale_alone():
    """A float result times ten has 20 dB less and the same content; clipped or aligned, it is as good as before."""
    plain = noise(2, (16, 16, 3))
    values = plain * 8.0
    assert (float_psnr(values, plain, peak=255) < 0).all()
    assert (float_psnr(values * 10, plain, peak=255) < float_psnr(values, plain, peak=255) - 19).all()
    np.testing.assert_array_equal(affinely_aligned(values, plain), plain)


def test_gaussian_errors():
    """On data in [0, 1], errors of deviation s give -20 log10 s."""
    errors = np.random.default_rng(0).normal(0, 5, (1, 300, 300, 1))
    assert float_psnr(errors, np.zeros_like(errors), peak=1)[0] == pytest.approx(-14.0, abs=0.1)


def test_constant_values_align_to_the_mean():
    plain = noise(1, (6, 6, 3))
    aligned = affinely_aligned(np.full(plain.shape, 3.0), plain)
    np.testing.assert_array_equal(aligned[0, 0, 0], np.rint(plain[0].mean(axis=(0, 1))))


def test_nonsense_is_refused():
    with pytest.raises(UsageError, match="measures take uint8"):
        psnr(np.zeros((1, 2, 2, 1)), np.zeros((1, 2, 2, 1)))
    for shape, peak in (((1, 2, 2, 1), 0), ((1, 2, 3, 1), 255)):
        with pytest.raises(UsageError, match="give no ratio"):
            float_psnr(np.zeros(shape), np.zeros((1, 2, 2, 1)), peak=peak)
    with pytest.raises(UsageError, match="cannot be aligned"):
        affinely_aligned(np.zeros((1, 2, 2, 1)), noise(1, (2, 3, 1)))
