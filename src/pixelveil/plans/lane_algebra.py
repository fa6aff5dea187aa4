"""Invert and compose lane plans, keeping their structure as far as it goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.plans.geometry import BlockGrid, batch_length, infer_channels

if TYPE_CHECKING:
    from pixelveil.plans.lane import LanePlan

__all__ = ["compose_lane_plans", "in_blocks", "invert_lane_plan"]

# Maps of two plans are combined into a table of pairs up to this size (a choice then still fits one byte);
# beyond it every block gets a map of its own.
_LARGEST_TABLE = 256


def invert_lane_plan(plan: LanePlan) -> LanePlan:
    """Return the plan that undoes ``plan``; see `LanePlan.invert`.

    From ``out[j] = M_{c[j]}(in[o[j]])`` follows ``in[i] = M^-1_{c[o^-1[i]]}(out[o^-1[i]])``.
    """
    from pixelveil.plans.lane import LanePlan

    source = _inverse(plan.source, name="an in-block map")
    flip = _take(plan.flip, source)
    order = None if plan.block_order is None else _inverse(plan.block_order, name="the block order")
    choice = plan.choice if plan.choice is None or order is None else _take(plan.choice, order)
    return LanePlan(
        source=source,
        flip=flip,
        block_size=plan.block_size,
        block_order=order,
        choice=choice,
        lane=plan.lane,
        grid=plan.grid,
    )


def compose_lane_plans(first: LanePlan, second: LanePlan) -> LanePlan:
    """Return "first, then second"; see `LanePlan.compose`.

    In one block size: ``out[j] = N_{d[j]} M_{c[p[j]]} in[o[p[j]]]`` for first (o, c, M) and second (p, d, N).
    """
    from pixelveil.plans.lane import LanePlan

    _check_images(first, second)
    if first.lane != second.lane:
        first, second = in_nibbles(first), in_nibbles(second)
    if first.block_size != second.block_size:
        first, second = _common_blocks(first, second)
    _check_blocks(first, second)
    order, choice = first.block_order, first.choice
    if second.block_order is not None:
        order = second.block_order if order is None else _take(order, second.block_order)
        choice = choice if choice is None else _take(choice, second.block_order)
    maps = _combine_maps(_Maps(first.source, first.flip, choice), _Maps(second.source, second.flip, second.choice))
    return LanePlan(
        source=maps.source,
        flip=maps.flip,
        block_size=first.block_size,
        block_order=order,
        choice=maps.choice,
        lane=first.lane,
        grid=first.grid or second.grid,
    )


@dataclass(frozen=True)
class _Maps:
    """In-block maps (images, T, L) and the one that each block uses."""

    source: NDArray[Any]
    flip: NDArray[Any]
    choice: NDArray[Any] | None


def _combine_maps(first: _Maps, second: _Maps) -> _Maps:
    """Return the maps "first, then second": ``source = s1[s2]``, ``flip = f1[s2] XOR f2``."""
    many, others = first.source.shape[1], second.source.shape[1]
    if many * others <= _LARGEST_TABLE or first.choice is None or second.choice is None:
        pairs = _Maps(np.repeat(first.source, others, axis=1), np.repeat(first.flip, others, axis=1), None)
        again = np.tile(second.source, (1, many, 1))
        return _Maps(
            _take(pairs.source, again),
            _take(pairs.flip, again) ^ np.tile(second.flip, (1, many, 1)),
            _pair_choice(first.choice, second.choice, others=others, maps=many * others),
        )
    left, right = _per_block(first), _per_block(second)
    blocks = np.arange(left.source.shape[1])
    return _Maps(_take(left.source, right.source), _take(left.flip, right.source) ^ right.flip, blocks)


def _pair_choice(
    first: NDArray[Any] | None, second: NDArray[Any] | None, *, others: int, maps: int
) -> NDArray[Any] | None:
    """Return the number of the pair (first map, second map) of each block, in the smallest type that holds it."""
    if first is None:
        return second
    kind = np.dtype(np.uint8 if maps <= 256 else np.int32)
    # With one map only, ``first`` is zero, and ``others`` may be 256, which does not fit the type.
    scaled = first if others in (1, maps) else first.astype(kind, copy=False) * kind.type(others)
    if second is None:
        return scaled
    # In place where that is possible: a fresh array of this size costs more than the addition.
    fits = scaled is not first and len(scaled) >= len(second)
    return np.asarray(np.add(scaled, second.astype(kind, copy=False), out=scaled if fits else None))


def _per_block(maps: _Maps) -> _Maps:
    """Give every block the map it uses, so that block j uses map j."""
    if maps.choice is None:
        return maps
    index = maps.choice[..., None].astype(np.intp)
    count = batch_length(len(index), len(maps.source), len(maps.flip))
    index = np.broadcast_to(index, (count, *index.shape[1:]))
    source = np.broadcast_to(maps.source, (count, *maps.source.shape[1:]))
    flip = np.broadcast_to(maps.flip, (count, *maps.flip.shape[1:]))
    return _Maps(np.take_along_axis(source, index, 1), np.take_along_axis(flip, index, 1), None)


def in_nibbles(plan: LanePlan) -> LanePlan:
    """Return the same plan over half bytes: byte b becomes the lanes b (low half) and d + b (high half)."""
    from pixelveil.plans.lane import LanePlan

    if plan.lane == "nibble":
        return plan
    source = np.concatenate([plan.source, plan.source + plan.lanes], axis=-1)
    flip = np.concatenate([plan.flip & 15, plan.flip >> 4], axis=-1)
    return LanePlan(
        source=source,
        flip=flip,
        block_size=plan.block_size,
        block_order=plan.block_order,
        choice=plan.choice,
        lane="nibble",
        grid=plan.grid,
    )


def _common_blocks(first: LanePlan, second: LanePlan) -> tuple[LanePlan, LanePlan]:
    """Bring two plans to one block size: the larger, where the smaller divides it and stays inside; else the image."""
    grid = _image_of(first) or _image_of(second)
    large, small = (first, second) if _area(first) >= _area(second) else (second, first)
    if large.block_size is not None and small.block_size is not None and small.block_order is None:
        fits = large.block_size[0] % small.block_size[0] == 0 and large.block_size[1] % small.block_size[1] == 0
        if fits and (grid is not None or small.choice is None):
            lifted = in_blocks(small, block=large.block_size, image=grid)
            return (large, lifted) if large is first else (lifted, large)
    if grid is None:
        raise UsageError(
            "plans of different block sizes need the image size", hint="build them with grid=(rows, columns)"
        )
    return in_blocks(first, block=None, image=grid), in_blocks(second, block=None, image=grid)


def in_blocks(plan: LanePlan, *, block: tuple[int, int] | None, image: tuple[int, int] | None) -> LanePlan:
    """Return the same plan over larger blocks.

    Args:
        plan: Any plan; its block order must be None unless the new block is the whole image.
        block: Height and width of the new block, multiples of the old; None: the whole image.
        image: Height and width of the image; may be None where all blocks share one map.

    Raises:
        UsageError: The block order crosses the new blocks.
    """
    from pixelveil.plans.lane import LanePlan

    if plan.block_size == block:
        return plan
    if plan.block_size is None:
        raise UsageError("a whole-image plan has no smaller blocks")
    target = block or image
    if target is None or (block is not None and plan.block_order is not None):
        raise UsageError("the plan's block order crosses the larger blocks")
    half, blocks = 2 if plan.lane == "nibble" else 1, _blocks_of(plan)
    if blocks is not None and image is not None and blocks * _area(plan) != image[0] * image[1]:
        raise UsageError(f"the plan is for {blocks} blocks, not for an image of {image[0]}x{image[1]}")
    size = plan.lanes // half
    channels = size // (plan.block_size[0] * plan.block_size[1]) or infer_channels(size)
    inner = BlockGrid(height=target[0], width=target[1], channels=channels, block=plan.block_size)
    per_block = _per_block(_Maps(plan.source, plan.flip, plan.choice))
    if plan.choice is None:
        cells, outer = np.zeros((1, inner.blocks), np.intp), 1
    else:
        # Number of the small block that lies at each place of each large block.
        height, width = image if image is not None else target
        small = BlockGrid(height=height, width=width, channels=1, block=plan.block_size)
        numbers = np.arange(small.blocks).reshape(height // target[0], inner.rows, width // target[1], inner.columns)
        cells = numbers.transpose(0, 2, 1, 3).reshape(-1, inner.blocks)
        outer = len(cells)
    orders = 1 if plan.block_order is None else len(plan.block_order)
    count = batch_length(len(per_block.source), len(per_block.flip), orders)
    places = inner.block_offsets()[:, None].astype(np.int64) + inner.lane_offsets()
    order = np.arange(inner.blocks)[None] if plan.block_order is None else plan.block_order
    starts = inner.block_offsets()[order].astype(np.int64)[:, None, :, None]
    bytes_of_lane, high = inner.lane_offsets()[per_block.source[:, cells] % size], per_block.source[:, cells] // size
    total = inner.blocks * inner.lanes
    source = np.empty((count, outer, half, total), np.int32)
    flip = np.empty((count, outer, half, total), np.uint8)
    for part in range(half):
        lanes = slice(part * size, (part + 1) * size)
        source[:, :, part, places] = starts + bytes_of_lane[..., lanes] + high[..., lanes] * total
        flip[:, :, part, places] = per_block.flip[:, cells][..., lanes]
    grid = None if image is None or block is None else (image[0] // block[0], image[1] // block[1])
    return LanePlan(
        source=source.reshape(count, outer, half * total),
        flip=flip.reshape(count, outer, half * total),
        block_size=block,
        choice=np.arange(outer) if outer > 1 else None,
        lane=plan.lane,
        grid=grid,
    )


def _check_images(first: LanePlan, second: LanePlan) -> None:
    """Raise if two plans are for different numbers or sizes of images."""
    if first.count != second.count and 1 not in (first.count, second.count):
        raise UsageError(f"the plans are for {first.count} and {second.count} images")
    here, there = _image_of(first), _image_of(second)
    if here is not None and there is not None and here != there:
        raise UsageError("the plans are for images of {}x{} and {}x{} pixels".format(*here, *there))


def _check_blocks(first: LanePlan, second: LanePlan) -> None:
    """Raise if two plans of one block size move other lanes, or know that their images have other blocks."""
    if first.lanes != second.lanes:
        raise UsageError(f"the plans move {first.lanes} and {second.lanes} lanes a block: not the same images")
    here, there = _blocks_of(first), _blocks_of(second)
    if here is not None and there is not None and here != there:
        raise UsageError(f"the plans are for {here} and {there} blocks: not the same images")


def _blocks_of(plan: LanePlan) -> int | None:
    """Return the number of blocks, where the plan knows it."""
    part = plan.choice if plan.block_order is None else plan.block_order
    return None if part is None else int(part.shape[1])


def _image_of(plan: LanePlan) -> tuple[int, int] | None:
    """Return height and width of the plan's image, where it knows them."""
    if plan.block_size is None or plan.grid is None:
        return None
    return plan.block_size[0] * plan.grid[0], plan.block_size[1] * plan.grid[1]


def _area(plan: LanePlan) -> float:
    return float("inf") if plan.block_size is None else plan.block_size[0] * plan.block_size[1]


def _inverse(permutation: NDArray[Any], *, name: str) -> NDArray[np.int32]:
    """Return the inverse permutation along the last axis."""
    size = permutation.shape[-1]
    if not (np.sort(permutation, axis=-1) == np.arange(size)).all():
        raise UsageError(f"{name} is no permutation, so the plan cannot be undone")
    return np.argsort(permutation, axis=-1).astype(np.int32)


def _take(values: NDArray[Any], index: NDArray[Any]) -> NDArray[Any]:
    """Return ``values[..., index]`` with one row of each per image, rows of one shared."""
    if len(values) == 1 and len(index) == 1 and values.ndim == index.ndim:
        return np.take_along_axis(values, index.astype(np.intp), -1)
    count = batch_length(len(values), len(index))
    values = np.broadcast_to(values, (count, *values.shape[1:]))
    index = np.broadcast_to(index, (count, *index.shape[1:]))
    return np.take_along_axis(values, index.astype(np.intp), -1)
