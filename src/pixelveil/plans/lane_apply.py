"""Apply a `LanePlan` to a batch: lay its tables out for the image size, pick the kernel, spread over threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.plans.geometry import BlockGrid
from pixelveil.plans.threads import for_slices

if TYPE_CHECKING:
    from pixelveil.plans.lane import LanePlan

__all__ = ["apply_lane_plan", "pixel_numbers", "plan_grid"]

# A shared plan for an image up to this size is laid out as one table for the whole image: it fits the first-level
# cache, and one long loop beats many short ones (32x32: 2.3 against 1.8 GB/s).
_WHOLE_IMAGE_BYTES = 8192


def apply_lane_plan(
    plan: LanePlan, images: NDArray[np.uint8], *, threads: int | None = None, out: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """Return the rearranged images, in ``out`` (contiguous, same shape) where it is given; see `LanePlan.apply`."""
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise UsageError(f"images must be uint8 (N, H, W, C) or (H, W, C), not {images.dtype} {images.shape}")
    batch = np.ascontiguousarray(images if images.ndim == 4 else images[None])
    count, height, width, channels = batch.shape
    if plan.count not in (1, count):
        raise UsageError(f"the plan is for {plan.count} images, not {count}")
    grid = plan_grid(plan, (height, width, channels))
    rows = batch.reshape(count, height * width * channels)
    result = np.empty_like(rows) if out is None else out.reshape(rows.shape)
    if count and rows.shape[1]:
        _run(plan, grid, rows, result, threads)
    return result.reshape(images.shape)


def plan_grid(plan: LanePlan, shape: tuple[int, int, int]) -> BlockGrid:
    """Return how the plan cuts an image of this shape, or say why it cannot."""
    height, width, channels = shape
    block = plan.block_size or (height, width)
    grid = BlockGrid(height=height, width=width, channels=channels, block=block)
    lanes = grid.lanes * (2 if plan.lane == "nibble" else 1)
    if lanes != plan.lanes:
        raise UsageError(f"the plan moves {plan.lanes} lanes a block; blocks of this image have {lanes}")
    for part, name in ((plan.block_order, "block order"), (plan.choice, "choice")):
        if part is not None and part.shape[1] != grid.blocks:
            raise UsageError(f"the plan's {name} is for {part.shape[1]} blocks; the image has {grid.blocks}")
    return grid


def pixel_numbers(plan: LanePlan) -> NDArray[np.uint8] | None:
    """Return the plan's maps as numbers for `shuffle_pixels`, uint8 (256,).

    None where the plan is not made of channel permutations and inversions of single RGB pixels.
    """
    from pixelveil.plans.kernels import PIXEL_CODES

    per_pixel = plan.block_size == (1, 1) and plan.lanes == 3 and plan.lane == "byte" and plan.block_order is None
    if not per_pixel or plan.choice is None or plan.choice.dtype != np.uint8 or len(plan.source) * len(plan.flip) > 1:
        return None
    source, flip, orders = plan.source[0], plan.flip[0], np.array(PIXEL_CODES)
    same = (source[:, None] == orders).all(axis=2)
    inverted = flip == 255
    if not (same.any(axis=1).all() and (inverted | (flip == 0)).all()):
        return None
    numbers = np.zeros(256, np.uint8)
    numbers[: len(source)] = 8 * same.argmax(axis=1) + inverted @ np.array([1, 2, 4])
    return numbers


def _run(plan: LanePlan, grid: BlockGrid, rows: NDArray[np.uint8], out: NDArray[np.uint8], threads: int | None) -> None:
    """Choose the kernel and call it on slices of the batch."""
    from pixelveil.plans import kernels

    count = len(rows)
    choices, numbers = plan.choice, pixel_numbers(plan)
    if choices is not None and numbers is not None:

        def shuffle(part: slice) -> None:
            kernels.shuffle_pixels(rows[part], _rows_of(choices, part), numbers, out[part])

        for_slices(shuffle, count=count, total_bytes=rows.nbytes, threads=threads)
        return

    layout = plan._prepared.get(grid)
    if layout is None:
        layout = _layout(plan, grid)
        if plan.count == 1:
            plan._prepared[grid] = layout

    def move(part: slice) -> None:
        order, choice, offset, flip = (_rows_of(item, part) for item in layout.tables)
        if layout.shift is not None:
            shift = _rows_of(layout.shift, part)
            kernels.move_nibbles(
                rows[part], layout.base, order, choice, offset, shift, flip, layout.run, layout.stride, out[part]
            )
        elif plan.count == 1 and part.stop - part.start >= 4:
            kernels.move_bytes_shared(
                rows[part], layout.base, order[0], choice[0], offset[0], flip[0], layout.run, layout.stride, out[part]
            )
        else:
            kernels.move_bytes_each(
                rows[part], layout.base, order, choice, offset, flip, layout.run, layout.stride, out[part]
            )

    for_slices(move, count=count, total_bytes=rows.nbytes, threads=threads)


@dataclass(frozen=True)
class _Layout:
    """A plan's tables as byte offsets for one image size."""

    base: NDArray[np.uint32]
    tables: tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint8]]
    shift: NDArray[np.uint8] | None
    run: np.uint64
    stride: np.uint64


def _layout(plan: LanePlan, grid: BlockGrid) -> _Layout:
    lane_offsets, base = grid.lane_offsets(), grid.block_offsets()
    order = np.arange(grid.blocks, dtype=np.uint32)[None] if plan.block_order is None else plan.block_order
    order = np.ascontiguousarray(order, np.uint32)
    choice = np.zeros((1, grid.blocks), np.uint32) if plan.choice is None else plan.choice.astype(np.uint32)
    run, stride = np.uint64(grid.block[1] * grid.channels), np.uint64(grid.width * grid.channels)
    if plan.lane == "nibble":
        half = grid.lanes
        offset = lane_offsets[plan.source % half]
        shift = np.where(plan.source < half, np.uint8(0), np.uint8(4))
        flip = plan.flip[..., :half] | (plan.flip[..., half:] << np.uint8(4))
        return _Layout(base, (order, choice, offset, flip), shift, run, stride)
    offset = lane_offsets[plan.source]
    size = grid.blocks * grid.lanes
    if plan.count == 1 and size <= _WHOLE_IMAGE_BYTES and grid.blocks > 1:
        places = base[:, None] + lane_offsets
        whole, mask = np.empty(size, np.uint32), np.empty(size, np.uint8)
        whole[places] = base[order[0]][:, None] + offset[0][choice[0]]
        mask[places] = plan.flip[0][choice[0]]
        none = np.zeros((1, 1), np.uint32)
        return _Layout(
            none[0], (none, none, whole[None, None], mask[None, None]), None, np.uint64(size), np.uint64(size)
        )
    return _Layout(base, (order, choice, offset, plan.flip), None, run, stride)


def _rows_of(array: NDArray[Any], part: slice) -> NDArray[Any]:
    """Return the images of a slice from a table that has one row for all, or one row each."""
    return array if len(array) == 1 else array[part]
