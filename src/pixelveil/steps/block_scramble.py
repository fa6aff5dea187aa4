"""Block scrambling: the blocks of an image change places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pixelveil.keys import KeyMaterial
from pixelveil.plans import LanePlan
from pixelveil.steps.step import ImageShape, block_grid, log2_factorial

__all__ = ["BlockScramble"]


@dataclass(frozen=True, kw_only=True)
class BlockScramble:
    """Permute the N blocks: block ``order[j]`` moves to place j, with ``order`` a uniform permutation.

    Source: Kurihara et al., EtC (2015); Kiya et al., IEICE E106-D (2023), block scrambling for ViT.

    Args:
        block_size: Side of a block in pixels.
    """

    block_size: int
    name: str = "block-scramble"

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> LanePlan:
        """Return the plan; see `Step.plan`."""
        grid = block_grid(shape, block_size=self.block_size)
        return LanePlan(
            source=np.arange(grid.lanes),
            block_size=grid.block,
            block_order=material.stream(role).permutation(grid.blocks),
            grid=(grid.rows, grid.columns),
        )

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return log2(N!)."""
        return log2_factorial(block_grid(shape, block_size=self.block_size).blocks)
