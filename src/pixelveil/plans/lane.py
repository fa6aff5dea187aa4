"""`LanePlan`: a rearrangement of lanes with flips, ``out[i] = in[source[i]] XOR flip[i]``."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pixelveil.errors import UsageError
from pixelveil.plans.geometry import Flatten, batch_length, block_pair, flatten_order, infer_channels

if TYPE_CHECKING:
    from pixelveil.plans.affine import AffinePlan

__all__ = ["Lane", "LanePlan"]

Lane = Literal["byte", "nibble"]


@dataclass(frozen=True, eq=False, init=False, repr=False)
class LanePlan:
    """A keyed rearrangement as plain data: lanes are gathered inside blocks and flipped, blocks are gathered.

    For output block j, with source block ``o = block_order[j]`` and in-block map ``t = choice[j]``::

        out[j][l] = in[o][source[t][l]] XOR flip[t][l]

    The structure is kept: a shared in-block map is stored once, however large the image; a map chosen per block or
    pixel from a few is stored as a number. A lane is a byte, or a half byte: then a block of d bytes has 2d lanes,
    first the low halves of all bytes, then the high ones, and a flip has four bits.

    Args:
        source: Integers, where each lane is taken from: (L,) one map; (T, L) T maps to choose from; (n, T, L) maps of
            n images. None: lanes stay.
        flip: uint8, XORed to each lane, of the same shape or (L,). None: no flip.
        block_size: Side of a block in pixels, or (height, width). None: the whole image is one block, or, where a
            block order or choice is given, a square block of three channels or one.
        block_order: (N,) or (n, N), the source block of each block. None: blocks stay.
        choice: (N,) or (n, N), the in-block map of each output block. None: all use the only one.
        lane: "byte" or "nibble".
        grid: Rows and columns of blocks, where known; needed to compose plans of different block sizes.
        flatten: Order in which ``source`` and ``flip`` number the values of a block: "hwc", or "chw" for material
            made for convolution weights (byte lanes, one or three channels).

    Raises:
        UsageError: Shapes that do not fit each other, or indices out of range.

    >>> plan = LanePlan(source=[2, 0, 1], flip=[0, 255, 0])
    >>> plan.apply(np.array([[[10, 20, 30]]], np.uint8)).tolist()
    [[[30, 245, 20]]]
    """

    source: NDArray[np.int32]
    flip: NDArray[np.uint8]
    block_size: tuple[int, int] | None
    block_order: NDArray[np.int32] | None
    choice: NDArray[np.int32] | NDArray[np.uint8] | None
    lane: Lane
    grid: tuple[int, int] | None
    _prepared: dict[Any, Any] = field(default_factory=dict)

    def __init__(
        self,
        *,
        source: ArrayLike | None = None,
        flip: ArrayLike | None = None,
        block_size: int | tuple[int, int] | None = None,
        block_order: ArrayLike | None = None,
        choice: ArrayLike | None = None,
        lane: Lane = "byte",
        grid: tuple[int, int] | None = None,
        flatten: Flatten = "hwc",
    ) -> None:
        if lane not in ("byte", "nibble"):
            raise UsageError(f"a lane is a 'byte' or a 'nibble', not {lane!r}")
        gather, mask = _maps(source, flip)
        lanes = gather.shape[-1]
        if block_size is None and (block_order is not None or choice is not None):
            size = lanes if lane == "byte" else lanes // 2
            block_size = math.isqrt(size // infer_channels(size))
        block = None if block_size is None else block_pair(block_size)
        if block is not None and lanes % (block[0] * block[1] * (2 if lane == "nibble" else 1)):
            raise UsageError(f"{lanes} lanes are no block of {block[0]}x{block[1]} pixels")
        if gather.min(initial=0) < 0 or gather.max(initial=0) >= lanes:
            raise UsageError(f"source must hold numbers 0 to {lanes - 1}")
        if lane == "nibble" and (lanes % 2 or mask.max(initial=0) > 15):
            raise UsageError("nibble lanes come in pairs and flip by 0 to 15")
        if flatten != "hwc":
            gather, mask = _from_flatten(gather, mask, block=block, lane=lane, flatten=flatten)
        order = None if block_order is None else _rows(block_order, np.int32, name="block_order")
        if order is not None and (order.min(initial=0) < 0 or order.max(initial=0) >= order.shape[1]):
            raise UsageError(f"block_order must hold numbers 0 to {order.shape[1] - 1}")
        picked = None if choice is None else _choice(choice, maps=gather.shape[1])
        if picked is None and gather.shape[1] != 1:
            raise UsageError("several in-block maps need a choice")
        if order is not None and picked is not None and order.shape[1] != picked.shape[1]:
            raise UsageError(f"block_order is for {order.shape[1]} blocks, choice for {picked.shape[1]}")
        for part, name in ((order, "block order"), (picked, "choice")):
            if part is not None and grid is not None and part.shape[1] != grid[0] * grid[1]:
                raise UsageError(f"the grid has {grid[0] * grid[1]} blocks, the {name} {part.shape[1]}")
        batch_length(*(len(part) for part in (gather, mask, order, picked) if part is not None))
        values: tuple[Any, ...] = (gather, mask, block, order, picked, lane, grid, {})
        for name, value in zip(self.__dataclass_fields__, values, strict=True):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        """Say what the plan's shape is; its content is the key."""
        where = "whole image" if self.block_size is None else "blocks of {}x{}".format(*self.block_size)
        scrambled = ", scrambled" if self.block_order is not None else ""
        return f"LanePlan({self.lane} lanes, {where}{scrambled}, count={self.count}, maps={self.source.shape[1]})"

    @property
    def count(self) -> int:
        """Number of images that the plan is for; 1 where all share it."""
        parts = (self.source, self.flip, self.block_order, self.choice)
        return batch_length(*(len(part) for part in parts if part is not None))

    @property
    def lanes(self) -> int:
        """Lanes of one block."""
        return int(self.source.shape[2])

    def apply(self, images: NDArray[np.uint8], *, threads: int | None = None) -> NDArray[np.uint8]:
        """Rearrange images.

        Args:
            images: uint8 (n, H, W, C) or (H, W, C).
            threads: How many to use; None: as many as there are processors.

        Returns:
            uint8 of the same shape, new.

        Raises:
            UsageError: Wrong dtype or shape, a block that does not divide the image, another number of blocks, lanes
                or images than the plan has.
        """
        from pixelveil.plans.lane_apply import apply_lane_plan

        return apply_lane_plan(self, images, threads=threads)

    def invert(self) -> LanePlan:
        """Return the plan that undoes this one.

        Raises:
            UsageError: A map or the block order is no permutation, so something is lost.
        """
        from pixelveil.plans.lane_algebra import invert_lane_plan

        return invert_lane_plan(self)

    def compose(self, other: LanePlan | AffinePlan) -> Any:
        """Return the plan "first this, then ``other``", as structured as the two allow.

        Returns:
            A `LanePlan`, or an `AffinePlan` where ``other`` is one.

        Raises:
            UsageError: The two are not for the same images.
        """
        from pixelveil.plans.lane_algebra import compose_lane_plans

        if isinstance(other, LanePlan):
            return compose_lane_plans(self, other)
        return self.to_affine().compose(other)

    def to_affine(self) -> AffinePlan:
        """Return the same map as ``y = A x + c`` on each block, grey levels 0..255: a signed permutation with offset.

        Raises:
            UsageError: Half-byte lanes or masks other than 0 and 255 are not affine; a whole-image plan has no blocks.
        """
        from pixelveil.plans.affine import affine_from_lanes

        return affine_from_lanes(self)


def _maps(source: ArrayLike | None, flip: ArrayLike | None) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Return source and flip as (images, maps, lanes)."""
    if source is None and flip is None:
        raise UsageError("a plan needs a source, a flip, or both")
    mask = None if flip is None else _lift(np.asarray(flip), name="flip")
    if mask is not None and (mask.min(initial=0) < 0 or mask.max(initial=0) > 255):
        raise UsageError("flip must hold bytes, 0 to 255")
    gather = _lift(np.asarray(source), name="source") if source is not None else np.arange(mask.shape[-1])[None, None]  # type: ignore[union-attr]
    if mask is None:
        mask = np.zeros((1, *gather.shape[1:]), np.uint8)
    if gather.shape[-1] != mask.shape[-1]:
        raise UsageError(f"source has {gather.shape[-1]} lanes, flip {mask.shape[-1]}")
    maps = max(gather.shape[1], mask.shape[1])
    if {gather.shape[1], mask.shape[1]} - {1, maps}:
        raise UsageError(f"source has {gather.shape[1]} maps, flip {mask.shape[1]}")
    gather = np.broadcast_to(gather, (len(gather), maps, gather.shape[-1]))
    mask = np.broadcast_to(mask, (len(mask), maps, mask.shape[-1]))
    return np.ascontiguousarray(gather, np.int32), np.ascontiguousarray(mask, np.uint8)


def _lift(values: NDArray[Any], *, name: str) -> NDArray[Any]:
    """Add the missing leading axes of (images, maps, lanes)."""
    if values.dtype.kind not in "uib" or not 1 <= values.ndim <= 3:
        raise UsageError(f"{name} must be integers of one to three axes, not {values.dtype} {values.shape}")
    return values.reshape((1,) * (3 - values.ndim) + values.shape)


def _rows(values: ArrayLike, dtype: type[np.int32], *, name: str) -> NDArray[np.int32]:
    """Return (N,) or (n, N) integers as (1 or n, N)."""
    array = np.asarray(values)
    if array.dtype.kind not in "ui" or array.ndim not in (1, 2):
        raise UsageError(f"{name} must be integers (N,) or (n, N), not {array.dtype} {array.shape}")
    return np.ascontiguousarray(np.atleast_2d(array), dtype)


def _choice(values: ArrayLike, *, maps: int) -> NDArray[np.int32] | NDArray[np.uint8]:
    """Return the choice as (1 or n, N), one byte a block where that is enough."""
    array = np.atleast_2d(np.asarray(values))
    if array.dtype.kind not in "ui" or array.ndim != 2:
        raise UsageError(f"choice must be integers (N,) or (n, N), not {array.dtype} {array.shape}")
    # A byte can only be too large; testing signs of large batches would cost a pass over them.
    if array.max(initial=0) >= maps or (array.dtype != np.uint8 and array.min(initial=0) < 0):
        raise UsageError(f"choice must hold numbers 0 to {maps - 1}")
    return np.ascontiguousarray(array, np.uint8) if maps <= 256 else np.ascontiguousarray(array, np.int32)


def _from_flatten(
    source: NDArray[np.int32], flip: NDArray[np.uint8], *, block: tuple[int, int] | None, lane: Lane, flatten: Flatten
) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Renumber maps given in another flatten order."""
    if lane != "byte" or block is None:
        raise UsageError("only byte lanes in blocks can be given in another flatten order")
    lanes = source.shape[-1]
    channels = lanes // (block[0] * block[1]) or infer_channels(lanes)
    order = flatten_order(block=block, channels=channels, flatten=flatten)
    back = np.argsort(order).astype(np.int32)
    return np.ascontiguousarray(back[source[..., order]]), np.ascontiguousarray(flip[..., order])
