"""Edge correlation: whether outlines are where they were; the best cheap sign of a leak."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.measures.batches import checked_pair, gray

__all__ = ["correlation", "edge_correlation", "sobel_magnitude"]

Floats = NDArray[np.float64]


def edge_correlation(first: NDArray[Any], second: NDArray[Any]) -> Floats:
    """Return Pearson's correlation of the Sobel magnitudes of the luminance of each pair of images.

    It does not change when an image is inverted, brightened or given other contrast, and is zero on average for
    unrelated images: where PSNR sees 3 dB between a break and noise, it sees 0.85 against 0.00.

    Args:
        first: uint8 (n, H, W, C).
        second: uint8 of the same shape, or (1, H, W, C).

    Returns:
        float64 (n,), -1 to 1; 0 where an image has no edges at all.

    Raises:
        UsageError: Other shapes or types.

    >>> ramp = np.tile(np.arange(0, 160, 10, dtype=np.uint8)[None, :, None, None] ** 2 // 100, (1, 1, 16, 3))
    >>> edge_correlation(ramp, 255 - ramp).round(6).tolist()
    [1.0]
    """
    a, b = checked_pair(first, second)
    return correlation(sobel_magnitude(gray(a)), sobel_magnitude(gray(b)))


def correlation(first: NDArray[Any], second: NDArray[Any]) -> Floats:
    """Return Pearson's correlation of each row pair of two batches of one shape; 0 where one of them is constant."""
    a, b = (np.reshape(values, (len(values), -1)).astype(np.float64) for values in (first, second))
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    norm = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    result: Floats = np.where(norm > 0, (a * b).sum(axis=1) / np.where(norm > 0, norm, 1), 0.0)
    return result


def sobel_magnitude(images: NDArray[Any]) -> Floats:
    """Return the Sobel magnitude of each pixel of images (n, H, W); borders are mirrored."""
    from scipy import ndimage

    # SciPy's own Sobel filter would smooth over every other axis, so over the images of the batch too.
    def along(axis: int, across: int) -> Any:
        return ndimage.correlate1d(ndimage.correlate1d(images, [-1, 0, 1], axis=axis), [1, 2, 1], axis=across)

    return np.asarray(np.hypot(along(2, 1), along(1, 2)))
