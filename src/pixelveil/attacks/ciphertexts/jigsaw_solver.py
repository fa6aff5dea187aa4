"""Put puzzle pieces together: trees of the surest joints under geometric constraints, trimmed, filled, and improved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.ciphertexts.jigsaw_costs import Costs
from pixelveil.attacks.ciphertexts.jigsaw_states import SIDES, States
from pixelveil.compiled import compiled

Whole = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Assembly:
    order: Whole
    state: Whole
    energy: float


def facing_sides(states):
    """[s, a]: side of a piece in state s that looks to the neighbor on whose side a it lies."""
    moves = states.moves()
    return np.argsort(moves, axis=1)[:, [2, 3, 0, 1]]


def joints(costs, states, keep=8):
    """Candidate joints, surest first: arrays i, a, j, s and ratio."""
    _, n, _, T = costs.shape
    flat = costs.reshape(4, n, n * T)
    k = min(keep + 1, n * T - T - 1)
    near = np.argpartition(flat, k, axis=2)[:, :, : k + 1]
    val = np.take_along_axis(flat, near, axis=2)
    o = np.argsort(val, axis=2, kind="stable")
    near = np.take_along_axis(near, o, axis=2)
    val = np.take_along_axis(val, o, axis=2)
    first, second = val[:, :, 0], val[:, :, 1]
    first_at = near[:, :, 0]
    a, i, c = np.indices(near[:, :, :keep].shape).reshape(3, -1)
    j, s = np.divmod(near[:, :, :keep].reshape(-1), T)
    v = val[:, :, :keep].reshape(-1)
    fac = facing_sides(states)[s, a]
    inv = states.inverse()[s]
    mine = np.where(c == 0, second[a, i], first[a, i])
    theirs = np.where(first_at[fac, j] == i * T + inv, second[fac, j], first[fac, j])
    ratio = (v + 1e-3) / (np.minimum(mine, theirs) + 1e-3)
    o = np.argsort(ratio, kind="stable")
    return i[o], a[o], j[o], s[o], ratio[o]


@compiled
def _join(ji, ja, jj, js, position, state, group, product, inverse, matrices, rows, columns, turnable):
    """Merge groups by joints in order; position (N,2), state (N,), group (N,) are changed in place."""
    n = len(group)
    span = 2 * max(rows, columns) + 3
    grid = np.full((span, span), -1, np.int64)
    members = np.zeros(n, np.int64)
    moved = np.zeros((n, 2), np.int64)
    steps = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])
    groups = n
    for e in range(len(ji)):
        i, a, j, s = ji[e], ja[e], jj[e], js[e]
        if group[i] == group[j]:
            continue
        target = product[state[i], s]
        change = product[target, inverse[state[j]]]
        m = matrices[state[i]]
        r = position[i, 0] + m[0, 0] * steps[a, 0] + m[0, 1] * steps[a, 1]
        c = position[i, 1] + m[1, 0] * steps[a, 0] + m[1, 1] * steps[a, 1]
        w = matrices[change]
        # bounding box of the first group and its cells
        gi, gj = group[i], group[j]
        top, bottom, left, right = 1 << 30, -(1 << 30), 1 << 30, -(1 << 30)
        count = 0
        for p in range(n):
            if group[p] == gi:
                top, bottom = min(top, position[p, 0]), max(bottom, position[p, 0])
                left, right = min(left, position[p, 1]), max(right, position[p, 1])
            elif group[p] == gj:
                dr, dc = position[p, 0] - position[j, 0], position[p, 1] - position[j, 1]
                moved[count, 0] = r + w[0, 0] * dr + w[0, 1] * dc
                moved[count, 1] = c + w[1, 0] * dr + w[1, 1] * dc
                members[count] = p
                count += 1
        otop, oleft = top, left
        for q in range(count):
            top, bottom = min(top, moved[q, 0]), max(bottom, moved[q, 0])
            left, right = min(left, moved[q, 1]), max(right, moved[q, 1])
        height, width = bottom - top + 1, right - left + 1
        if not ((height <= rows and width <= columns) or (turnable and height <= columns and width <= rows)):
            continue
        clash = False
        for p in range(n):
            if group[p] == gi:
                grid[position[p, 0] - top, position[p, 1] - left] = e
        for q in range(count):
            if grid[moved[q, 0] - top, moved[q, 1] - left] == e:
                clash = True
                break
        if clash:
            continue
        for q in range(count):
            p = members[q]
            position[p, 0], position[p, 1] = moved[q, 0], moved[q, 1]
            state[p] = product[change, state[p]]
            group[p] = gi
        groups -= 1
        if groups == 1:
            break


@compiled
def _fill(costs, position, state, placed, product, inverse, matrices, rows, columns):
    """Place the remaining pieces one by one, cells with most neighbors first; return nothing."""
    n, T = costs.shape[1], costs.shape[3]
    steps = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])
    # move to a grid with margins so that the frame can slide
    size_r, size_c = 2 * rows + 2, 2 * columns + 2
    grid = np.full((size_r, size_c), -1, np.int64)
    top, bottom, left, right = 1 << 30, -(1 << 30), 1 << 30, -(1 << 30)
    for p in range(n):
        if placed[p]:
            top, bottom = min(top, position[p, 0]), max(bottom, position[p, 0])
            left, right = min(left, position[p, 1]), max(right, position[p, 1])
    shift_r, shift_c = rows - (bottom - top) // 2 - top, columns - (right - left) // 2 - left
    left_over = 0
    for p in range(n):
        if placed[p]:
            position[p, 0] += shift_r
            position[p, 1] += shift_c
            grid[position[p, 0], position[p, 1]] = p
        else:
            left_over += 1
    top, bottom, left, right = top + shift_r, bottom + shift_r, left + shift_c, right + shift_c
    cell_cost = np.full((size_r, size_c), np.inf)
    cell_piece = np.full((size_r, size_c), -1, np.int64)
    cell_state = np.zeros((size_r, size_c), np.int64)
    cell_near = np.zeros((size_r, size_c), np.int64)
    dirty = np.ones((size_r, size_c), np.bool_)
    while left_over > 0:
        best_near, best_cost, br, bc = 0, np.inf, -1, -1
        for r in range(max(1, bottom - rows + 1), min(size_r - 1, top + rows)):
            for c in range(max(1, right - columns + 1), min(size_c - 1, left + columns)):
                if grid[r, c] >= 0:
                    continue
                if dirty[r, c] or (cell_piece[r, c] >= 0 and placed[cell_piece[r, c]]):
                    near = 0
                    for a in range(4):
                        if grid[r + steps[a, 0], c + steps[a, 1]] >= 0:
                            near += 1
                    cell_near[r, c] = near
                    dirty[r, c] = False
                    cell_piece[r, c] = -1
                    cell_cost[r, c] = np.inf
                    if near == 0:
                        continue
                    for p in range(n):
                        if placed[p]:
                            continue
                        for s in range(T):
                            total = 0.0
                            for a in range(4):
                                q = grid[r - steps[a, 0], c - steps[a, 1]]
                                if q < 0:
                                    continue
                                # side of q (own frame) on which the cell lies
                                u = inverse[state[q]]
                                m = matrices[u]
                                dr = m[0, 0] * steps[a, 0] + m[0, 1] * steps[a, 1]
                                dc = m[1, 0] * steps[a, 0] + m[1, 1] * steps[a, 1]
                                side = 0 if dc == 1 else (1 if dr == 1 else (2 if dc == -1 else 3))
                                total += costs[side, q, p, product[u, s]]
                            total /= near
                            if total < cell_cost[r, c]:
                                cell_cost[r, c] = total
                                cell_piece[r, c] = p
                                cell_state[r, c] = s
                if cell_near[r, c] > best_near or (cell_near[r, c] == best_near and cell_cost[r, c] < best_cost):
                    if cell_near[r, c] > 0:
                        best_near, best_cost, br, bc = cell_near[r, c], cell_cost[r, c], r, c
        p = cell_piece[br, bc]
        grid[br, bc] = p
        placed[p] = True
        position[p, 0], position[p, 1] = br, bc
        state[p] = cell_state[br, bc]
        left_over -= 1
        top, bottom, left, right = min(top, br), max(bottom, br), min(left, bc), max(right, bc)
        for a in range(4):
            dirty[br + steps[a, 0], bc + steps[a, 1]] = True


def logarithmic(costs):
    """Log costs less the level of both sides."""
    n, T = costs.shape[1], costs.shape[3]
    L = np.log(costs + 1e-2)
    L[:, np.arange(n), np.arange(n)] = 50
    return L


def matrices_of(states):
    mv = states.moves()
    st = np.array(SIDES)
    # columns: where the step down (1,0) and the step right (0,1) go
    return np.stack([st[mv[:, 1]], st[mv[:, 0]]], axis=2).astype(np.int64)


def energy_of(L, grid_piece, grid_state, product, inverse, moves):
    """Sum of L over adjacencies."""
    tot = 0.0
    for a, (x, y) in ((0, (np.s_[:, :-1], np.s_[:, 1:])), (1, (np.s_[:-1], np.s_[1:]))):
        i, j = grid_piece[x].ravel(), grid_piece[y].ravel()
        si, sj = grid_state[x].ravel(), grid_state[y].ravel()
        u = inverse[si]
        side = moves[u, a]
        tot += L[side, i, j, product[u, sj]].sum()
    return float(tot)


def solve(costs, *, rows, columns, states, rounds=6, trace=False):
    n, T = costs.shape[1], costs.shape[3]
    product, inverse, moves, matrices = states.product(), states.inverse(), states.moves(), matrices_of(states)
    ji, ja, jj, js, ratio = joints(costs, states)
    position, state, group = np.zeros((n, 2), np.int64), np.zeros(n, np.int64), np.arange(n)
    turnable = states.turns > 1
    _join(ji, ja, jj, js, position, state, group, product, inverse, matrices, rows, columns, turnable)
    L = normalized(costs, states)
    best = None
    mutual = ratio < 1
    key = set(zip(ji[mutual].tolist(), ja[mutual].tolist(), jj[mutual].tolist(), js[mutual].tolist()))
    for rnd in range(rounds):
        names, counts = np.unique(group, return_counts=True)
        main = names[counts.argmax()]
        placed = group == main
        span = np.ptp(position[placed], axis=0) + 1
        frame = (rows, columns)
        if span[0] > rows or span[1] > columns:
            frame = (columns, rows)
        if trace:
            print(rnd, "main", counts.max(), end=" ")
        pos, st = position.copy(), state.copy()
        _fill(L, pos, st, placed.copy(), product, inverse, matrices, *frame)
        pos = pos - pos.min(axis=0)
        if pos[:, 0].max() >= frame[0] or pos[:, 1].max() >= frame[1]:
            raise AssertionError
        gp, gs = np.empty(frame, np.int64), np.empty(frame, np.int64)
        gp[pos[:, 0], pos[:, 1]] = np.arange(n)
        gs[pos[:, 0], pos[:, 1]] = st
        e = energy_of(L, gp, gs, product, inverse, moves)
        if trace:
            print("energy", e)
        if best is not None and e >= best[0] - 1e-6:
            break
        best = (e, gp, gs)
        # keep what is joined by mutual best
        group = segments(gp, gs, key, product, inverse, moves)
        position, state = pos, st
    return best


def segments(gp, gs, key, product, inverse, moves):
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    n = gp.size
    I, J = [], []
    for a, (x, y) in ((0, (np.s_[:, :-1], np.s_[:, 1:])), (1, (np.s_[:-1], np.s_[1:]))):
        i, j = gp[x].ravel(), gp[y].ravel()
        u = inverse[gs[x].ravel()]
        side, r = moves[u, a], product[u, gs[y].ravel()]
        ok = np.array([k in key for k in zip(i.tolist(), side.tolist(), j.tolist(), r.tolist())])
        I.append(i[ok]); J.append(j[ok])
    I, J = np.concatenate(I), np.concatenate(J)
    return connected_components(coo_matrix((np.ones(len(I)), (I, J)), shape=(n, n)), directed=False)[1]


def normalized(costs, states):
    L = logarithmic(costs)
    n, T = costs.shape[1], costs.shape[3]
    low = np.partition(L.reshape(4, n, -1), 1, axis=2)[:, :, 1]  # second best (4, n)
    fac = facing_sides(states)
    for a in range(4):
        L[a] -= 0.5 * low[a][:, None, None] + 0.5 * low[fac[:, a]].T[None]
    return L
