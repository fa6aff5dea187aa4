"""Which block went where, and which lane: what a key leaves unchanged is compared, the rest is an assignment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from pixelveil.attacks.attack import Budget
from pixelveil.attacks.pairs.structure import LaneStructure
from pixelveil.plans import LanePlan

__all__ = ["RecoveredLanes", "block_marks", "match_lanes", "match_marks", "recover_lanes"]

Lanes = NDArray[np.uint8]

# Samples beyond this many add nothing but time.
_SAMPLES = 4096
# A second look at the blocks, once the map inside them is known.
_ROUNDS = 2


@dataclass(frozen=True, kw_only=True)
class RecoveredLanes:
    """A plan that explains pairs.

    Args:
        plan: What it is thought to be.
        explained: Share of lanes of the known images that it explains exactly.
        certain: Share of lanes (of pixels or blocks, where their maps are listed) that no other hypothesis explains
            as well.
    """

    plan: LanePlan
    explained: float
    certain: float


def recover_lanes(
    structure: LaneStructure,
    plain: NDArray[np.uint8],
    encrypted: NDArray[np.uint8],
    *,
    budget: Budget | None = None,
    advance: Callable[[int, int], None] | None = None,
) -> RecoveredLanes:
    """Return the plan that explains pairs best.

    1. Blocks match by what no key changes: sorted folded lanes, ``min(v, top - v)``. 2. Lanes match by their values
    over all blocks and images, upright or flipped; a linear assignment uses each once. Where maps are listed, each is
    tried. 3. With the map known, blocks are matched again by what it makes of them.

    Args:
        structure: See `lane_structure`.
        plain: uint8 (q, H, W, C), laid out.
        encrypted: uint8 (q, H, W, C).
        budget: When it is spent, blocks with maps of their own that are not done yet keep their lanes.
        advance: Called with how many blocks with maps of their own are done, and of all.
    """
    known, seen = structure.split(plain), structure.split(encrypted)
    order = np.arange(known.shape[1])
    if structure.scrambled:
        order = match_marks(block_marks(known, top=structure.top), block_marks(seen, top=structure.top))
    source, flip, choice, certain = _maps(structure, known[:, order], seen, budget=budget, advance=advance)
    if structure.scrambled and structure.maps == "one":
        for _ in range(_ROUNDS):
            again = match_marks(_joined(known[..., source[0]] ^ flip[0]), _joined(seen))
            if np.array_equal(again, order):
                break
            order = again
            source, flip, choice, certain = _maps(structure, known[:, order], seen)
    plan = LanePlan(
        source=source,
        flip=flip,
        block_size=structure.grid.block,
        block_order=order if structure.scrambled else None,
        choice=choice,
        lane=structure.lane,
        grid=(structure.grid.rows, structure.grid.columns) if structure.scrambled or choice is not None else None,
    )
    explained = float((plan.apply(plain) == encrypted).mean())
    return RecoveredLanes(plan=plan, explained=explained, certain=certain)


def block_marks(blocks: Lanes, *, top: int) -> NDArray[np.uint8]:
    """Return what flips and shuffles of its lanes leave of each block: sorted folded lanes, (N, q * lanes).

    >>> block_marks(np.array([[[1, 250, 3]], [[9, 9, 9]]], np.uint8), top=255).tolist()
    [[1, 3, 5, 9, 9, 9]]
    """
    return _joined(np.sort(np.minimum(blocks, top - blocks), axis=-1))


def match_marks(known: NDArray[np.uint8], seen: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return for each seen block the known one, each once: equal marks first, then by the sum of differences.

    Args:
        known: Marks (N, k).
        seen: Marks (N, k).

    >>> match_marks(np.array([[1, 2], [3, 4], [5, 6]], np.uint8), np.array([[5, 6], [1, 2], [3, 5]], np.uint8)).tolist()
    [2, 0, 1]
    """
    order = np.full(len(seen), -1)
    places: dict[bytes, list[int]] = {}
    for block, mark in enumerate(known):
        places.setdefault(mark.tobytes(), []).append(block)
    for block, mark in enumerate(seen):
        # Blocks of equal marks are taken in their order: which is which nothing tells.
        if equal := places.get(mark.tobytes()):
            order[block] = equal.pop(0)
    open_seen, open_known = np.flatnonzero(order < 0), np.setdiff1d(np.arange(len(known)), order)
    if len(open_seen):
        costs = cdist(seen[open_seen].astype(np.float32), known[open_known].astype(np.float32), "cityblock")
        rows, columns = linear_sum_assignment(costs)
        order[open_seen[rows]] = open_known[columns]
    return order


def match_lanes(known: Lanes, seen: Lanes, *, top: int) -> tuple[NDArray[np.int64], NDArray[np.uint8], float]:
    """Return the source and the flip of each lane, and the share of lanes that have one best source.

    The cost of a source is ``sum_s |seen_s - known_s|``, or that of ``top - known_s``, whichever is less.

    Args:
        known: Values (S, L): samples are blocks and images that share one map.
        seen: Values (S, L) after the map.
        top: Largest value of a lane.
    """
    wanted, have = seen.T.astype(np.float64), known.T.astype(np.float64)
    upright, flipped = cdist(wanted, have, "cityblock"), cdist(wanted, top - have, "cityblock")
    costs = np.minimum(upright, flipped)
    source: NDArray[np.int64] = linear_sum_assignment(costs)[1].astype(np.int64)
    lanes = np.arange(len(source))
    flip = np.where(flipped[lanes, source] < upright[lanes, source], top, 0).astype(np.uint8)
    alone = (costs == costs.min(axis=1, keepdims=True)).sum(axis=1) == 1
    return source, flip, float(alone.mean())


def _maps(
    structure: LaneStructure,
    known: Lanes,
    seen: Lanes,
    *,
    budget: Budget | None = None,
    advance: Callable[[int, int], None] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64] | None, float]:
    """Return sources (T, L), flips (T, L), the choice of each block or None, and the share that is certain."""
    if structure.maps == "listed":
        choice, certain = _choose(structure, known, seen)
        return structure.sources, structure.flips, choice, certain
    if structure.maps == "one":
        samples = known.reshape(-1, structure.lanes)[:_SAMPLES], seen.reshape(-1, structure.lanes)[:_SAMPLES]
        source, flip, certain = match_lanes(*samples, top=structure.top)
        return source[None], flip[None], None, certain
    blocks = known.shape[1]
    sources, shares = np.tile(np.arange(structure.lanes), (blocks, 1)), np.zeros(blocks)
    flips = np.zeros(sources.shape, np.uint8)
    for block in range(blocks):
        if budget is not None and budget.spent:
            break
        found = match_lanes(known[:, block], seen[:, block], top=structure.top)
        sources[block], flips[block], shares[block] = found
        if advance:
            advance(block + 1, blocks)
    return sources, flips, np.arange(blocks), float(shares.mean())


def _choose(structure: LaneStructure, known: Lanes, seen: Lanes) -> tuple[NDArray[np.int64], float]:
    """Return the listed map of each block that explains it best, and the share of blocks with one best map."""
    costs = np.empty((known.shape[1], len(structure.sources)))
    wide = seen.astype(np.int16)
    for number, (source, flip) in enumerate(zip(structure.sources, structure.flips, strict=True)):
        made = known[..., source] ^ flip
        costs[:, number] = np.abs(wide - made).sum(axis=(0, 2), dtype=np.int64)
    if structure.one_order:
        # All blocks have one order: the one that explains them all, each with flips of its own.
        orders, group = np.unique(structure.sources, axis=0, return_inverse=True)
        group = group.reshape(-1)
        totals = [costs[:, group == number].min(axis=1).sum() for number in range(len(orders))]
        costs[:, group != int(np.argmin(totals))] = np.inf
    least = costs.min(axis=1, keepdims=True)
    certain = float(((costs == least).sum(axis=1) == 1).mean())
    return costs.argmin(axis=1).astype(np.int64), certain


def _joined(blocks: Lanes) -> NDArray[np.uint8]:
    """Return blocks of several images (q, N, k) as one row for each block, (N, q * k)."""
    return np.ascontiguousarray(blocks.transpose(1, 0, 2).reshape(blocks.shape[1], -1))
