"""Random projection: the columns of every color plane are mixed by a secret Gaussian matrix, its rows too on demand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import ForwardPlan, Operation
from pixelveil.steps.planes import as_images, as_planes
from pixelveil.steps.step import ImageShape

__all__ = ["RandomProjection"]

# Wider results than any image's would only fill the memory.
_LARGEST_SIZE = 1 << 16

# The matrices are a continuum; what can be told apart is the 256-bit key that the streams are drawn with.
_STREAM_KEY_BITS = 256.0


@dataclass(frozen=True, kw_only=True)
class RandomProjection:
    """Multiply each color plane A (H x k) by a random matrix, ``Y = A R``, or by one on each side, ``Y = L A R``.

    The entries of R (k x m) are independent and normal with variance 1/k, those of L (H x H) with variance 1/H, so that
    lengths are about kept; all channels have the same. Results are floats.

    Source: Johnson and Lindenstrauss (1984); Wang, thesis, NCCU (2025), random projection.

    Args:
        size: Columns of the result, m; 0: as many as before.
        sides: "right", or "both".
    """

    size: int
    sides: Literal["right", "both"] = "right"
    name: str = "random-projection"

    def __post_init__(self) -> None:
        if not 0 <= self.size <= _LARGEST_SIZE:
            raise UsageError(f"size must be 1 to {_LARGEST_SIZE:,}, or 0 to keep the width, not {self.size}")
        if self.sides not in ("right", "both"):
            raise UsageError(f"sides must be 'right' or 'both', not {self.sides!r}")

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> ForwardPlan:
        """Return the plan; see `Step.plan`. It reads the streams "<role>/right" and "<role>/left"."""
        height, width, _ = shape
        right = _gaussian(material, f"{role}/right", rows=width, columns=self.size or width)
        left = _gaussian(material, f"{role}/left", rows=height, columns=height) if self.sides == "both" else None

        def project(images: NDArray[Any]) -> NDArray[Any]:
            planes = as_planes(images) @ right
            return as_images(planes if left is None else left @ planes, like=images)

        return ForwardPlan(parts=(Operation(self.name, project, count=material.count),))

    def output_shape(self, shape: ImageShape) -> ImageShape:
        """Return (H, m, C)."""
        height, width, channels = shape
        return (height, self.size or width, channels)

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return 256: the matrices are only as secret as the key of their streams."""
        return _STREAM_KEY_BITS


def _gaussian(material: KeyMaterial, role: str, *, rows: int, columns: int) -> NDArray[np.float64]:
    """Return a matrix for each image, (count, 1, rows, columns), of variance 1/rows; numbers fill it row by row."""
    numbers = material.stream(role).gaussians(rows * columns).reshape(-1, 1, rows, columns)
    return numbers / math.sqrt(rows)
