"""Quantization: values are replaced by the nearest of a few equally spaced levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import ForwardPlan, Operation
from pixelveil.steps.planes import as_images, as_planes
from pixelveil.steps.step import ImageShape

__all__ = ["Quantization"]

_PERCENTILES = (0.5, 99.5)
_MOST_LEVELS = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Quantization:
    """Replace each value by the nearest of q levels, equally spaced between two percentiles of its channel.

    Of every color plane of every image a and b are the 0.5 and the 99.5 percentile, interpolated linearly between
    order statistics; values beyond are moved to a or b, then ``y = a + rint((x - a) / d) d`` with ``d = (b - a) /
    (q - 1)``, halves to the even level. A plane whose percentiles are equal becomes a. Results are floats.

    Source: Wang, thesis, NCCU (2025); the levels are a reconstruction.

    Args:
        levels: How many, q, 2 to 65,536.
    """

    levels: int
    name: str = "quantization"

    def __post_init__(self) -> None:
        if not 2 <= self.levels <= _MOST_LEVELS:
            raise UsageError(f"quantization needs 2 to {_MOST_LEVELS:,} levels, not {self.levels}")

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> ForwardPlan:
        """Return the plan; see `Step.plan`. It reads no key."""
        return ForwardPlan(parts=(Operation(self.name, self._quantize),))

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return 0: there is no key."""
        return 0.0

    def _quantize(self, images: NDArray[Any]) -> NDArray[Any]:
        planes = as_planes(images)
        values = planes.reshape(*planes.shape[:2], planes.shape[2] * planes.shape[3])
        low, high = np.percentile(values, _PERCENTILES, axis=2)[..., None, None]
        step = np.where(high > low, (high - low) / (self.levels - 1), 1.0)
        return as_images(low + np.rint((np.clip(planes, low, high) - low) / step) * step, like=images)
