"""`AffinePlan`: per block ``y = A x + c`` with blocks reordered; what a patch embedding can absorb."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pixelveil.errors import UsageError
from pixelveil.plans.geometry import Flatten, batch_length, flatten_order, infer_channels, join_blocks, split_blocks

if TYPE_CHECKING:
    from pixelveil.plans.lane import LanePlan

__all__ = ["AffinePlan", "affine_from_lanes"]

Floats = NDArray[np.float64]

# One dense map per block is refused above this size: 196 blocks of 768 values would take 0.9 GB.
_LARGEST_DENSE_BYTES = 1 << 30


@dataclass(frozen=True, eq=False, init=False, repr=False)
class AffinePlan:
    """An affine map of each block, with blocks reordered: ``y_j = A_j x_{order[j]} + c_j``, in grey levels 0..255.

    Args:
        matrix: float (L, L), one map for all blocks; (N, L, L), one for each output block; (n, 1 or N, L, L), of n
            images.
        offset: float (L,), (N, L) or (n, 1 or N, L), added after. None: zero.
        block_order: (N,) or (n, N), the source block of each block. None: blocks stay.
        channels: Values of one pixel; None: 3 or 1, whichever makes a square block of L values.
        flatten: Order in which ``matrix`` and ``offset`` number the values of a block: "hwc", or "chw" for material
            made for convolution weights.

    Raises:
        UsageError: Shapes that do not fit each other.

    >>> plan = AffinePlan(matrix=-np.eye(3), offset=np.full(3, 255.0))
    >>> plan.apply(np.array([[[10, 20, 30]]], np.uint8)).tolist()
    [[[245.0, 235.0, 225.0]]]
    """

    matrix: Floats
    offset: Floats
    block_order: NDArray[np.int32] | None
    channels: int

    def __init__(
        self,
        *,
        matrix: ArrayLike,
        offset: ArrayLike | None = None,
        block_order: ArrayLike | None = None,
        channels: int | None = None,
        flatten: Flatten = "hwc",
    ) -> None:
        maps = np.asarray(matrix, np.float64)
        if not 2 <= maps.ndim <= 4 or maps.shape[-1] != maps.shape[-2]:
            raise UsageError(f"matrix must be (L, L), (N, L, L) or (n, N, L, L), not {maps.shape}")
        lanes = maps.shape[-1]
        depth = infer_channels(lanes) if channels is None else channels
        side = math.isqrt(lanes // depth) if depth > 0 else 0
        if side * side * depth != lanes:
            raise UsageError(f"{lanes} values are no square block of {depth} channels")
        shift = np.zeros(lanes) if offset is None else np.asarray(offset, np.float64)
        if not 1 <= shift.ndim <= 3 or shift.shape[-1] != lanes:
            raise UsageError(f"offset must end in {lanes} values, not {shift.shape}")
        if flatten != "hwc":
            order = flatten_order(block=(side, side), channels=depth, flatten=flatten)
            maps, shift = maps[..., order, :][..., order], shift[..., order]
        places = None if block_order is None else _places(np.asarray(block_order))
        blocks = set(_lengths((maps, 3), (shift, 2))) - {1} | set(_lengths((places, 1)))
        if len(blocks) > 1:
            raise UsageError(f"parts are for different numbers of blocks: {sorted(blocks)}")
        batch_length(*_lengths((maps, 4), (shift, 3), (places, 2)))
        for name, value in (("matrix", maps), ("offset", shift), ("block_order", places), ("channels", depth)):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        """Say what the plan's shape is; its content is the key."""
        scrambled = ", scrambled" if self.block_order is not None else ""
        size = self.block_size
        return f"AffinePlan(blocks of {size}x{size}x{self.channels}{scrambled}, matrix {self.matrix.shape})"

    @property
    def lanes(self) -> int:
        """Values of one block, L."""
        return int(self.matrix.shape[-1])

    @property
    def block_size(self) -> int:
        """Side of a block in pixels."""
        return math.isqrt(self.lanes // self.channels)

    @property
    def count(self) -> int:
        """Number of images that the plan is for; 1 where all share it."""
        return batch_length(*_lengths((self.matrix, 4), (self.offset, 3), (self.block_order, 2)))

    @property
    def per_block(self) -> bool:
        """Whether blocks have maps of their own."""
        return max(_lengths((self.matrix, 3), (self.offset, 2)), default=1) > 1

    @property
    def _blocks(self) -> int:
        """Number of blocks that the plan is for; 1 where it fits any."""
        return max(_lengths((self.matrix, 3), (self.offset, 2), (self.block_order, 1)), default=1)

    def apply(self, images: NDArray[Any], *, dtype: type[np.floating[Any]] | None = None) -> NDArray[Any]:
        """Map images.

        Args:
            images: (n, H, W, C) or (H, W, C), grey levels 0..255, uint8 or float.
            dtype: Float type of the result; None: float64 for float64 images, else float32.

        Returns:
            Float of the same shape, grey levels, not clipped.

        Raises:
            UsageError: A block does not divide the image, or the plan is for another number of blocks or images.
        """
        kind = dtype or (np.float64 if images.dtype == np.float64 else np.float32)
        if images.ndim not in (3, 4):
            raise UsageError(f"images must be (n, H, W, C) or (H, W, C), not {images.shape}")
        batch = images if images.ndim == 4 else images[None]
        count, height, width, channels = batch.shape
        if channels != self.channels:
            raise UsageError(f"the plan is for {self.channels} channels, the image has {channels}")
        if self.count not in (1, count):
            raise UsageError(f"the plan is for {self.count} images, not {count}")
        side = (self.block_size, self.block_size)
        blocks = split_blocks(batch, block=side)
        self._check_blocks(blocks.shape[1])
        if self.block_order is not None:
            blocks = _gather(blocks, self.block_order)
        mapped = _multiply(self.matrix.astype(kind), blocks.astype(kind)) + self.offset.astype(kind)
        return join_blocks(mapped, shape=(height, width, channels), block=side).reshape(images.shape)

    def invert(self) -> AffinePlan:
        """Return the plan that undoes this one: ``x_i = A^-1 (y_j - c)`` where ``order[j] = i``.

        Raises:
            UsageError: A matrix is singular or the block order is no permutation.
        """
        try:
            matrix: Floats = np.asarray(np.linalg.inv(self.matrix), np.float64)
        except np.linalg.LinAlgError as error:
            raise UsageError("a matrix of the plan is singular, so the plan cannot be undone") from error
        offset = -_multiply_vector(matrix, self.offset)
        if self.block_order is None:
            return AffinePlan(matrix=matrix, offset=offset, channels=self.channels)
        order = np.argsort(self.block_order, axis=-1)
        matrix, offset = _reorder(matrix, order, axes=2), _reorder(offset, order, axes=1)
        return AffinePlan(matrix=matrix, offset=offset, block_order=order, channels=self.channels)

    def compose(self, other: AffinePlan | LanePlan) -> AffinePlan:
        """Return the plan "first this, then ``other``": ``A = A_2 A_1``, ``c = A_2 c_1 + c_2``.

        Raises:
            UsageError: The two are not for the same blocks.
        """
        second = other if isinstance(other, AffinePlan) else other.to_affine()
        if (second.lanes, second.channels) != (self.lanes, self.channels):
            raise UsageError(f"plans of {self.lanes} and {second.lanes} values a block are not for the same images")
        for name, here, there in (("blocks", self._blocks, second._blocks), ("images", self.count, second.count)):
            if here != there and 1 not in (here, there):
                raise UsageError(f"the plans are for {here} and {there} {name}")
        matrix, offset, order = self.matrix, self.offset, self.block_order
        if second.block_order is not None:
            matrix = _reorder(matrix, second.block_order, axes=2)
            offset = _reorder(offset, second.block_order, axes=1)
            order = second.block_order if order is None else _chain(order, second.block_order)
        return AffinePlan(
            matrix=second.matrix @ matrix,
            offset=_multiply_vector(second.matrix, offset) + second.offset,
            block_order=order,
            channels=self.channels,
        )

    def to_affine(self) -> AffinePlan:
        """Return the plan itself, so that callers need not ask which kind they hold."""
        return self

    def _check_blocks(self, blocks: int) -> None:
        """Raise if the plan is for another number of blocks than the image has."""
        fits_any = self.block_order is None and self._blocks == 1
        if not fits_any and self._blocks != blocks:
            raise UsageError(f"the plan is for {self._blocks} blocks; the image has {blocks}")


def affine_from_lanes(plan: LanePlan) -> AffinePlan:
    """Return a lane plan as signed permutations with offset; see `LanePlan.to_affine`.

    A kept lane is ``y = x``; a lane XORed with 255 is ``y = 255 - x``.
    """
    if plan.lane != "byte":
        raise UsageError("a plan over half bytes is not affine in pixel values")
    if plan.block_size is None or plan.block_size[0] != plan.block_size[1]:
        raise UsageError("only plans in square blocks are affine block by block")
    if not np.isin(plan.flip, (0, 255)).all():
        raise UsageError("XOR with a mask other than 0 or 255 is not affine in pixel values")
    source, flip = np.broadcast_arrays(plan.source, plan.flip)
    if plan.choice is not None:
        images = max(len(source), len(plan.choice))
        choice = np.broadcast_to(plan.choice, (images, plan.choice.shape[1]))[..., None].astype(np.intp)
        source = np.take_along_axis(np.broadcast_to(source, (images, *source.shape[1:])), choice, axis=1)
        flip = np.take_along_axis(np.broadcast_to(flip, (images, *flip.shape[1:])), choice, axis=1)
    lanes = source.shape[-1]
    if source.size * lanes * 8 > _LARGEST_DENSE_BYTES:
        maps = source.size // lanes
        raise UsageError(f"{maps} dense maps of {lanes}x{lanes} need too much memory", hint="choose smaller blocks")
    matrix = np.zeros((*source.shape, lanes))
    signs = np.where(flip == 255, -1.0, 1.0)
    np.put_along_axis(matrix, source[..., None].astype(np.intp), signs[..., None], axis=-1)
    offset = flip.astype(np.float64)
    order = plan.block_order
    if len(source) == 1:
        shared = source.shape[1] == 1
        matrix, offset = (matrix[0, 0], offset[0, 0]) if shared else (matrix[0], offset[0])
    return AffinePlan(
        matrix=matrix,
        offset=offset,
        block_order=order[0] if order is not None and len(order) == 1 else order,
        channels=lanes // (plan.block_size[0] * plan.block_size[1]),
    )


def _places(order: NDArray[Any]) -> NDArray[np.int32]:
    """Return the block order as int32, checked to be a permutation."""
    if order.dtype.kind not in "ui" or order.ndim not in (1, 2):
        raise UsageError(f"block_order must be integers (N,) or (n, N), not {order.dtype} {order.shape}")
    if not (np.sort(order, axis=-1) == np.arange(order.shape[-1])).all():
        raise UsageError(f"block_order must be a permutation of 0 to {order.shape[-1] - 1}")
    return (order[0] if order.ndim == 2 and len(order) == 1 else order).astype(np.int32)


def _lengths(*parts: tuple[NDArray[Any] | None, int]) -> list[int]:
    """Return the length of each part along an axis counted from its last, of those that have this axis."""
    return [part.shape[-axis] for part, axis in parts if part is not None and part.ndim >= axis]


def _chain(first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    """Return the block order "first, then second", where each is shared or one row for each image."""
    if second.ndim == 1:
        return np.take(first, second, axis=-1)
    return np.take_along_axis(np.broadcast_to(first, second.shape), second, axis=-1)


def _multiply(matrix: NDArray[Any], blocks: NDArray[Any]) -> NDArray[Any]:
    """Return ``A x`` of every block, as one product for each image."""
    if matrix.ndim == 2:
        # One product for all images would be a tenth faster, but libraries choose the order of a sum by the size of a
        # product: the last bits of an image would then depend on the images that happen to be encrypted with it.
        return np.asarray(blocks @ matrix.T)
    return np.asarray(np.einsum("...ij,...j->...i", matrix, blocks, optimize=True))


def _multiply_vector(matrix: Floats, vector: Floats) -> Floats:
    result: Floats = (matrix @ vector[..., None])[..., 0]
    return result


def _gather(blocks: NDArray[Any], order: NDArray[np.int32]) -> NDArray[Any]:
    if order.ndim == 1:
        return blocks[:, order]
    return np.take_along_axis(blocks, order[..., None].astype(np.intp), axis=1)


def _reorder(values: Floats, order: NDArray[Any], *, axes: int) -> Floats:
    """Return per-block values in another block order; values that all blocks share stay."""
    if values.ndim <= axes or values.shape[-axes - 1] == 1:
        return values
    if order.ndim == 1:
        return np.take(values, order, axis=-axes - 1)
    if values.ndim == axes + 1:
        values = values[None]
    values = np.broadcast_to(values, (len(order), *values.shape[1:]))
    return np.take_along_axis(values, order.reshape(*order.shape, *(1,) * axes).astype(np.intp), axis=1)
