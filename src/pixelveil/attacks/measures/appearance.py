"""How random ciphertexts look: entropy, histograms, correlation of neighbors. Advice only; never a verdict.

Negative-positive transformation alone passes all of them, and the leading-bit attack reads it all the same.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.measures.edges import correlation
from pixelveil.errors import UsageError

__all__ = ["adjacent_correlation", "entropy", "histogram_distance", "uniformity"]

Floats = NDArray[np.float64]
Direction = Literal["horizontal", "vertical", "diagonal"]


def entropy(images: NDArray[Any]) -> Floats:
    """Return Shannon's entropy of the values of each image in bits, at most 8.

    Args:
        images: uint8 (n, H, W, C).

    >>> entropy(np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)).tolist()
    [8.0]
    """
    share = _histograms(images) / images[0].size
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Floats = -np.where(share > 0, share * np.log2(share), 0).sum(axis=1)
    return result


def uniformity(images: NDArray[Any]) -> Floats:
    """Return the chi-squared statistic of each image's histogram against a uniform one; 255 on average for noise.

    Above 293.25 uniformity is rejected at 5 percent.

    Args:
        images: uint8 (n, H, W, C).
    """
    expected = images[0].size / 256
    result: Floats = ((_histograms(images) - expected) ** 2 / expected).sum(axis=1)
    return result


def histogram_distance(first: NDArray[Any], second: NDArray[Any]) -> Floats:
    """Return half the L1 distance of the value histograms of each pair: 0 for equal, 1 for disjoint ones.

    Args:
        first: uint8 (n, H, W, C).
        second: uint8 (n, ...).
    """
    if len(first) != len(second):
        raise UsageError(f"{len(first)} and {len(second)} images are no pairs")
    a, b = _histograms(first) / first[0].size, _histograms(second) / second[0].size
    result: Floats = np.abs(a - b).sum(axis=1) / 2
    return result


def adjacent_correlation(images: NDArray[Any], *, direction: Direction = "horizontal") -> Floats:
    """Return the correlation of all pairs of neighboring values of each image; near 1 for photographs, 0 for noise.

    Args:
        images: uint8 (n, H, W, C).
        direction: Which neighbor.
    """
    height, width = images.shape[1:3]
    down, right = {"horizontal": (0, 1), "vertical": (1, 0), "diagonal": (1, 1)}[direction]
    return correlation(images[:, : height - down, : width - right], images[:, down:, right:])


def _histograms(images: NDArray[Any]) -> Floats:
    if images.dtype != np.uint8:
        raise UsageError(f"histograms are of uint8 images, not {images.dtype}")
    return np.stack([np.bincount(image.reshape(-1), minlength=256) for image in images]).astype(np.float64)
