"""States of a puzzle piece: how it may lie, be inverted and be recolored, as a finite group with its tables."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Images
from pixelveil.attacks.public_images.readings import turned

__all__ = ["BELOW", "RIGHT", "SIDES", "States", "turn_moves", "turn_product"]

Tables = NDArray[np.int64]

RIGHT, BELOW = 0, 1
SIDES = ((0, 1), (1, 0), (0, -1), (-1, 0))
"""Steps (row, column) to the neighbor on each side: right, below, left, above; the opposite of side a is ``a ^ 2``."""

_TURNS = 8


@cache
def turn_product() -> Tables:
    """Return which turn ``first`` after ``second`` is, (8, 8), turns numbered as in `readings.turned`.

    >>> int(turn_product()[1, 3]), int(turn_product()[4, 4])
    (0, 0)
    """
    seen = {_look(_marks(), (turn,)): turn for turn in range(_TURNS)}
    pairs = itertools.product(range(_TURNS), repeat=2)
    return np.array([seen[_look(_marks(), (second, first))] for first, second in pairs]).reshape(_TURNS, _TURNS)


@cache
def turn_moves() -> Tables:
    """Return on which side of a turned piece each side of the piece comes to lie, (8, 4)."""
    result = np.empty((_TURNS, len(SIDES)), np.int64)
    for turn, side in np.ndindex(result.shape):
        picture = np.zeros((1, 3, 3, 1), np.uint8)
        picture[0, 1 + SIDES[side][0], 1 + SIDES[side][1]] = 1
        row, column = np.argwhere(turned(picture, turn=turn)[0, :, :, 0])[0] - 1
        result[turn, side] = SIDES.index((int(row), int(column)))
    return result


def _marks() -> Images:
    return np.arange(9, dtype=np.uint8).reshape(1, 3, 3, 1)


def _look(images: Images, turns: tuple[int, ...]) -> bytes:
    for turn in turns:
        images = turned(images, turn=turn)
    return images.tobytes()


@dataclass(frozen=True, kw_only=True)
class States:
    """A group of states: turns and mirrors, inversions, orders of channels. State 0 is a piece as it is.

    A state acts on a piece, ``shown = s(piece)``; `product` is "first the second, then the first".

    Args:
        turns: 1 (pieces lie as they should) or 8 (turned and mirrored).
        signs: 1, or 2 if pieces may be inverted.
        orders: 1, or 6 if the three channels may have changed places.

    >>> States(turns=8, signs=2, orders=6).count
    96
    """

    turns: int = 1
    signs: int = 1
    orders: int = 1
    color_orders: tuple[tuple[int, ...], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        orders = tuple(itertools.permutations(range(3))) if self.orders > 1 else ((),)
        object.__setattr__(self, "color_orders", orders)

    @property
    def count(self) -> int:
        """Number of states."""
        return self.turns * self.signs * self.orders

    def parts(self) -> tuple[Tables, Tables, Tables]:
        """Return turn, sign (0 or 1) and number of the color order of every state, each (T,)."""
        turn, sign, order = np.unravel_index(np.arange(self.count), (self.turns, self.signs, self.orders))
        return turn, sign, order

    def product(self) -> Tables:
        """Return the table (T, T) of products: state ``[a, b]`` is first b, then a."""
        turn, sign, order = self.parts()
        colors = np.zeros((1, 1), np.int64)
        if self.orders > 1:
            places = {one: place for place, one in enumerate(self.color_orders)}
            pairs = itertools.product(self.color_orders, repeat=2)
            colors = np.array([places[tuple(b[c] for c in a)] for a, b in pairs]).reshape(self.orders, self.orders)
        turns = turn_product()[turn[:, None], turn[None]]
        signs = sign[:, None] ^ sign[None]
        return np.asarray((turns * self.signs + signs) * self.orders + colors[order[:, None], order[None]])

    def inverse(self) -> Tables:
        """Return the state that undoes each state, (T,)."""
        return np.asarray((self.product() == 0).argmax(axis=1))

    def moves(self) -> Tables:
        """Return on which side each side of a piece lies in each state, (T, 4)."""
        return turn_moves()[self.parts()[0]]

    def facing(self) -> Tables:
        """Return which side of a piece looks at the neighbor on whose side a it lies, (T, 4) by state and a."""
        return np.argsort(self.moves(), axis=1)[:, [2, 3, 0, 1]]

    def matrices(self) -> Tables:
        """Return the matrices (T, 2, 2) that turn steps (row, column) as each state turns pieces."""
        steps, moves = np.array(SIDES), self.moves()
        return np.stack([steps[moves[:, BELOW]], steps[moves[:, RIGHT]]], axis=2)

    def lanes(self, *, side: int, channels: int) -> Tables:
        """Return which value of a piece each value of it in a state is, (T, side * side * channels)."""
        numbers = np.arange(side * side * channels).reshape(1, side, side, channels)
        return np.stack(
            [
                turned(numbers, turn=turn)[..., list(order) or slice(None)].reshape(-1)
                for turn in range(self.turns)
                for _ in range(self.signs)
                for order in self.color_orders
            ]
        )

    def show(self, pieces: NDArray[np.uint8], states: Tables) -> NDArray[np.uint8]:
        """Return pieces in their states.

        Args:
            pieces: uint8 (..., N, B, B, C).
            states: (N,).
        """
        side, channels = pieces.shape[-2:]
        flat = pieces.reshape(*pieces.shape[:-3], -1)
        lanes = np.broadcast_to(self.lanes(side=side, channels=channels)[states], flat.shape)
        inverted = np.where(self.parts()[1][states] == 1, np.uint8(255), np.uint8(0))
        shown: NDArray[np.uint8] = np.take_along_axis(flat, lanes, axis=-1) ^ inverted[:, None]
        return shown.reshape(pieces.shape)
