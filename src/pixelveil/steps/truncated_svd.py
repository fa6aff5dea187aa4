"""Truncated singular value decomposition: of every color plane the leading components, whole or their left half."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import ForwardPlan, Operation
from pixelveil.steps.planes import as_images, as_planes
from pixelveil.steps.step import ImageShape

__all__ = ["TruncatedSvd", "peak_signs"]


@dataclass(frozen=True, kw_only=True)
class TruncatedSvd:
    """Keep the k largest singular values of each color plane, ``X = U S V^T``, singular values descending.

    ``U_k S_k`` (H x k) or ``U_k S_k V_k^T`` (H x W). The sign of each pair of singular vectors is the one that makes
    the entry of largest magnitude in the column of U positive; the first of them where magnitudes are equal. Where k
    is more than an image has, ``min(H, W)``, all are kept. Results are floats.

    Source: Popescu et al., MED 2023, arXiv 2308.16530; Wang, thesis, NCCU (2025).

    Args:
        components: How many to keep, k; 0 keeps all.
        factor: "left" gives U_k S_k, "image" multiplies by V_k^T again.
    """

    components: int
    factor: Literal["left", "image"] = "left"
    name: str = "truncated-svd"

    def __post_init__(self) -> None:
        if self.components < 0:
            raise UsageError(f"components must be positive, or 0 for all, not {self.components}")
        if self.factor not in ("left", "image"):
            raise UsageError(f"factor must be 'left' or 'image', not {self.factor!r}")

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> ForwardPlan:
        """Return the plan; see `Step.plan`. It reads no key."""
        return ForwardPlan(parts=(Operation(self.name, self._truncate),))

    def output_shape(self, shape: ImageShape) -> ImageShape:
        """Return (H, k, C) for the left factor, else the same shape.

        >>> TruncatedSvd(components=32).output_shape((20, 224, 3))
        (20, 20, 3)
        """
        height, width, channels = shape
        return shape if self.factor == "image" else (height, self._kept(height, width), channels)

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return 0: there is no key."""
        return 0.0

    def _kept(self, height: int, width: int) -> int:
        return min(self.components or height, height, width)

    def _truncate(self, images: NDArray[Any]) -> NDArray[Any]:
        kept = self._kept(*images.shape[1:3])
        left, values, right = np.linalg.svd(as_planes(images), full_matrices=False)
        scaled = left[..., :kept] * values[..., None, :kept]
        if self.factor == "image":
            return as_images(scaled @ right[..., :kept, :], like=images)
        return as_images(scaled * peak_signs(left[..., :kept]), like=images)


def peak_signs(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each column, the sign of its entry of largest magnitude; the first of them where several are.

    Args:
        columns: (..., rows, columns).

    Returns:
        1 or -1, (..., 1, columns).

    >>> peak_signs(np.array([[1.0, -2.0], [-3.0, 2.0]])).tolist()
    [[-1.0, -1.0]]
    """
    places = np.abs(columns).argmax(axis=-2, keepdims=True)
    return np.where(np.take_along_axis(columns, places, axis=-2) < 0, -1.0, 1.0)
