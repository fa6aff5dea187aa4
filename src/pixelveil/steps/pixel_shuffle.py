"""In-block pixel shuffle: the values of a block change places inside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import LanePlan
from pixelveil.steps.step import ImageShape, block_grid, log2_factorial

__all__ = ["PixelShuffle"]


@dataclass(frozen=True, kw_only=True)
class PixelShuffle:
    """Permute inside each block: all ``L = B*B*C`` values jointly, or whole pixels; one permutation for all blocks.

    Source: Kiya et al., IEICE E106-D (2023), pixel shuffling.

    Args:
        block_size: Side of a block in pixels.
        unit: "value" moves every channel of every pixel on its own, "pixel" keeps a pixel's channels together.
        per_block: Whether each block gets a permutation of its own instead.
    """

    block_size: int
    unit: Literal["value", "pixel"] = "value"
    per_block: bool = False
    name: str = "pixel-shuffle"

    def __post_init__(self) -> None:
        if self.unit not in ("value", "pixel"):
            raise UsageError(f"unit must be 'value' or 'pixel', not {self.unit!r}")

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> LanePlan:
        """Return the plan; see `Step.plan`."""
        grid = block_grid(shape, block_size=self.block_size)
        maps = grid.blocks if self.per_block else 1
        size = self._units(shape)
        sources = np.stack([material.stream(f"{role}/{block}").permutation(size) for block in range(maps)], axis=1)
        if self.unit == "pixel":
            channels = np.arange(shape[2])
            sources = (sources[..., None] * shape[2] + channels).reshape(*sources.shape[:2], grid.lanes)
        return LanePlan(
            source=sources,
            block_size=grid.block,
            choice=np.arange(maps) if self.per_block else None,
            grid=(grid.rows, grid.columns),
        )

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return log2(L!) for values, log2((B*B)!) for pixels; times N with a permutation per block."""
        blocks = block_grid(shape, block_size=self.block_size).blocks
        return log2_factorial(self._units(shape)) * (blocks if self.per_block else 1)

    def _units(self, shape: ImageShape) -> int:
        return self.block_size**2 * (shape[2] if self.unit == "value" else 1)
