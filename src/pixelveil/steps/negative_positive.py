"""Negative-positive transformation: some values are inverted, ``v -> 255 - v``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import LanePlan
from pixelveil.steps.step import ImageShape, block_grid

__all__ = ["NegativePositive"]

Scope = Literal["value", "block", "mask"]


@dataclass(frozen=True, kw_only=True)
class NegativePositive:
    """Invert with probability 1/2, ``v XOR 255``.

    Source: Sirichotedumrong et al., ICIP 2019 (per value); Chuman et al., TIFS 2019 (per block); Kiya et al., IEICE
    E106-D (2023) (one mask for all blocks).

    Args:
        scope: "value" decides for every value of the image (each channel of each pixel); "block" for each block, all
            its values alike; "mask" for each value of a block, the same mask for all blocks.
        block_size: Side of a block in pixels; 1 for the scope "value".
    """

    scope: Scope
    block_size: int = 1
    name: str = "negative-positive"

    def __post_init__(self) -> None:
        if self.scope not in ("value", "block", "mask"):
            raise UsageError(f"scope must be 'value', 'block' or 'mask', not {self.scope!r}")
        if self.scope == "value" and self.block_size != 1:
            raise UsageError("the scope 'value' has no blocks: leave block_size at 1")

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> LanePlan:
        """Return the plan; see `Step.plan`."""
        grid = block_grid(shape, block_size=self.block_size)
        stream, where = material.stream(role), (grid.rows, grid.columns)
        if self.scope == "mask":
            return LanePlan(flip=_masks(stream.bits(grid.lanes))[:, None], block_size=grid.block, grid=where)
        if self.scope == "block":
            flip = np.repeat(np.array([[0], [255]], np.uint8), grid.lanes, axis=1)
            return LanePlan(flip=flip, block_size=grid.block, choice=stream.bits(grid.blocks), grid=where)
        # Map number m of a pixel inverts channel c where bit c of m is 1.
        channels = shape[2]
        patterns = (np.arange(1 << channels)[:, None] >> np.arange(channels)) & 1
        choice = stream.bits(grid.blocks, width=channels)
        return LanePlan(flip=_masks(patterns), block_size=1, choice=choice, grid=where)

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return one bit for each decision."""
        return float(self._bits(shape))

    def _bits(self, shape: ImageShape) -> int:
        grid = block_grid(shape, block_size=self.block_size)
        return {"value": grid.blocks * grid.lanes, "block": grid.blocks, "mask": grid.lanes}[self.scope]


def _masks(bits: NDArray[Any]) -> NDArray[np.uint8]:
    """Return 255 where a bit is 1."""
    return (bits * 255).astype(np.uint8)
