"""Structural similarity, for whole batches: SSIM in its two conventions, and MS-SSIM."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.measures.batches import checked_pair
from pixelveil.errors import UsageError

__all__ = ["ms_ssim", "ssim"]

Window = Literal["uniform", "gaussian"]
Floats = NDArray[np.float64]

_PEAK = 255.0
_C1, _C2 = (0.01 * _PEAK) ** 2, (0.03 * _PEAK) ** 2
_UNIFORM = 7
_SIGMA, _RADIUS = 1.5, 5

# Weights of the five scales, finest first (Wang, Simoncelli and Bovik 2003, section 3.2).
_SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ssim(first: NDArray[Any], second: NDArray[Any], *, window: Window = "uniform") -> Floats:
    """Return the mean structural similarity of each pair of images, over all channels.

    ``SSIM = mean of (2 mu_x mu_y + C1)(2 s_xy + C2) / ((mu_x^2 + mu_y^2 + C1)(s_x^2 + s_y^2 + C2))`` over windows
    that lie inside the image, ``C1 = (0.01 * 255)^2``, ``C2 = (0.03 * 255)^2``.

    Args:
        first: uint8 (n, H, W, C).
        second: uint8 of the same shape, or (1, H, W, C).
        window: "uniform" (7x7, sample covariance: scikit-image's default) or "gaussian" (sigma 1.5, 11x11, population
            covariance: the original paper).

    Returns:
        float64 (n,), -1 to 1.

    Raises:
        UsageError: Other shapes or types, or images smaller than the window.

    Source: Wang, Bovik, Sheikh and Simoncelli, IEEE Trans. Image Processing 13(4), 2004.

    >>> noise = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
    >>> ssim(noise, noise).tolist()
    [1.0, 1.0]
    """
    a, b = checked_pair(first, second)
    luminance, structure = _terms(a.astype(np.float64), b.astype(np.float64), window=window)
    result: Floats = (luminance * structure).mean(axis=(1, 2, 3))
    return result


def ms_ssim(first: NDArray[Any], second: NDArray[Any]) -> Floats:
    """Return the multi-scale structural similarity of each pair of images.

    Contrast and structure at five scales, luminance at the coarsest, raised to published weights and multiplied;
    negative terms count as zero.

    Args:
        first: uint8 (n, H, W, C), at least 176 pixels high and wide.
        second: uint8 of the same shape.

    Returns:
        float64 (n,), 0 to 1.

    Raises:
        UsageError: Other shapes or types, or images that are too small for five scales.

    Source: Wang, Simoncelli and Bovik, Asilomar 2003.
    """
    a, b = (image.astype(np.float64) for image in checked_pair(first, second))
    smallest = (2 * _RADIUS + 1) * 2 ** (len(_SCALES) - 1)
    if min(a.shape[1:3]) < smallest:
        raise UsageError(f"MS-SSIM needs images of {smallest} pixels or more, not {a.shape[1]}x{a.shape[2]}")
    result = np.ones((len(a), a.shape[3]))
    for scale, weight in enumerate(_SCALES):
        luminance, structure = _terms(a, b, window="gaussian")
        last = scale == len(_SCALES) - 1
        term = (luminance * structure if last else structure).mean(axis=(1, 2))
        result *= np.maximum(term, 0) ** weight
        if not last:
            a, b = _half(a), _half(b)
    return np.asarray(result.mean(axis=1))


def _terms(a: Floats, b: Floats, *, window: Window) -> tuple[Floats, Floats]:
    """Return luminance term and contrast-structure term of every window (n, h, w, C)."""
    size = _UNIFORM if window == "uniform" else 2 * _RADIUS + 1
    if min(a.shape[1:3]) < size:
        raise UsageError(f"SSIM needs images of {size} pixels or more, not {a.shape[1]}x{a.shape[2]}")
    count = size * size
    sample = count / (count - 1) if window == "uniform" else 1.0
    mean_a, mean_b = _means(a, window=window), _means(b, window=window)
    spread = sample * (_means(a * a + b * b, window=window) - mean_a**2 - mean_b**2)
    together = sample * (_means(a * b, window=window) - mean_a * mean_b)
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    return luminance, (2 * together + _C2) / (spread + _C2)


def _means(values: Floats, *, window: Window) -> Floats:
    """Return the weighted mean of every window that lies inside."""
    from scipy import ndimage

    if window == "uniform":
        margin = _UNIFORM // 2
        for axis in (1, 2):
            values = ndimage.uniform_filter1d(values, _UNIFORM, axis=axis)
    else:
        margin = _RADIUS
        for axis in (1, 2):
            values = ndimage.gaussian_filter1d(values, _SIGMA, axis=axis, radius=_RADIUS)
    return np.asarray(values[:, margin:-margin, margin:-margin])


def _half(values: Floats) -> Floats:
    """Return images of half the size, means of 2x2 pixels."""
    _, height, width, _ = values.shape
    values = values[:, : height // 2 * 2, : width // 2 * 2]
    return (values[:, ::2, ::2] + values[:, 1::2, ::2] + values[:, ::2, 1::2] + values[:, 1::2, 1::2]) / 4
