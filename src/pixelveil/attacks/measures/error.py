"""Squared error and peak signal-to-noise ratio, and why a negative one says nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.measures.batches import checked_pair
from pixelveil.errors import UsageError

__all__ = ["affinely_aligned", "float_psnr", "psnr"]

Floats = NDArray[np.float64]

_PEAK = 255.0


def psnr(first: NDArray[Any], second: NDArray[Any]) -> Floats:
    """Return the peak signal-to-noise ratio of each pair of 8-bit images, ``10 log10(255^2 / MSE)``.

    It cannot be negative: an error is at most 255. Black against white is 0 dB, two images of uniform noise 7.75 dB,
    a constant gray image about 10 dB; equal images have no limit.

    Args:
        first: uint8 (n, H, W, C).
        second: uint8 of the same shape, or (1, H, W, C).

    Returns:
        float64 (n,), decibels, 0 to infinity.

    Raises:
        UsageError: Other shapes or types.

    >>> black = np.zeros((1, 8, 8, 3), np.uint8)
    >>> psnr(black, 255 - black).tolist()
    [0.0]
    """
    a, b = checked_pair(first, second)
    return _ratio(a.astype(np.float64) - b, peak=_PEAK)


def float_psnr(values: NDArray[Any], plain: NDArray[Any], *, peak: float) -> Floats:
    """Return the ratio for values of any range, as some papers take it; it may be negative, which means nothing.

    ``10 log10(peak^2 / MSE)`` falls below zero as soon as the values are scaled up far enough, with no information
    added or removed. It is here to reproduce printed figures, and belongs beside `psnr` of clipped and of affinely
    aligned values.

    Args:
        values: (n, H, W, C) of any type, not clipped.
        plain: (n, H, W, C), what they are compared with.
        peak: What the paper calls the peak, such as 255 or 1.

    Raises:
        UsageError: The shapes differ or the peak is not positive.

    >>> scaled = np.full((1, 4, 4, 1), 1000.0)
    >>> float_psnr(scaled, np.zeros((1, 4, 4, 1)), peak=255).round(1).tolist()
    [-11.9]
    """
    if values.shape != plain.shape or peak <= 0:
        raise UsageError(f"values of {values.shape} and {plain.shape} with a peak of {peak} give no ratio")
    return _ratio(values.astype(np.float64) - plain, peak=peak)


def affinely_aligned(values: NDArray[Any], plain: NDArray[Any]) -> NDArray[np.uint8]:
    """Return values of any range as the 8-bit images nearest to the plain ones, by scaling and shifting.

    For each image and channel ``a v + b`` with least squared error, rounded and clipped: what is left is what the
    values tell, not how they were scaled.

    Args:
        values: (n, H, W, C) of any type.
        plain: uint8 (n, H, W, C).

    Raises:
        UsageError: The shapes differ.
    """
    if values.shape != plain.shape:
        raise UsageError(f"values of {values.shape} cannot be aligned with images of {plain.shape}")
    v, p = values.astype(np.float64), plain.astype(np.float64)
    mean_v, mean_p = v.mean(axis=(1, 2), keepdims=True), p.mean(axis=(1, 2), keepdims=True)
    variance = ((v - mean_v) ** 2).sum(axis=(1, 2), keepdims=True)
    slope = ((v - mean_v) * (p - mean_p)).sum(axis=(1, 2), keepdims=True) / np.where(variance > 0, variance, 1)
    return np.asarray(np.clip(np.rint(slope * (v - mean_v) + mean_p), 0, 255), np.uint8)


def _ratio(errors: Floats, *, peak: float) -> Floats:
    squared = (errors**2).reshape(len(errors), -1).mean(axis=1)
    with np.errstate(divide="ignore"):
        return np.asarray(10 * np.log10(peak**2 / squared))
