"""Block statistic: every block is filled with one number made of its pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import ForwardPlan, Operation
from pixelveil.steps.planes import float_type
from pixelveil.steps.step import ImageShape

__all__ = ["BlockStatistic", "Statistic", "check_statistic"]

Statistic = Literal["median", "mean", "max", "min"]


def check_statistic(statistic: str) -> None:
    """Raise unless it is one of the four.

    Raises:
        UsageError: Another one.
    """
    if statistic not in get_args(Statistic):
        raise UsageError(f"statistic must be one of {', '.join(get_args(Statistic))}, not {statistic!r}")


@dataclass(frozen=True, kw_only=True)
class BlockStatistic:
    """Replace the values of each block and channel by their median, mean, maximum or minimum; any image size.

    ``y[i, c] = statistic{x[j, c] : j in A}`` for all pixels i of block A. Blocks that the right or lower edge cuts are
    made of the pixels that are there. The median of an even number of values is the mean of the middle two; results
    are floats.

    Source: Huang, Yap, Chiu and Sun, IEEE Access 10, 66345-66355 (2022).

    Args:
        statistic: "median", "mean", "max" or "min".
        block_size: Side of a block in pixels.
    """

    statistic: Statistic
    block_size: int
    name: str = "block-statistic"

    def __post_init__(self) -> None:
        check_statistic(self.statistic)
        if self.block_size < 1:
            raise UsageError(f"block_size must be positive, not {self.block_size}")

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> ForwardPlan:
        """Return the plan; see `Step.plan`. It reads no key."""
        return ForwardPlan(parts=(Operation(self.name, self._fill),))

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return 0: there is no key."""
        return 0.0

    def _fill(self, images: NDArray[Any]) -> NDArray[Any]:
        count, height, width, channels = images.shape
        out = np.empty(images.shape, float_type(images))
        for rows, tall in _parts(height, self.block_size):
            for columns, wide in _parts(width, self.block_size):
                part = images[:, rows, columns]
                grid = (count, part.shape[1] // tall, tall, part.shape[2] // wide, wide, channels)
                # The values of a block side by side: a sum is then done in one order, whatever else is in the batch.
                blocks = part.reshape(grid).transpose(0, 1, 3, 5, 2, 4).reshape(*grid[:2], *grid[3::2], tall * wide)
                filled = _statistic_of(blocks, self.statistic)[:, :, None, :, None]
                out[:, rows, columns] = np.broadcast_to(filled, grid).reshape(part.shape)
        return out


def _parts(length: int, block: int) -> Iterator[tuple[slice, int]]:
    """Yield the part of a side that whole blocks cover, then the rest, each with the side of its blocks."""
    whole = length // block * block
    if whole:
        yield slice(0, whole), block
    if whole < length:
        yield slice(whole, length), length - whole


def _statistic_of(values: NDArray[Any], statistic: Statistic) -> NDArray[Any]:
    """Return a statistic along the last axis."""
    if statistic == "max":
        return np.asarray(values.max(axis=-1))
    if statistic == "min":
        return np.asarray(values.min(axis=-1))
    if statistic == "mean":
        return np.asarray(values.astype(np.float64).mean(axis=-1))
    return np.asarray(np.median(values, axis=-1))
