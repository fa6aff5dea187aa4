"""The inner loops of the puzzle solver: cheapest partners, trees of joints, filling of holes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pixelveil.compiled import compiled

__all__ = ["cheapest", "fill", "join", "subtract_levels"]

Whole = NDArray[np.int64]
Costs = NDArray[np.float32]

_FAR = 1 << 30


@compiled
def cheapest(costs: Costs, places: Whole, values: Costs) -> None:
    """Fill places and values (R, K) with the K smallest of each row of costs (R, M), in ascending order."""
    count, keep = places.shape
    for row in range(count):
        values[row] = np.inf
        places[row] = 0
        for place in range(costs.shape[1]):
            value = costs[row, place]
            if value < values[row, keep - 1]:
                at = keep - 1
                while at > 0 and values[row, at - 1] > value:
                    values[row, at], places[row, at] = values[row, at - 1], places[row, at - 1]
                    at -= 1
                values[row, at], places[row, at] = value, place


@compiled
def subtract_levels(costs: Costs, offset: float, levels: Costs, facing: Whole) -> None:
    """Replace costs (4, N, N, T) by their logarithms less the mean of both sides' levels (4, N), in place."""
    sides, number, _, count = costs.shape
    for side in range(sides):
        for i in range(number):
            for j in range(number):
                for state in range(count):
                    level = (levels[side, i] + levels[facing[state, side], j]) / 2
                    costs[side, i, j, state] = np.log(costs[side, i, j, state] + offset) - level


@compiled
def join(
    joints: Whole,
    position: Whole,
    state: Whole,
    group: Whole,
    product: Whole,
    inverse: Whole,
    matrices: Whole,
    shape: tuple[int, int],
    turnable: bool,
) -> None:
    """Join groups of pieces by joints (M, 4) = (piece, side, other piece, its state), the surest first.

    A joint is left out where groups would overlap or grow out of the frame. Positions (N, 2), states (N,) and groups
    (N,) are changed in place; positions and states are relative to the group's.
    """
    number, (rows, columns) = len(group), shape
    steps = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])
    taken = np.full((max(shape), max(shape)), -1, np.int64)
    members, moved, groups = np.zeros(number, np.int64), np.zeros((number, 2), np.int64), number
    for one in range(len(joints)):
        i, side, j, relative = joints[one]
        if group[i] == group[j]:
            continue
        wanted = product[state[i], relative]
        change = product[wanted, inverse[state[j]]]
        here, turn = matrices[state[i]], matrices[change]
        row = position[i, 0] + here[0, 0] * steps[side, 0] + here[0, 1] * steps[side, 1]
        column = position[i, 1] + here[1, 0] * steps[side, 0] + here[1, 1] * steps[side, 1]
        kept, gone, count = group[i], group[j], 0
        top, bottom, left, right = _FAR, -_FAR, _FAR, -_FAR
        for piece in range(number):
            if group[piece] == kept:
                y, x = position[piece]
            elif group[piece] == gone:
                down, along = position[piece, 0] - position[j, 0], position[piece, 1] - position[j, 1]
                y, x = row + turn[0, 0] * down + turn[0, 1] * along, column + turn[1, 0] * down + turn[1, 1] * along
                members[count], moved[count, 0], moved[count, 1] = piece, y, x
                count += 1
            else:
                continue
            top, bottom, left, right = min(top, y), max(bottom, y), min(left, x), max(right, x)
        height, width = bottom - top + 1, right - left + 1
        if not ((height <= rows and width <= columns) or (turnable and height <= columns and width <= rows)):
            continue
        for piece in range(number):
            if group[piece] == kept:
                taken[position[piece, 0] - top, position[piece, 1] - left] = one
        clash = False
        for place in range(count):
            clash = clash or taken[moved[place, 0] - top, moved[place, 1] - left] == one
        if clash:
            continue
        for place in range(count):
            piece = members[place]
            position[piece], state[piece], group[piece] = moved[place], product[change, state[piece]], kept
        groups -= 1
        if groups == 1:
            break


@compiled
def _cheapest_piece(
    costs: Costs, around: Whole, state: Whole, layer: Whole, product: Whole, inverse: Whole, moves: Whole
) -> tuple[float, int, int]:
    """Return the lowest mean cost over a cell's neighbors (4,), -1 for none, with the piece and state that have it."""
    number, count = costs.shape[1], costs.shape[3]
    sides, undone, near = np.zeros(4, np.int64), np.zeros(4, np.int64), 0
    for side in range(4):
        if around[side] >= 0:
            # The neighbor on this side of the cell sees the cell on the opposite one, turned back as it lies.
            undone[side] = inverse[state[around[side]]]
            sides[side] = moves[undone[side], side ^ 2]
            near += 1
    best, chosen, lying = np.inf, -1, 0
    for piece in range(number):
        if layer[piece] >= 0:
            continue
        for one in range(count):
            total = 0.0
            for side in range(4):
                if around[side] >= 0:
                    total += costs[sides[side], around[side], piece, product[undone[side], one]]
            if total < best * near or chosen < 0:
                best, chosen, lying = total / near, piece, one
    return best, chosen, lying


@compiled
def fill(
    costs: Costs,
    position: Whole,
    state: Whole,
    layer: Whole,
    product: Whole,
    inverse: Whole,
    moves: Whole,
    shape: tuple[int, int],
    layers: int,
) -> None:
    """Place the pieces that lie in no layer yet (-1), one by one: the cell with most neighbors, then the lowest cost.

    In each layer the frame slides until its size is reached. Positions, states and layers are changed in place.
    """
    number, (rows, columns) = len(layer), shape
    steps = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])
    size = (layers, 2 * rows + 2, 2 * columns + 2)
    grid = np.full(size, -1, np.int64)
    box = np.zeros((layers, 4), np.int64)
    box[:, :2], box[:, 2:] = _FAR, -_FAR
    left_over = 0
    for piece in range(number):
        if layer[piece] < 0:
            left_over += 1
            continue
        limits, (y, x) = box[layer[piece]], position[piece]
        limits[0], limits[1] = min(limits[0], y), min(limits[1], x)
        limits[2], limits[3] = max(limits[2], y), max(limits[3], x)
    for piece in range(number):
        if layer[piece] >= 0:
            limits = box[layer[piece]]
            position[piece, 0] += rows - (limits[2] - limits[0]) // 2 - limits[0]
            position[piece, 1] += columns - (limits[3] - limits[1]) // 2 - limits[1]
            grid[layer[piece], position[piece, 0], position[piece, 1]] = piece
    for one in range(layers):
        for axis in range(2):
            middle = rows if axis == 0 else columns
            length = box[one, axis + 2] - box[one, axis]
            box[one, axis] = middle - length // 2
            box[one, axis + 2] = box[one, axis] + length
    cost, near = np.full(size, np.inf), np.zeros(size, np.int64)
    chosen, lying = np.full(size, -1, np.int64), np.zeros(size, np.int64)
    stale, around = np.ones(size, np.bool_), np.zeros(4, np.int64)
    while left_over > 0:
        most, lowest, at, y, x = 0, np.inf, 0, 0, 0
        for one in range(layers):
            top, left, bottom, right = box[one]
            for row in range(max(1, bottom - rows + 1), min(size[1] - 1, top + rows)):
                for column in range(max(1, right - columns + 1), min(size[2] - 1, left + columns)):
                    cell = (one, row, column)
                    if grid[cell] >= 0:
                        continue
                    if stale[cell]:
                        near[cell] = 0
                        for side in range(4):
                            around[side] = grid[one, row + steps[side, 0], column + steps[side, 1]]
                            near[cell] += around[side] >= 0
                    if near[cell] == 0 or near[cell] < most:
                        continue
                    if stale[cell] or layer[chosen[cell]] >= 0:
                        for side in range(4):
                            around[side] = grid[one, row + steps[side, 0], column + steps[side, 1]]
                        cost[cell], chosen[cell], lying[cell] = _cheapest_piece(
                            costs, around, state, layer, product, inverse, moves
                        )
                        stale[cell] = False
                    if near[cell] > most or cost[cell] < lowest:
                        most, lowest, at, y, x = near[cell], cost[cell], one, row, column
        piece = chosen[at, y, x]
        grid[at, y, x], layer[piece], state[piece] = piece, at, lying[at, y, x]
        position[piece, 0], position[piece, 1] = y, x
        box[at, 0], box[at, 1] = min(box[at, 0], y), min(box[at, 1], x)
        box[at, 2], box[at, 3] = max(box[at, 2], y), max(box[at, 3], x)
        for side in range(4):
            stale[at, y + steps[side, 0], x + steps[side, 1]] = True
        left_over -= 1
