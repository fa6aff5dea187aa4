"""Sub-block scrambling: the parts of a block change places inside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import LanePlan
from pixelveil.steps.step import ImageShape, block_grid, log2_factorial

__all__ = ["SubBlockScramble"]


@dataclass(frozen=True, kw_only=True)
class SubBlockScramble:
    """Permute the ``s = (B/b)^2`` sub-blocks of each block: sub-block ``order[j]`` moves to place j of the same block.

    Source: Lin, Imaizumi and Kiya, Information 15:723 (2024); arXiv 2605.05692.

    Args:
        block_size: Side B of a block in pixels.
        sub_block_size: Side b of a sub-block in pixels; divides B.
        per_block: Whether each block gets a permutation of its own; else one serves all blocks.

    Raises:
        UsageError: Sub-blocks do not divide the block.
    """

    block_size: int
    sub_block_size: int
    per_block: bool = False
    name: str = "sub-block-scramble"

    def __post_init__(self) -> None:
        if self.block_size % self.sub_block_size:
            raise UsageError(f"sub-blocks of {self.sub_block_size} pixels do not divide blocks of {self.block_size}")

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> LanePlan:
        """Return the plan; see `Step.plan`."""
        grid = block_grid(shape, block_size=self.block_size)
        maps, side, parts = grid.blocks if self.per_block else 1, self.sub_block_size, self.block_size
        orders = material.stream(role).permutations((parts // side) ** 2, count=maps)
        # Lane numbers of each sub-block, (s, b*b*C), and back again to the order of the block.
        lanes = np.arange(grid.lanes).reshape(parts // side, side, parts // side, side, shape[2]).swapaxes(1, 2)
        moved = lanes.reshape(-1, side * side * shape[2])[orders]
        moved = moved.reshape(-1, maps, parts // side, parts // side, side, side, shape[2]).swapaxes(3, 4)
        return LanePlan(
            source=moved.reshape(-1, maps, grid.lanes),
            block_size=grid.block,
            choice=np.arange(maps) if self.per_block else None,
            grid=(grid.rows, grid.columns),
        )

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return log2(s!), times N with a permutation per block."""
        blocks = block_grid(shape, block_size=self.block_size).blocks
        return log2_factorial((self.block_size // self.sub_block_size) ** 2) * (blocks if self.per_block else 1)
