"""How much of a puzzle is right: pieces in their places, pieces next to their neighbors, the largest right part."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError

__all__ = ["direct_comparison", "largest_component", "neighbor_comparison"]

Places = NDArray[Any]
Floats = NDArray[np.float64]


def direct_comparison(found: Places) -> Floats:
    """Return D_c, the share of pieces in their own places; 0 for a right picture that is shifted.

    Args:
        found: Integers (..., rows, columns): which place, counted row by row, the piece found there belongs to; -1 for
            pieces that are turned, inverted or recolored wrongly.

    Returns:
        float64 (...), 0 to 1.

    Source: Gallagher, CVPR (2012); Chuman, Kurihara and Kiya, IEICE E101-D (2018).

    >>> float(direct_comparison(np.array([[0, 1], [3, 2]])))
    0.5
    """
    rows, columns = _checked(found)
    return np.asarray((found == np.arange(rows * columns).reshape(rows, columns)).mean(axis=(-2, -1)))


def neighbor_comparison(found: Places) -> Floats:
    """Return N_c, the share of the ``2 rows columns - rows - columns`` neighborhoods that are right.

    Args:
        found: See `direct_comparison`.

    Returns:
        float64 (...), 0 to 1; 1 for a single piece.

    >>> float(neighbor_comparison(np.array([[1, 0], [2, 3]])))
    0.25
    """
    rows, columns = _checked(found)
    if rows * columns == 1:
        return np.ones(found.shape[:-2])
    across, down = _joints(found)
    right = across.sum(axis=(-2, -1)) + down.sum(axis=(-2, -1))
    return np.asarray(right / (2 * rows * columns - rows - columns))


def largest_component(found: Places) -> Floats:
    """Return L_c, the share of pieces in the largest part that only right neighborhoods hold together.

    Args:
        found: See `direct_comparison`.

    Returns:
        float64 (...), 1 / (rows * columns) to 1.

    >>> float(largest_component(np.array([[1, 0], [2, 3]])))
    0.5
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    rows, columns = _checked(found)
    count, cells = rows * columns, np.arange(rows * columns).reshape(rows, columns)
    result = np.empty(found.shape[:-2])
    for one in np.ndindex(result.shape):
        across, down = _joints(found[one])
        ends = [cells[:, :-1][across], cells[:-1][down]], [cells[:, 1:][across], cells[1:][down]]
        first, second = (np.concatenate(end) for end in ends)
        graph = coo_matrix((np.ones(len(first)), (first, second)), shape=(count, count))
        result[one] = np.bincount(connected_components(graph, directed=False)[1]).max() / count
    return result


def _joints(found: Places) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which neighborhoods, to the right and below, are right."""
    columns = found.shape[-1]
    left, upper = found[..., :, :-1], found[..., :-1, :]
    across = (left >= 0) & (found[..., :, 1:] == left + 1) & (left % columns < columns - 1)
    return across, (upper >= 0) & (found[..., 1:, :] == upper + columns)


def _checked(found: Places) -> tuple[int, int]:
    if found.ndim < 2 or not found.size or not np.issubdtype(found.dtype, np.integer):
        raise UsageError(f"a puzzle is a grid of integers (..., rows, columns), not {found.dtype} {found.shape}")
    rows, columns = found.shape[-2:]
    if found.min() < -1 or found.max() >= rows * columns:
        raise UsageError(f"pieces of a puzzle of {rows}x{columns} belong to places 0 to {rows * columns - 1}, or -1")
    return rows, columns
