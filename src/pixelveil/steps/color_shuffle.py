"""Color component shuffling: red, green and blue change places."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pixelveil.keys import KeyMaterial
from pixelveil.plans import LanePlan
from pixelveil.steps.step import ImageShape, block_grid

__all__ = ["COLOR_CODES", "ColorShuffle"]

# Output channel c takes input channel COLOR_CODES[code][c]: Sirichotedumrong et al., ICIP 2019, table of K_s.
COLOR_CODES = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


@dataclass(frozen=True, kw_only=True)
class ColorShuffle:
    """Permute the channels of each block by one of six codes; with ``block_size=1``, of each pixel.

    Source: Sirichotedumrong et al., ICIP 2019 (per pixel); Chuman et al., TIFS 2019 (per block). These are true
    permutations; public code that assigns channels one after another duplicates some instead.

    Args:
        block_size: Side of a block in pixels; None: one code for the whole image.
    """

    block_size: int | None = 1
    name: str = "color-shuffle"

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> LanePlan:
        """Return the plan; see `Step.plan`. Images of one channel stay as they are."""
        grid = block_grid(shape, block_size=self.block_size or 1)
        where = (grid.rows, grid.columns)
        if shape[2] == 1:
            return LanePlan(source=np.arange(grid.lanes), block_size=grid.block, grid=where)
        codes = material.stream(role).integers(grid.blocks if self.block_size else 1, bound=len(COLOR_CODES))
        pixels = np.arange(grid.lanes).reshape(-1, 3)
        sources = np.stack([pixels[:, list(code)].reshape(-1) for code in COLOR_CODES])
        if self.block_size is None:
            return LanePlan(source=sources[codes[:, 0]][:, None], block_size=grid.block, grid=where)
        return LanePlan(source=sources, block_size=grid.block, choice=codes, grid=where)

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return log2(6) for each code; nothing for images of one channel."""
        blocks = block_grid(shape, block_size=self.block_size or 1).blocks
        if shape[2] == 1:
            return 0.0
        return math.log2(len(COLOR_CODES)) * (blocks if self.block_size else 1)
