"""Keys of single pixels, shared by all images: which channels neighbors have in common, and which way up they are."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Frames", "align_pixels", "neighbors", "settle_pixels"]

_CENTER = 127.5


@dataclass(frozen=True, eq=False)
class Frames:
    """How each pixel's channels are read: channel c of the result is ``sign * (channel order of the pixel)``.

    Args:
        order: Integers (P, C).
        sign: 1 or -1, (P, C).
    """

    order: NDArray[np.int64]
    sign: NDArray[np.float32]

    def read(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return centered values (n, P, C) as the frames read them."""
        return np.take_along_axis(values, self.order[None], axis=2) * self.sign


def neighbors(*, height: int, width: int) -> NDArray[np.int64]:
    """Return the pairs of pixels that are next to each other in a row or a column, (E, 2)."""
    number = np.arange(height * width).reshape(height, width)
    across = np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()], axis=1)
    down = np.stack([number[:-1].ravel(), number[1:].ravel()], axis=1)
    return np.concatenate([across, down])


def align_pixels(values: NDArray[np.float32], *, edges: NDArray[np.int64], orders: NDArray[np.int64]) -> Frames:
    """Join pixels to regions, the surest neighbors first, until one region is left.

    For neighbors p, q the reading ``(order, s)`` costs ``sum_i sum_c |p_ic - s_c q_i,order(c)|``: neighbors are nearly
    equal, whatever the image. Costs of all edges between two regions add up; regions join where the best reading is
    cheapest by the widest margin for both of them.

    Args:
        values: Centered, float32 (n, P, C).
        edges: Pairs of neighbors (E, 2).
        orders: The orders of channels that are possible, (O, C).

    Returns:
        One frame for each pixel; all of them are right up to one order and one sign for each channel.
    """
    _, pixels, channels = values.shape
    order = np.tile(np.arange(channels), (pixels, 1))
    sign = np.ones((pixels, channels), np.float32)
    region = np.arange(pixels)
    left, right = edges.T
    same, opposite = _edge_costs(values, edges)
    while len(left):
        # Costs in the regions' frames, summed over all edges between the same two regions.
        a, b = np.minimum(region[left], region[right]), np.maximum(region[left], region[right])
        swap = region[left] > region[right]
        first, second = np.where(swap, right, left), np.where(swap, left, right)
        keys, pair = np.unique(a * pixels + b, return_inverse=True)
        rows = np.arange(len(left))[:, None, None]
        i, j = order[left][:, :, None], order[right][:, None, :]
        agree = (sign[left][:, :, None] * sign[right][:, None, :]) > 0
        here, there = same[rows, i, j], opposite[rows, i, j]
        keep, flip = np.where(agree, here, there), np.where(agree, there, here)
        keep[swap], flip[swap] = keep[swap].swapaxes(1, 2), flip[swap].swapaxes(1, 2)
        keep = _group_sum(keep, pair, len(keys))
        flip = _group_sum(flip, pair, len(keys))
        best, signs, margin = _best_reading(keep, flip, orders)
        a, b = keys // pixels, keys % pixels
        chosen = _mutual(a, b, margin, pixels)
        order, sign, region = _join(order, sign, region, a[chosen], b[chosen], best[chosen], signs[chosen])
        inside = region[first] == region[second]
        left, right, same, opposite = left[~inside], right[~inside], same[~inside], opposite[~inside]
    return Frames(order, sign)


def settle_pixels(
    values: NDArray[np.float32], frames: Frames, *, height: int, width: int, orders: NDArray[np.int64], sweeps: int = 8
) -> Frames:
    """Read single pixels anew so that they fit all eight pixels around them, until nothing changes.

    Args:
        values: Centered, float32 (n, P, C).
        frames: From `align_pixels`.
        height: Rows of pixels.
        width: Columns of pixels.
        orders: The orders that are possible, (O, C).
        sweeps: How often at most.
    """
    _, pixels, channels = values.shape
    order, sign = frames.order.copy(), frames.sign.copy()
    number = np.arange(pixels).reshape(height, width)
    around = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
    for _ in range(sweeps):
        changed = 0
        for top, side in itertools.product((0, 1), repeat=2):
            here = number[top::2, side::2]
            keep = np.zeros((here.size, channels, channels), np.float32)
            flip = np.zeros_like(keep)
            read = Frames(order, sign).read(values)
            for y, x in around:
                rows, columns = np.arange(height)[top::2] + y, np.arange(width)[side::2] + x
                inside = (((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))).ravel()
                near = number[rows.clip(0, height - 1)][:, columns.clip(0, width - 1)].ravel()[inside]
                one, other = read[:, near, :, None], values[:, here.ravel()[inside], None, :]
                keep[inside] += np.abs(one - other).sum(axis=0)
                flip[inside] += np.abs(one + other).sum(axis=0)
            best, signs, _ = _best_reading(keep, flip, orders)
            changed += int((order[here.ravel()] != best).sum() + (sign[here.ravel()] != signs).sum())
            order[here.ravel()], sign[here.ravel()] = best, signs
        if not changed:
            break
    return Frames(order, sign)


def _edge_costs(
    values: NDArray[np.float32], edges: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (E, C, C): sums over images of |p_c - q_d| and of |p_c + q_d|, image by image to spare memory."""
    channels = values.shape[2]
    same = np.zeros((len(edges), channels, channels), np.float32)
    opposite = np.zeros_like(same)
    for image in values:
        one, other = image[edges[:, 0], :, None], image[edges[:, 1], None, :]
        same += np.abs(one - other)
        opposite += np.abs(one + other)
    return same, opposite


def _best_reading(
    keep: NDArray[np.float32], flip: NDArray[np.float32], orders: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Return the cheapest order and signs (K, C), and by how much the second cheapest reading costs more, (K,)."""
    channels = np.arange(orders.shape[1])
    cheaper = np.minimum(keep, flip)[:, channels, orders].sum(axis=2)
    ranking = np.argsort(cheaper, axis=1)
    best = orders[ranking[:, 0]]
    rows = np.arange(len(best))[:, None]
    gap = flip[rows, channels, best] - keep[rows, channels, best]
    margin = np.abs(gap).min(axis=1)
    if len(orders) > 1:
        between = np.take_along_axis(cheaper, ranking[:, 1:2], 1) - np.take_along_axis(cheaper, ranking[:, :1], 1)
        margin = np.minimum(margin, between[:, 0])
    return best, np.where(gap >= 0, 1, -1).astype(np.float32), margin


def _mutual(a: NDArray[np.int64], b: NDArray[np.int64], margin: NDArray[np.float32], size: int) -> NDArray[np.int64]:
    """Return the numbers of the pairs that have the widest margin for both of their regions; at least one."""
    rank = np.empty(len(a), np.int64)
    rank[np.argsort(margin, kind="stable")] = np.arange(len(a))
    widest = np.full(size, -1)
    np.maximum.at(widest, a, rank)
    np.maximum.at(widest, b, rank)
    return np.flatnonzero((widest[a] == rank) & (widest[b] == rank))


def _join(
    order: NDArray[np.int64],
    sign: NDArray[np.float32],
    region: NDArray[np.int64],
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    best: NDArray[np.int64],
    signs: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Return frames and regions after each region b has been read as its region a wants it."""
    partner = np.full(len(region), -1)
    partner[b] = np.arange(len(b))
    moved = np.flatnonzero(partner[region] >= 0)
    step = partner[region[moved]]
    order, sign, region = order.copy(), sign.copy(), region.copy()
    sign[moved] = np.take_along_axis(sign[moved], best[step], axis=1) * signs[step]
    order[moved] = np.take_along_axis(order[moved], best[step], axis=1)
    region[moved] = a[step]
    return order, sign, region


def _group_sum(values: NDArray[np.float32], groups: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """Return sums (count, C, C) of values (E, C, C) with the same group number."""
    total = np.zeros((count, *values.shape[1:]), np.float32)
    np.add.at(total, groups, values)
    return total
