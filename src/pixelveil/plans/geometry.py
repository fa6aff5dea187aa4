"""Where blocks and lanes lie in an image: sizes, grids, byte offsets, and the reshapes between images and blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError

__all__ = [
    "BlockGrid",
    "Flatten",
    "batch_length",
    "block_pair",
    "flatten_order",
    "infer_channels",
    "join_blocks",
    "split_blocks",
]

Scalar = TypeVar("Scalar", bound=np.generic)
Flatten = str


@dataclass(frozen=True)
class BlockGrid:
    """An image cut into equal blocks.

    Args:
        height: Image height in pixels.
        width: Image width in pixels.
        channels: Values of one pixel.
        block: Height and width of a block in pixels.

    Raises:
        UsageError: A block is empty or does not divide the image.

    >>> BlockGrid(height=4, width=6, channels=3, block=(2, 2)).blocks
    6
    """

    height: int
    width: int
    channels: int
    block: tuple[int, int]

    def __post_init__(self) -> None:
        block_pair(self.block)
        if self.height % self.block[0] or self.width % self.block[1]:
            raise UsageError(
                f"blocks of {self.block[0]}x{self.block[1]} do not divide an image of {self.height}x{self.width}",
                hint="resize or pad the image, or choose another block size",
            )

    @property
    def rows(self) -> int:
        """Rows of blocks."""
        return self.height // self.block[0]

    @property
    def columns(self) -> int:
        """Columns of blocks."""
        return self.width // self.block[1]

    @property
    def blocks(self) -> int:
        """Number of blocks, N."""
        return self.rows * self.columns

    @property
    def lanes(self) -> int:
        """Bytes of one block, L."""
        return self.block[0] * self.block[1] * self.channels

    def block_offsets(self) -> NDArray[np.uint32]:
        """Return the offset of each block's first byte in the image, uint32 (N,), blocks row by row."""
        rows = np.arange(self.rows, dtype=np.uint32)[:, None] * (self.block[0] * self.width * self.channels)
        columns = np.arange(self.columns, dtype=np.uint32)[None, :] * (self.block[1] * self.channels)
        result: NDArray[np.uint32] = (rows + columns).reshape(-1).astype(np.uint32)
        return result

    def lane_offsets(self) -> NDArray[np.uint32]:
        """Return the offset of each lane from its block's first byte, uint32 (L,), in (row, column, channel) order."""
        rows = np.arange(self.block[0], dtype=np.uint32)[:, None] * (self.width * self.channels)
        run = np.arange(self.block[1] * self.channels, dtype=np.uint32)[None, :]
        result: NDArray[np.uint32] = (rows + run).reshape(-1).astype(np.uint32)
        return result


def batch_length(*lengths: int) -> int:
    """Return for how many images parts are, each of which has one row for all images or one row for each.

    >>> batch_length(1, 5, 5), batch_length(1, 1), batch_length(1, 0)
    (5, 1, 0)

    Raises:
        UsageError: The parts are for different numbers of images.
    """
    counts = set(lengths) - {1}
    if len(counts) > 1:
        raise UsageError(f"parts are for different numbers of images: {sorted(counts)}")
    return counts.pop() if counts else 1


def block_pair(block_size: int | tuple[int, int]) -> tuple[int, int]:
    """Return height and width of a block given as one side or as a pair.

    >>> block_pair(4)
    (4, 4)
    """
    height, width = (block_size, block_size) if isinstance(block_size, int) else block_size
    if height < 1 or width < 1:
        raise UsageError(f"a block of {height}x{width} pixels is empty")
    return int(height), int(width)


def infer_channels(lanes: int) -> int:
    """Return 3 or 1, whichever makes ``lanes`` a square block; the two never clash, for 3 is no square.

    >>> infer_channels(768), infer_channels(256)
    (3, 1)

    Raises:
        UsageError: Neither fits.
    """
    for channels in (3, 1):
        if lanes % channels == 0 and math.isqrt(lanes // channels) ** 2 == lanes // channels:
            return channels
    raise UsageError(f"{lanes} values are no square block of 1 or 3 channels", hint="give channels and block_size")


def flatten_order(*, block: tuple[int, int], channels: int, flatten: Flatten) -> NDArray[np.intp]:
    """Return, for each place in (row, column, channel) order, its place in the named order.

    Args:
        block: Height and width in pixels.
        channels: Values of one pixel.
        flatten: "hwc" (ours) or "chw" (that of a convolution weight).

    >>> flatten_order(block=(1, 2), channels=3, flatten="chw").tolist()
    [0, 2, 4, 1, 3, 5]
    """
    height, width = block
    if flatten == "hwc":
        return np.arange(height * width * channels)
    if flatten == "chw":
        places = np.arange(height * width * channels).reshape(channels, height, width)
        return places.transpose(1, 2, 0).reshape(-1)
    raise UsageError(f"flatten must be 'hwc' or 'chw', not {flatten!r}")


def split_blocks(images: NDArray[Scalar], *, block: tuple[int, int]) -> NDArray[Scalar]:
    """Return the blocks of images (n, H, W, C) as (n, N, L), flattened in (row, column, channel) order."""
    count, height, width, channels = images.shape
    grid = BlockGrid(height=height, width=width, channels=channels, block=block)
    parts = images.reshape(count, grid.rows, block[0], grid.columns, block[1], channels)
    return parts.transpose(0, 1, 3, 2, 4, 5).reshape(count, grid.blocks, grid.lanes)


def join_blocks(blocks: NDArray[Any], *, shape: tuple[int, int, int], block: tuple[int, int]) -> NDArray[Any]:
    """Return the images (n, H, W, C) that `split_blocks` cut into ``blocks`` (n, N, L)."""
    height, width, channels = shape
    grid = BlockGrid(height=height, width=width, channels=channels, block=block)
    parts = blocks.reshape(-1, grid.rows, grid.columns, block[0], block[1], channels)
    return parts.transpose(0, 1, 3, 2, 4, 5).reshape(-1, height, width, channels)
