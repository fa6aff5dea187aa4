"""In-block pixel shuffle: the values of a block change places inside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import LanePlan
from pixelveil.steps.restriction import check_fixed, restrict, restricted_key_bits
from pixelveil.steps.step import ImageShape, block_grid

__all__ = ["PixelShuffle"]


@dataclass(frozen=True, kw_only=True)
class PixelShuffle:
    """Permute inside each block: all ``L = B*B*C`` values jointly, or whole pixels; one permutation for all blocks.

    Source: Kiya et al., IEICE E106-D (2023), pixel shuffling; Horio, Nishikawa and Kiya, arXiv 2408.08529 (restricted).

    Args:
        block_size: Side of a block in pixels.
        unit: "value" moves every channel of every pixel on its own, "pixel" keeps a pixel's channels together.
        per_block: Whether each block gets a permutation of its own instead.
        fixed: Thousandths of the values (or pixels) that stay in their places; which ones is secret.
    """

    block_size: int
    unit: Literal["value", "pixel"] = "value"
    per_block: bool = False
    fixed: int = 0
    name: str = "pixel-shuffle"

    def __post_init__(self) -> None:
        if self.unit not in ("value", "pixel"):
            raise UsageError(f"unit must be 'value' or 'pixel', not {self.unit!r}")
        check_fixed(self.fixed)

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> LanePlan:
        """Return the plan; see `Step.plan`."""
        grid = block_grid(shape, block_size=self.block_size)
        maps = grid.blocks if self.per_block else 1
        sources = restrict(material.stream(role).permutations(self._units(shape), count=maps), fixed=self.fixed)
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
        """Return log2(L!) for values, log2((B*B)!) for pixels, less where some stay; times N with one per block."""
        blocks = block_grid(shape, block_size=self.block_size).blocks
        return restricted_key_bits(self._units(shape), fixed=self.fixed) * (blocks if self.per_block else 1)

    def _units(self, shape: ImageShape) -> int:
        return self.block_size**2 * (shape[2] if self.unit == "value" else 1)
