"""Rounding: real numbers become bytes again, at the end of a scheme that filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.keys import KeyMaterial
from pixelveil.plans import ForwardPlan, Operation
from pixelveil.steps.step import ImageShape

__all__ = ["Rounding"]


@dataclass(frozen=True, kw_only=True)
class Rounding:
    """Round to the nearest integer, halves to the even one, and clip to 0..255.

    Source: IEEE 754-2019, section 4.3.1, roundTiesToEven.
    """

    name: str = "rounding"

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> ForwardPlan:
        """Return the plan; see `Step.plan`. It reads no key."""
        return ForwardPlan(parts=(Operation(self.name, _rounded),))

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return 0: there is no key."""
        return 0.0


def _rounded(images: NDArray[Any]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.rint(images), 0, 255), dtype=np.uint8)
