"""Ciphertexts of any shape and unit as tensors about [-1, 1], and tensors as images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Images

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["GRAY", "Scale", "scale_of", "to_images", "to_tensor"]

# Of floats: values farther than this many standard deviations from the mean are outliers, and are clipped.
_DEVIATIONS = 2.0
_LIMIT = 4.0


@dataclass(frozen=True, kw_only=True)
class Scale:
    """``t = (v - center) / spread``.

    Args:
        center: Value that becomes 0.
        spread: Distance from it that becomes 1; above 0.
    """

    center: float
    spread: float


GRAY = Scale(center=127.5, spread=127.5)
"""Grey levels 0..255."""


def scale_of(images: Images) -> Scale:
    """Return the scale on which images lie about [-1, 1].

    Bytes are grey levels. Floats, which may be of any size, are taken by their mean and twice their standard deviation.

    Args:
        images: (n, H', W', C'), uint8 or float. Of floats the finite ones count.

    >>> scale_of(np.zeros((1, 2, 2, 1), np.uint8)) == GRAY
    True
    >>> scale_of(np.array([-3.0, -3.0, 5.0, 5.0]).reshape(1, 2, 2, 1))
    Scale(center=1.0, spread=8.0)
    """
    if images.dtype == np.uint8:
        return GRAY
    values = images[np.isfinite(images)].astype(np.float64)
    if not values.size:
        return GRAY
    return Scale(center=float(values.mean()), spread=_DEVIATIONS * float(values.std()) or 1.0)


def to_tensor(images: Images, *, scale: Scale = GRAY) -> Tensor:
    """Return images as a tensor float32 (n, C', H', W') about [-1, 1], clipped to [-4, 4].

    Args:
        images: (n, H', W', C'), uint8 or float in the unit of the scale.
        scale: Of `scale_of`, the same for training and reading.

    >>> to_tensor(np.array([0, 255], np.uint8).reshape(1, 1, 2, 1)).flatten().tolist()
    [-1.0, 1.0]
    """
    import torch

    values = (images.astype(np.float32) - np.float32(scale.center)) / np.float32(scale.spread)
    values = np.clip(np.nan_to_num(values), -_LIMIT, _LIMIT)
    return torch.from_numpy(np.ascontiguousarray(values.transpose(0, 3, 1, 2)))


def to_images(values: Tensor, *, shape: tuple[int, int, int] | None = None) -> NDArray[np.uint8]:
    """Return a tensor (n, C, H, W) about [-1, 1] as images uint8 (n, H, W, C).

    Args:
        values: Any float type, on any device; what is beyond [-1, 1] is clipped.
        shape: (H, W, C) to crop padding to; None: as they are.

    >>> import torch
    >>> to_images(torch.tensor([-1.0, 0.0, 2.0]).reshape(1, 1, 1, 3)).flatten().tolist()
    [0, 128, 255]
    """
    levels: NDArray[Any] = values.detach().cpu().float().numpy().transpose(0, 2, 3, 1) * GRAY.spread + GRAY.center
    if shape is not None:
        levels = levels[:, : shape[0], : shape[1], : shape[2]]
    return np.ascontiguousarray(np.clip(np.rint(levels), 0, 255).astype(np.uint8))
