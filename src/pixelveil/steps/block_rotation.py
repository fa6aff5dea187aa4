"""Block rotation and inversion: each block is turned and mirrored in its place."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pixelveil.keys import KeyMaterial
from pixelveil.plans import LanePlan
from pixelveil.steps.step import ImageShape, block_grid

__all__ = ["BlockRotation"]

# The sixteen pairs of a rotation and an inversion give eight different results; which pair gives which does not
# matter to a uniform key, so the key draws one of the eight.
_OUTCOMES = 8


@dataclass(frozen=True, kw_only=True)
class BlockRotation:
    """Turn each block by 0, 90, 180 or 270 degrees and mirror it or not: one of eight outcomes a block.

    Code k turns by ``90 * (k mod 4)`` degrees counterclockwise, after a left-right mirror where ``k >= 4``.

    Source: Chuman et al., TIFS 2019, block rotation and inversion.

    Args:
        block_size: Side of a block in pixels.
    """

    block_size: int
    name: str = "block-rotation"

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> LanePlan:
        """Return the plan; see `Step.plan`."""
        grid = block_grid(shape, block_size=self.block_size)
        places = np.arange(grid.lanes).reshape(self.block_size, self.block_size, shape[2])
        mirrored = (places, places[:, ::-1])
        sources = [np.rot90(mirrored[code // 4], code % 4).reshape(-1) for code in range(_OUTCOMES)]
        codes = material.stream(role).integers(grid.blocks, bound=_OUTCOMES)
        return LanePlan(source=np.stack(sources), block_size=grid.block, choice=codes, grid=(grid.rows, grid.columns))

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return three bits a block."""
        return math.log2(_OUTCOMES) * block_grid(shape, block_size=self.block_size).blocks
