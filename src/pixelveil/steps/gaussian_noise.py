"""Gaussian noise: fresh for every image and every time, from a secret that is thrown away at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import ForwardPlan, Operation
from pixelveil.steps.planes import as_images, as_planes, float_type
from pixelveil.steps.step import ImageShape

__all__ = ["GaussianNoise"]

# Nothing is left of an image long before; far beyond, floats overflow.
_LARGEST_STD = 1e6


@dataclass(frozen=True, kw_only=True)
class GaussianNoise:
    """Add independent normal numbers to all values, ``y = x + s z``; results are floats and not clipped.

    The noise is no part of a key: two applications of one plan differ.

    Source: Wang, thesis, NCCU (2025), Gaussian noise injection.

    Args:
        std: Standard deviation ``s`` in grey levels; or, where relative, in standard deviations of the values of the
            image's channel.
        relative: Whether it is.
    """

    std: float
    relative: bool = False
    name: str = "gaussian-noise"

    def __post_init__(self) -> None:
        if not 0 <= self.std <= _LARGEST_STD:
            raise UsageError(f"the standard deviation of noise must be 0 to {_LARGEST_STD:,}, not {self.std}")

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> ForwardPlan:
        """Return the plan; see `Step.plan`. It reads no key."""
        return ForwardPlan(parts=(Operation(self.name, self._add),))

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return 0: noise is no key."""
        return 0.0

    def _add(self, images: NDArray[Any]) -> NDArray[Any]:
        stream = KeyMaterial.ephemeral(len(images)).stream(self.name)
        if not self.relative:
            noise = stream.gaussians(math.prod(images.shape[1:])).reshape(images.shape)
            return (images + self.std * noise).astype(float_type(images))
        planes = as_planes(images)
        noise = stream.gaussians(math.prod(planes.shape[1:])).reshape(planes.shape)
        scale = self.std * planes.std(axis=(2, 3), keepdims=True)
        return as_images(planes + scale * noise, like=images)
