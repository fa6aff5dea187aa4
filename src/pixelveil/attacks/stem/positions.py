"""The block order, from position information of the encrypted model beside that of the plain one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.stem.embedding import Floats, as_array, patch_rows

if TYPE_CHECKING:
    from torch import Tensor

    from pixelveil.models.layout import Gather, Layout

__all__ = ["BlockOrder", "match_rows", "order_from_base", "pair_features", "pair_table"]

Order = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class BlockOrder:
    """A block order as it was found.

    Args:
        order: int64 (N,), source block of each place.
        agreement: How alike matched position information is, a correlation; near 0 it means nothing.
    """

    order: Order = field(repr=False)
    agreement: float


def order_from_base(tensors: Mapping[str, Tensor], base: Mapping[str, Tensor], *, layout: Layout) -> BlockOrder | None:
    """Return the block order by which position information of a base became that of a stem.

    Every table that follows the patches votes: the sum of squared distances of matched rows is the least possible.

    Args:
        tensors: Of the stem.
        base: Of the plain model, under the same names.
        layout: What they are.

    Returns:
        None where no table follows the patches: then they were not moved.
    """
    pairs = [
        (
            _features(tensors[entry.name], entry, count=layout.patches),
            _features(base[entry.name], entry, count=layout.patches),
        )
        for entry in layout.gathers
        if entry.name in base and base[entry.name].shape == tensors[entry.name].shape
    ]
    return match_rows([ours for ours, _ in pairs], [theirs for _, theirs in pairs]) if pairs else None


def match_rows(ours: list[Floats], theirs: list[Floats]) -> BlockOrder:
    """Return for each row of some tables its partner in others, no partner taken twice.

    Mean rows do not count: a correction of the bias is added to all rows alike. Cost: O(N^3).

    Args:
        ours: Tables (N, F), each in the order that is looked for.
        theirs: As many, in the plain order.

    >>> table = np.random.default_rng(0).normal(size=(6, 3))
    >>> found = match_rows([table[[3, 1, 0, 2, 5, 4]] + 7], [table])
    >>> found.order.tolist(), round(found.agreement, 6)
    ([3, 1, 0, 2, 5, 4], 1.0)
    """
    from scipy.optimize import linear_sum_assignment

    inner = np.zeros((len(ours[0]), len(ours[0])))
    for mine, yours in zip(ours, theirs, strict=True):
        centered = [table - table.mean(axis=0) for table in (mine, yours)]
        size = max(float(np.prod([np.linalg.norm(table) for table in centered])), 1e-300)
        inner += centered[0] @ centered[1].T / size
    order = linear_sum_assignment(inner, maximize=True)[1].astype(np.int64)
    agreement = float(np.take_along_axis(inner, order[:, None], axis=1).sum()) / len(ours)
    return BlockOrder(order=order, agreement=agreement)


def pair_features(table: Floats) -> Floats:
    """Return for each token what a table of pairs (N, N, ...) says of it in any order of the others, (N, F).

    >>> pair_features(np.array([[0.0, 5.0], [1.0, 0.0]])).tolist()
    [[0.0, 5.0, 0.0, 1.0], [0.0, 1.0, 0.0, 5.0]]
    """
    both = [np.sort(side, axis=1).reshape(len(table), -1) for side in (table, table.swapaxes(0, 1))]
    result: Floats = np.concatenate(both, axis=1)
    return result


def pair_table(tensor: Tensor, entry: Gather, *, count: int) -> Floats:
    """Return what a tensor holds for each pair of patches, float64 (N, N, ...).

    Args:
        tensor: A table of pairs of tokens.
        entry: Which of its axes number them.
        count: Number of patches.
    """
    table = as_array(tensor)
    if entry.square:
        side = math.isqrt(table.size)
        table = table.reshape(side, side)
    for axis in entry.axes:
        table = np.take(table, np.arange(entry.start, entry.start + count), axis=axis)
    return np.moveaxis(table, entry.axes, (0, 1))


def _features(tensor: Tensor, entry: Gather, *, count: int) -> Floats:
    """Return what a tensor says of each patch, whatever the order of the others, (N, F)."""
    if len(entry.axes) == 1:
        return patch_rows(tensor, entry, count=count)
    return pair_features(pair_table(tensor, entry, count=count))
