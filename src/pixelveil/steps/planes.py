"""Color planes as matrices, for operations on floats: one matrix of height x width for each channel of each image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_images", "as_planes", "float_type"]

Floats = NDArray[np.floating[Any]]


def float_type(images: NDArray[Any]) -> type[np.float32] | type[np.float64]:
    """Return the type of float results: float64 for float64 images, else float32.

    >>> float_type(np.zeros((1, 2, 2, 1), np.uint8)).__name__
    'float32'
    """
    return np.float64 if images.dtype == np.float64 else np.float32


def as_planes(images: NDArray[Any]) -> NDArray[np.float64]:
    """Return images (n, H, W, C) as matrices, float64 (n, C, H, W), each contiguous in memory.

    Sums over a matrix are then done in one order, whatever else is in the batch.
    """
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2), dtype=np.float64)


def as_images(planes: Floats, *, like: NDArray[Any]) -> Floats:
    """Return matrices (n, C, H, W) as images (n, H, W, C), of the float type that images ``like`` give."""
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1), dtype=float_type(like))
