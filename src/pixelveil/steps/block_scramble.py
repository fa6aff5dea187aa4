"""Block scrambling: the blocks of an image change places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pixelveil.keys import KeyMaterial
from pixelveil.plans import LanePlan
from pixelveil.steps.restriction import check_fixed, restrict, restricted_key_bits
from pixelveil.steps.step import ImageShape, block_grid

__all__ = ["BlockScramble"]


@dataclass(frozen=True, kw_only=True)
class BlockScramble:
    """Permute the N blocks: block ``order[j]`` moves to place j, with ``order`` a uniform permutation.

    Source: Kurihara et al., EtC (2015); Kiya et al., IEICE E106-D (2023), block scrambling for ViT; Horio, Nishikawa
    and Kiya, arXiv 2408.08529 (restricted).

    Args:
        block_size: Side of a block in pixels.
        fixed: Thousandths of the blocks that stay in their places; which ones is secret.
    """

    block_size: int
    fixed: int = 0
    name: str = "block-scramble"

    def __post_init__(self) -> None:
        check_fixed(self.fixed)

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> LanePlan:
        """Return the plan; see `Step.plan`."""
        grid = block_grid(shape, block_size=self.block_size)
        return LanePlan(
            source=np.arange(grid.lanes),
            block_size=grid.block,
            block_order=restrict(material.stream(role).permutation(grid.blocks), fixed=self.fixed),
            grid=(grid.rows, grid.columns),
        )

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return log2(N!), or less where blocks are fixed."""
        return restricted_key_bits(block_grid(shape, block_size=self.block_size).blocks, fixed=self.fixed)
