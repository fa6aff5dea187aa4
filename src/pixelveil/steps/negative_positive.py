"""Negative-positive transformation: some values are inverted, ``v -> 255 - v``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import LanePlan
from pixelveil.steps.step import ImageShape, block_grid, log2_factorial

__all__ = ["NegativePositive"]

Scope = Literal["value", "block", "mask", "image"]
Share = Literal["bernoulli", "exact_half"]


@dataclass(frozen=True, kw_only=True)
class NegativePositive:
    """Invert with probability 1/2, ``v XOR 255``; or exactly half of an image's values, at random places.

    Source: Sirichotedumrong et al., ICIP 2019 (per value); Chuman et al., TIFS 2019 (per block); Kiya et al., IEICE
    E106-D (2023) (one mask for all blocks); Madono et al., "SIA-GAN", IEEE Access (2021), random PE (exactly half).

    Args:
        scope: "value" decides for every value of the image (each channel of each pixel); "block" for each block, all
            its values alike; "mask" for each value of a block, the same mask for all blocks; "image" once for the
            whole image.
        block_size: Side of a block in pixels; 1 for the scopes "value" and "image".
        share: "bernoulli" decides each time anew; "exact_half", for the scope "value", inverts ``n // 2`` of n values.
    """

    scope: Scope
    block_size: int = 1
    share: Share = "bernoulli"
    name: str = "negative-positive"

    def __post_init__(self) -> None:
        if self.scope not in ("value", "block", "mask", "image"):
            raise UsageError(f"scope must be 'value', 'block', 'mask' or 'image', not {self.scope!r}")
        if self.scope in ("value", "image") and self.block_size != 1:
            raise UsageError(f"the scope {self.scope!r} has no blocks: leave block_size at 1")
        if self.share not in ("bernoulli", "exact_half"):
            raise UsageError(f"share must be 'bernoulli' or 'exact_half', not {self.share!r}")
        if self.share == "exact_half" and self.scope != "value":
            raise UsageError("exactly half is for the scope 'value'")

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> LanePlan:
        """Return the plan; see `Step.plan`."""
        grid = block_grid(shape, block_size=self.block_size)
        stream, where = material.stream(role), (grid.rows, grid.columns)
        if self.scope in ("mask", "image"):
            bits = stream.bits(grid.lanes if self.scope == "mask" else 1)
            masks = np.broadcast_to(_masks(bits), (len(bits), grid.lanes))
            return LanePlan(flip=masks[:, None], block_size=grid.block, grid=where)
        if self.scope == "block":
            flip = np.repeat(np.array([[0], [255]], np.uint8), grid.lanes, axis=1)
            return LanePlan(flip=flip, block_size=grid.block, choice=stream.bits(grid.blocks), grid=where)
        # Map number m of a pixel inverts channel c where bit c of m is 1.
        channels = shape[2]
        patterns = (np.arange(1 << channels)[:, None] >> np.arange(channels)) & 1
        if self.share == "exact_half":
            chosen = stream.permutation(grid.blocks * channels) < grid.blocks * channels // 2
            choice = chosen.reshape(-1, grid.blocks, channels) @ (1 << np.arange(channels, dtype=np.uint8))
        else:
            choice = stream.bits(grid.blocks, width=channels)
        return LanePlan(flip=_masks(patterns), block_size=1, choice=choice, grid=where)

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return one bit for each decision; log2 of n over n // 2 where exactly half of n values are inverted."""
        grid = block_grid(shape, block_size=self.block_size)
        number = {"value": grid.blocks * grid.lanes, "block": grid.blocks, "mask": grid.lanes, "image": 1}[self.scope]
        if self.share == "bernoulli":
            return float(number)
        return log2_factorial(number) - log2_factorial(number // 2) - log2_factorial(number - number // 2)


def _masks(bits: NDArray[Any]) -> NDArray[np.uint8]:
    """Return 255 where a bit is 1."""
    return (bits * 255).astype(np.uint8)
