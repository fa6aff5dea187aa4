"""What all measures accept: two batches of 8-bit images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError

__all__ = ["checked_pair", "gray"]


def checked_pair(first: NDArray[Any], second: NDArray[Any]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return two batches of one shape; the second may be one image for all.

    8-bit only, on purpose: the range of floats is a guess, and a wrong guess makes noise look similar (SSIM 0.986).

    Raises:
        UsageError: Another type, rank or shape.
    """
    for images in (first, second):
        if images.dtype != np.uint8 or images.ndim != 4:
            raise UsageError(
                f"measures take uint8 images (n, H, W, C), not {images.dtype} {images.shape}",
                hint="map floats to grey levels first, by the best affine map, and clip",
            )
    if first.shape != second.shape and (len(second) != 1 or first.shape[1:] != second.shape[1:]):
        raise UsageError(f"images of {first.shape} and {second.shape} cannot be compared")
    return first, np.broadcast_to(second, first.shape)


def gray(images: NDArray[Any]) -> NDArray[np.float64]:
    """Return the luminance (n, H, W) of images (n, H, W, 3), by ITU-R BT.601; of one channel, that channel."""
    if images.shape[-1] == 1:
        return images[..., 0].astype(np.float64)
    weights = np.array([0.299, 0.587, 0.114])
    result: NDArray[np.float64] = images.astype(np.float64) @ weights
    return result
