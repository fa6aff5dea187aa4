"""Put puzzle pieces together: trees of the surest joints, holes filled, and many such puzzles recombined."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Budget
from pixelveil.attacks.ciphertexts.jigsaw_costs import Costs
from pixelveil.attacks.ciphertexts.jigsaw_kernels import cheapest, fill, join, subtract_levels
from pixelveil.attacks.ciphertexts.jigsaw_states import States

__all__ = ["Assembly", "Search", "assemble"]

Whole = NDArray[np.int64]

# Partners of a side that are ever joined to it; more would be sorted in vain.
_PARTNERS = 8
# A quarter turn, counterclockwise.
_QUARTER = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Assembly:
    """Pieces in their places.

    Args:
        pieces: Which piece lies where, (layers, rows, columns).
        states: In which state, of the same shape.
        energy: Mean log cost of all joints, less the level of their sides: the lower, the surer.
        sure: Share of joints that are the best of both pieces.
    """

    pieces: Whole = field(repr=False)
    states: Whole = field(repr=False)
    energy: float = np.inf
    sure: float = 0.0

    def layer_turned(self, layer: int, *, state: int, group: States) -> Assembly:
        """Return the same with one layer in another state, as a whole; its shape must stay.

        Args:
            layer: Which one.
            state: What is done to it.
            group: That the states are of.
        """
        pieces, states = self.pieces.copy(), self.states.copy()
        turn = int(group.parts()[0][state])
        pieces[layer] = _turned_grid(self.pieces[layer], turn)
        states[layer] = group.product()[state, _turned_grid(self.states[layer], turn)]
        return Assembly(pieces=pieces, states=states, energy=self.energy, sure=self.sure)


@dataclass(frozen=True, kw_only=True)
class Search:
    """How long to search.

    Args:
        tries: Puzzles put together at most.
        patience: In a row without a better one.
        elite: How many of the best are recombined.
        noise: Standard deviation of what is added to log ratios, so that trees differ.
        forgotten: Share of the sure joints of one puzzle that are opened again.
    """

    tries: int = 600
    patience: int = 150
    elite: int = 16
    noise: float = 0.3
    forgotten: float = 0.15


def assemble(
    costs: Costs,
    *,
    shape: tuple[int, int],
    states: States,
    generator: np.random.Generator,
    layers: int = 1,
    start: Assembly | None = None,
    search: Search | None = None,
    budget: Budget | None = None,
) -> Assembly:
    """Return the arrangement of pieces with the lowest energy that is found.

    1. Joints are ordered by their cost over that of the next best joint of either side, and join pieces to groups, as
       long as nothing overlaps or leaves the frame (Kruskal's tree under constraints, Gallagher 2012).
    2. The largest group is kept, holes are filled, those with most neighbors first.
    3. The same with noise; then again and again what two of the best have in common is kept and the rest joined anew
       (after Sholomon et al., CVPR 2013). The energy decides: the sum of logarithms of costs, each less the level of
       second best joints of its two sides.

    Args:
        costs: float32 (4, N, N, T) of `pair_costs`; overwritten.
        shape: Rows and columns of the frame.
        states: In which pieces can lie.
        generator: Draws the noise.
        layers: How many such frames the pieces fill, N = layers * rows * columns.
        start: An arrangement to begin with.
        search: How long.
        budget: When it is spent the best so far is returned.

    Returns:
        An arrangement that fills the frames, always.
    """
    search = search or Search()
    puzzle = _Puzzle(costs=costs, shape=shape, states=states, layers=layers, generator=generator)
    found = [puzzle.scored(start.pieces, start.states)] if start is not None else []
    unchanged = 0
    for number in range(search.tries):
        if (found and found[0].sure == 1) or unchanged > search.patience or (number and budget and budget.spent):
            break
        child = (
            puzzle.joined(noise=search.noise if number else 0)
            if number < search.elite
            else _child(puzzle, found, search=search)
        )
        unchanged = unchanged + 1 if found and child.energy >= found[0].energy - 1e-9 else 0
        if all(abs(child.energy - one.energy) > 1e-9 for one in found):
            found = sorted([*found, child], key=lambda one: one.energy)[: search.elite]
    return found[0]


def _child(puzzle: _Puzzle, found: list[Assembly], *, search: Search) -> Assembly:
    """Return a new arrangement that keeps what two have in common, or most of the sure joints of one."""
    first, second = (found[int(place)] for place in puzzle.generator.integers(len(found), size=2))
    codes = puzzle.codes(first.pieces, first.states)
    if first is not second:
        codes = np.intersect1d(codes, puzzle.codes(second.pieces, second.states))
    else:
        kept = puzzle.generator.random(len(codes)) >= search.forgotten
        codes = codes[np.isin(codes, puzzle.mutual) & kept]
    return puzzle.joined(noise=search.noise, parent=first, codes=codes)


def _turned_grid(grid: Whole, turn: int) -> Whole:
    mirrored = grid[:, ::-1] if turn >= 4 else grid
    return np.rot90(mirrored, turn % 4)


@dataclass(kw_only=True, eq=False)
class _Puzzle:
    """Costs with what follows from them."""

    costs: Costs
    shape: tuple[int, int]
    states: States
    layers: int
    generator: np.random.Generator

    def __post_init__(self) -> None:
        self.number, self.count = self.costs.shape[1], self.states.count
        self.product, self.inverse = self.states.product(), self.states.inverse()
        self.moves, self.facing = self.states.moves(), self.states.facing()
        self.matrices = self.states.matrices()
        places, values = self._cheapest()
        # Costs of zero must not make logarithms infinite; far below what any wrong joint costs, they are all alike.
        finite = values[:, 1:][np.isfinite(values[:, 1:])]
        offset = 1e-3 * float(np.median(finite)) + 1e-9 if len(finite) else 1.0
        second = np.log(np.where(np.isfinite(values[:, 1]), values[:, 1], 0) + offset).astype(np.float32)
        self._order_joints(places, values, offset)
        subtract_levels(self.costs, offset, second.reshape(4, self.number), self.facing)

    def _cheapest(self) -> tuple[Whole, Costs]:
        rows = self.costs.reshape(4 * self.number, -1)
        keep = min(_PARTNERS + 1, rows.shape[1])
        places, values = np.empty((len(rows), keep), np.int64), np.empty((len(rows), keep), np.float32)
        cheapest(rows, places, values)
        return places, values

    def _order_joints(self, places: Whole, values: Costs, offset: float) -> None:
        """Set joints (M, 4), their log ratios (M,), and the codes of those that are the best of both sides."""
        side, i = np.divmod(np.arange(len(places)), self.number)
        j, state = np.divmod(places[:, :_PARTNERS], self.count)
        side, i = np.broadcast_to(side[:, None], j.shape), np.broadcast_to(i[:, None], j.shape)
        value = values[:, :_PARTNERS]
        back = self.facing[state, side] * self.number + j
        mine = np.where(np.arange(j.shape[1]) == 0, values[:, 1:2], values[:, :1])
        is_best = places[back, 0] == i * self.count + self.inverse[state]
        other = np.minimum(mine, np.where(is_best, values[back, 1], values[back, 0]))
        wanted = np.isfinite(value) & (i < j)
        with np.errstate(invalid="ignore"):
            self.weight = np.log(value + offset)[wanted] - np.log(np.minimum(other, 1e30) + offset)[wanted]
        self.joints = np.stack([i[wanted], side[wanted], j[wanted], state[wanted]], axis=1).astype(np.int64)
        codes = ((self.joints[:, 0] * 4 + self.joints[:, 1]) * self.number + self.joints[:, 2]) * self.count
        self.mutual = np.sort((codes + self.joints[:, 3])[self.weight < 0])

    def _pairs(self, pieces: Whole, states: Whole) -> tuple[Whole, Whole, Whole, Whole]:
        """Return piece, side, other piece and its relative state of all joints of an arrangement."""
        parts = []
        for side, (one, other) in enumerate(((np.s_[:, :, :-1], np.s_[:, :, 1:]), (np.s_[:, :-1], np.s_[:, 1:]))):
            undone = self.inverse[states[one].ravel()]
            relative = self.product[undone, states[other].ravel()]
            parts.append((pieces[one].ravel(), self.moves[undone, side], pieces[other].ravel(), relative))
        i, sides, j, relative = (np.concatenate(column) for column in zip(*parts, strict=True))
        return i, sides, j, relative

    def codes(self, pieces: Whole, states: Whole) -> Whole:
        """Return one number for each joint of an arrangement, the same however it is turned."""
        i, side, j, state = self._pairs(pieces, states)
        swap = i > j
        side, state = np.where(swap, self.facing[state, side], side), np.where(swap, self.inverse[state], state)
        i, j = np.where(swap, j, i), np.where(swap, i, j)
        return np.asarray(((i * 4 + side) * self.number + j) * self.count + state)

    def scored(self, pieces: Whole, states: Whole) -> Assembly:
        """Return an arrangement with its energy."""
        i, side, j, state = self._pairs(pieces, states)
        if not len(i):
            return Assembly(pieces=pieces, states=states, energy=0.0, sure=1.0)
        energy = float(self.costs[side, i, j, state].mean(dtype=np.float64))
        sure = float(np.isin(self.codes(pieces, states), self.mutual).mean())
        return Assembly(pieces=pieces, states=states, energy=energy, sure=sure)

    def joined(self, *, noise: float, parent: Assembly | None = None, codes: Whole | None = None) -> Assembly:
        """Return an arrangement joined from single pieces, or from parts of another that some joints hold together."""
        number, (rows, columns) = self.number, self.shape
        position, state, group = np.zeros((number, 2), np.int64), np.zeros(number, np.int64), np.arange(number)
        if parent is not None and codes is not None:
            _, row, column = np.indices(parent.pieces.shape).reshape(3, -1)
            position[parent.pieces.ravel()] = np.stack([row, column], axis=1)
            state[parent.pieces.ravel()] = parent.states.ravel()
            group = self._groups(codes)
        joints = self.joints
        if noise:
            shaken = self.weight + noise * self.generator.standard_normal(len(self.weight))
            joints = joints[np.argsort(shaken)]
        else:
            joints = joints[np.argsort(self.weight, kind="stable")]
        turnable = self.states.turns > 1
        tables = self.product, self.inverse
        join(joints, position, state, group, *tables, self.matrices, self.shape, turnable)
        layer = np.full(number, -1, np.int64)
        names, sizes = np.unique(group, return_counts=True)
        for place, name in enumerate(names[np.argsort(-sizes, kind="stable")[: self.layers]]):
            inside = group == name
            height, width = np.ptp(position[inside], axis=0) + 1
            if height > rows or width > columns:
                quarter = _QUARTER * self.states.signs * self.states.orders
                position[inside] = position[inside] @ self.matrices[quarter].T
                state[inside] = self.product[quarter, state[inside]]
            layer[inside] = place
        fill(self.costs, position, state, layer, *tables, self.moves, self.shape, self.layers)
        pieces, states = np.empty((2, self.layers, rows, columns), np.int64)
        for place in range(self.layers):
            inside = np.flatnonzero(layer == place)
            row, column = (position[inside] - position[inside].min(axis=0)).T
            pieces[place, row, column], states[place, row, column] = inside, state[inside]
        return self.scored(pieces, states)

    def _groups(self, codes: Whole) -> Whole:
        """Return which pieces joints hold together, (N,)."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        i, j = codes // (self.count * self.number * 4), codes // self.count % self.number
        joined = coo_matrix((np.ones(len(codes)), (i, j)), shape=(self.number, self.number))
        return np.asarray(connected_components(joined, directed=False)[1], np.int64)
