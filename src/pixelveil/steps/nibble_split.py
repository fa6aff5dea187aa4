"""Nibble split: values are cut into halves of four bits, which are reversed and shuffled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pixelveil.keys import KeyMaterial
from pixelveil.plans import LanePlan
from pixelveil.steps.step import ImageShape, block_grid, log2_factorial

__all__ = ["NibbleSplit"]


@dataclass(frozen=True, kw_only=True)
class NibbleSplit:
    """Cut the ``B*B*C`` values of a block into ``m = 2*B*B*C`` half bytes, reverse some (``v -> 15 - v``), shuffle all.

    ``out[j] = n[K[j]] XOR 15 r[K[j]]`` with K a permutation and r independent bits, as in the paper; the published
    code derives r from K, which is another key, not another operation.

    Source: Tanaka, "Learnable image encryption", ICCE-TW 2018; Madono et al., AAAI-WS 2020 (one key per block).

    Args:
        block_size: Side of a block in pixels.
        per_block: Whether each block gets a key of its own.
    """

    block_size: int
    per_block: bool = False
    name: str = "nibble-split"

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> LanePlan:
        """Return the plan; see `Step.plan`."""
        grid = block_grid(shape, block_size=self.block_size)
        lanes, maps = 2 * grid.lanes, grid.blocks if self.per_block else 1
        source = material.stream(f"{role}/shuffle").permutations(lanes, count=maps)
        reverse = material.stream(f"{role}/reverse").bits(maps * lanes).reshape(-1, maps, lanes)
        return LanePlan(
            source=source,
            flip=np.take_along_axis(reverse, source, axis=2) * np.uint8(15),
            block_size=grid.block,
            choice=np.arange(maps) if self.per_block else None,
            lane="nibble",
            grid=(grid.rows, grid.columns),
        )

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return log2(m! 2^m), times N with a key per block."""
        grid = block_grid(shape, block_size=self.block_size)
        lanes = 2 * grid.lanes
        return (log2_factorial(lanes) + lanes) * (grid.blocks if self.per_block else 1)
