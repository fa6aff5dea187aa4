"""The order of values inside blocks, from ciphertexts alone: what was next to each other is alike in all blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Budget
from pixelveil.attacks.ciphertexts.pixel_channels import matched_channels, split_channels
from pixelveil.attacks.public_images.correlations import correlation
from pixelveil.compiled import compiled

__all__ = ["ValueOrder", "grid_order", "read_order", "tree_signs", "value_distances"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

_MIDDLE = 127.5
_NEAREST = (6, 4, 8, 12, 16)
_ANGLES = 12
# Widths of the kernel that holds neighbors together, in pixels: the whole first, then details.
_WIDTHS = (6.0, 4.0, 3.0, 2.0, 1.5, 1.2, 1.0, 0.8)
_STEPS = 15
# Added to the spread of a block, in grey levels, so that flat blocks do not count for their noise.
_FLAT = 4.0
_MOST_BLOCKS = 3000


@dataclass(frozen=True, kw_only=True, eq=False)
class ValueOrder:
    """What was done to the values of all blocks, undone, up to a turn, an order of channels and a common sign.

    Args:
        source: Which encrypted value each value of a block is, (L,).
        inverted: Whether it is inverted, bool (L,).
    """

    source: Whole = field(repr=False)
    inverted: NDArray[np.bool_] = field(repr=False)


def read_order(
    blocks: NDArray[np.uint8],
    *,
    side: int,
    channels: int,
    inverted: bool,
    mostly_fixed: bool = False,
    budget: Budget | None = None,
) -> ValueOrder:
    """Return the order and signs of values in blocks that were all shuffled alike.

    1. Signs: values correlate with their neighbors (`tree_signs`).
    2. Channels (`split_channels`), and which values belong to one pixel (`matched_channels`).
    3. Pixels: those whose values are nearest in all blocks are neighbors (`grid_order`).

    Args:
        blocks: uint8 (M, L), of one image or of many; 3000 at most are looked at.
        side: B, with L = B * B * channels.
        channels: C.
        inverted: Whether values may be inverted.
        mostly_fixed: Whether most values were left in their places.
        budget: When it is spent no further start is improved.

    Source: after Chuman and Kiya, Information 14(6):311 (2023); the design study of this project.
    """
    seen = blocks[:: -(-len(blocks) // _MOST_BLOCKS)]
    signs = tree_signs(seen) if inverted else np.ones(seen.shape[1])
    columns = (seen.astype(np.float64) - _MIDDLE) * signs
    labels = split_channels(columns, channels=channels)
    pixels = matched_channels(columns, labels=labels)
    distances = value_distances(columns[:, pixels])
    cells = grid_order(distances, side=side, start=pixels[0] // channels if mostly_fixed else None, budget=budget)
    source = pixels[:, np.argsort(cells)].T.reshape(-1)
    return ValueOrder(source=source, inverted=signs[source] < 0)


def tree_signs(columns: NDArray[np.generic]) -> Floats:
    """Return the signs (K,) of columns (S, K): along the tree of the strongest correlations, all are positive.

    Right up to one sign for all.
    """
    from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

    correlations = correlation(columns)
    # Zeros would be no edges.
    far = 1.001 - np.abs(correlations)
    np.fill_diagonal(far, 0)
    order, before = breadth_first_order(minimum_spanning_tree(far), 0, directed=False)
    signs = np.ones(len(correlations))
    for one in order[1:]:
        signs[one] = signs[before[one]] * (1 if correlations[one, before[one]] >= 0 else -1)
    return signs


def value_distances(columns: Floats) -> Floats:
    """Return the mean absolute difference of pixels (P, P), each block divided by its spread.

    So a block with one strong edge counts no more than one with fine texture.

    Args:
        columns: (S, C, P): values of pixels in S blocks.
    """
    from scipy.spatial.distance import pdist, squareform

    spread = np.sqrt(columns.var(axis=2).mean(axis=1))
    scaled = columns / (spread + _FLAT)[:, None, None]
    flat = scaled.transpose(2, 0, 1).reshape(columns.shape[2], -1)
    result: Floats = squareform(pdist(flat, "cityblock")) / len(columns)
    return result


def grid_order(distances: Floats, *, side: int, start: Whole | None = None, budget: Budget | None = None) -> Whole:
    """Return the cell of each pixel in a square grid in which neighbors are near, up to a turn, (P,).

    Plane maps of shortest paths (Isomap) are turned and laid on the grid; then cells are assigned again and again so
    that ``sum_lm W[l, m] K[cell(l), cell(m)]`` grows, with a kernel K on the grid that gets narrower, and W the same
    values in the order of the distances; at last pairs change places while neighbors come nearer.

    Args:
        distances: (P, P), P = side * side.
        side: Of the grid.
        start: Cells to try besides.
        budget: When it is spent no further start is improved; the first always is.
    """
    best, lowest, seen = np.arange(len(distances)), np.inf, set()
    for number, cells in enumerate(_starts(distances, side=side, start=start)):
        if number and budget is not None and budget.spent:
            break
        found = _settled(distances, cells, side=side)
        total = _roughness(distances, found, side=side)
        if total < lowest:
            best, lowest = found, total
        # Two maps that end alike are hardly both wrong.
        if round(total, 9) in seen:
            break
        seen.add(round(total, 9))
    return best


def _starts(distances: Floats, *, side: int, start: Whole | None) -> Iterator[Whole]:
    from scipy.optimize import linear_sum_assignment

    if start is not None:
        yield _without_gaps(start, len(distances))
    grid = _grid(side)
    grid -= grid.mean(axis=0)
    for nearest in _NEAREST:
        points = _plane(distances, nearest=nearest)
        points *= np.sqrt((grid**2).mean() / np.maximum((points**2).mean(axis=0), 1e-12))
        best, lowest = np.arange(len(distances)), np.inf
        for angle in np.arange(_ANGLES) * (np.pi / 2 / _ANGLES):
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            away = (((points @ turn)[:, None] - grid[None]) ** 2).sum(axis=2)
            cells = linear_sum_assignment(away)[1].astype(np.int64)
            total = _roughness(distances, cells, side=side)
            if total < lowest:
                best, lowest = cells, total
        yield best


def _without_gaps(cells: Whole, count: int) -> Whole:
    """Return cells of which none is taken twice: the first that wants it has it, the others take what is left."""
    result, taken = np.full(count, -1, np.int64), np.zeros(count, bool)
    for pixel, cell in enumerate(cells):
        if not taken[cell]:
            result[pixel], taken[cell] = cell, True
    result[result < 0] = np.flatnonzero(~taken)
    return result


def _grid(side: int) -> Floats:
    return np.stack(np.divmod(np.arange(side * side), side), axis=1).astype(np.float64)


def _plane(distances: Floats, *, nearest: int) -> Floats:
    """Return a plane map (P, 2) whose distances are shortest paths over nearest neighbors (Tenenbaum et al., 2000)."""
    from scipy.sparse.csgraph import shortest_path

    count = len(distances)
    order = np.argsort(distances + np.diag(np.full(count, np.inf)), axis=1)[:, : min(nearest, count - 1)]
    joined = np.zeros((count, count), bool)
    joined[np.arange(count)[:, None], order] = True
    paths = shortest_path(np.where(joined | joined.T, distances + 1e-6, 0), directed=False)
    finite = np.isfinite(paths)
    paths[~finite] = 1.5 * paths[finite].max()
    center = np.eye(count) - 1 / count
    values, vectors = np.linalg.eigh(-0.5 * center @ (paths**2) @ center)
    return np.asarray(vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0)))


def _settled(distances: Floats, cells: Whole, *, side: int) -> Whole:
    """Return cells after assignments with narrower and narrower kernels, and swaps."""
    from scipy.optimize import linear_sum_assignment

    grid = _grid(side)
    apart = ((grid[:, None] - grid[None]) ** 2).sum(axis=2)
    upper = np.triu_indices(len(distances), 1)
    nearest_first = np.argsort(distances[upper], kind="stable")
    for width in _WIDTHS:
        kernel = np.exp(-apart / (2 * width**2))
        np.fill_diagonal(kernel, 0)
        values, weights = np.empty(len(nearest_first)), np.zeros_like(kernel)
        values[nearest_first] = np.sort(kernel[upper])[::-1]
        weights[upper] = values
        weights += weights.T
        for _ in range(_STEPS):
            moved = linear_sum_assignment(-(weights @ kernel[cells]))[1].astype(np.int64)
            if (moved == cells).all():
                break
            cells = moved
    cells = cells.copy()
    _swap(distances, cells, side)
    return cells


def _roughness(distances: Floats, cells: Whole, *, side: int) -> float:
    """Return the sum of distances between neighbors in the grid."""
    at = np.argsort(cells).reshape(side, side)
    return float(distances[at[:, 1:], at[:, :-1]].sum() + distances[at[1:], at[:-1]].sum())


@compiled
def _around(distances: Floats, at: Whole, pixel: int, row: int, column: int) -> float:
    """Return the sum of distances of a pixel to the neighbors of a cell."""
    side, total = len(at), 0.0
    if row > 0:
        total += distances[pixel, at[row - 1, column]]
    if row + 1 < side:
        total += distances[pixel, at[row + 1, column]]
    if column > 0:
        total += distances[pixel, at[row, column - 1]]
    if column + 1 < side:
        total += distances[pixel, at[row, column + 1]]
    return total


@compiled
def _swap(distances: Floats, cells: Whole, side: int) -> None:
    """Let pairs of pixels change cells while the roughness falls, in place."""
    count, at = len(cells), np.empty((side, side), np.int64)
    for pixel in range(count):
        at[cells[pixel] // side, cells[pixel] % side] = pixel
    changed = True
    while changed:
        changed = False
        for one in range(count):
            for other in range(one + 1, count):
                y, x, v, u = cells[one] // side, cells[one] % side, cells[other] // side, cells[other] % side
                before = _around(distances, at, one, y, x) + _around(distances, at, other, v, u)
                at[y, x], at[v, u] = other, one
                after = _around(distances, at, other, y, x) + _around(distances, at, one, v, u)
                if after < before - 1e-9:
                    cells[one], cells[other], changed = v * side + u, y * side + x, True
                else:
                    at[y, x], at[v, u] = one, other
