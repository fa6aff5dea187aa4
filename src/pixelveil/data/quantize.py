"""Floats as bytes, each image with a scale of its own: nothing is clipped, and the scale is recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError

__all__ = ["dequantize", "quantize"]

_LEVELS = 255


def quantize(image: NDArray[Any]) -> tuple[NDArray[np.uint8], float, float]:
    """Return an image as bytes that span exactly its range.

    With ``zero`` the smallest value and ``unit`` the 255th part of the range, a byte is the nearest integer to
    ``(value - zero) / unit``; the error is at most half a unit.

    Args:
        image: Float (H, W, C), finite.

    Returns:
        uint8 (H, W, C), ``unit`` and ``zero``. An image of one value has the unit 1.

    Raises:
        UsageError: A value is not finite.

    >>> values, unit, zero = quantize(np.array([[[-51.0], [0.0], [459.0]]]))
    >>> values.ravel().tolist(), unit, zero
    ([0, 26, 255], 2.0, -51.0)
    """
    exact = image.astype(np.float64)
    low, high = float(exact.min()), float(exact.max())
    if not np.isfinite([low, high]).all():
        raise UsageError("encrypted values that are not finite cannot be stored")
    unit = (high - low) / _LEVELS or 1.0
    return np.rint((exact - low) / unit).astype(np.uint8), unit, low


def dequantize(values: NDArray[np.uint8], *, unit: float, zero: float) -> NDArray[np.float32]:
    """Return ``unit * value + zero``, computed in double precision.

    Args:
        values: uint8, any shape.
        unit: Grey levels per step.
        zero: Grey level of the byte 0.

    >>> dequantize(np.array([0, 26, 255], np.uint8), unit=2.0, zero=-51.0).tolist()
    [-51.0, 1.0, 459.0]
    """
    return (unit * values.astype(np.float64) + zero).astype(np.float32)
