"""What it costs to put two puzzle pieces side by side: lowest where the picture goes on across the border."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.ciphertexts.jigsaw_states import SIDES, States, turn_moves, turn_product
from pixelveil.attacks.public_images.readings import turned
from pixelveil.compiled import compiled

__all__ = ["Costs", "Measure", "pair_costs"]

Measure = Literal["gradients", "prediction"]
Costs: TypeAlias = NDArray[np.float32]
Floats = NDArray[np.float64]
Compare = Callable[[slice, NDArray[np.float32]], None]

_MIDDLE = 127.5
_TURNS, _MIRROR = 8, 4
# Rows of pieces compared at a time, and how many of them tell the level of an image's costs.
_ROWS = 64


def pair_costs(
    pieces: NDArray[np.uint8], *, states: States, measure: Measure = "gradients", regularizer: float = 1.0
) -> Costs:
    """Return the cost of each piece, in each state, on each side of each other piece.

    "gradients" is the Mahalanobis gradient compatibility: the step across the border, compared with the steps just
    inside, ``sum_r (g_r - mu)' S^-1 (g_r - mu)``, from both pieces. S is their covariance together with dummy steps of
    0 and plus or minus ``regularizer``, in each channel and in all; of one channel it is a variance with such dummies,
    which is Tikhonov's regularization. It is quadratic in either piece's border, so that all pairs are one matrix
    product.

    "prediction" is ``sum_r |2 x_r1 - x_r2 - y_r1|``, the border of one piece extrapolated to the next, from both.

    Costs of several images whose pieces lie alike are divided by their medians and added up.

    Args:
        pieces: uint8 (n, N, B, B, C): piece i of every image has the same place and state.
        states: In which a piece can lie.
        measure: Which of the two.
        regularizer: Size of the dummy steps in grey levels.

    Returns:
        float32 (4, N, N, T): ``[a, i, j, s]`` is the cost of piece j in state s on side a of piece i; infinite for
        i = j.

    Source: Gallagher, CVPR (2012) (gradients); Paikin and Tal, CVPR (2015) (prediction); J. Imaging 12:65 (2026)
    (regularization of one channel); sums over images: the design study of this project.

    >>> pair_costs(np.zeros((1, 3, 4, 4, 3), np.uint8), states=States()).shape
    (4, 3, 3, 1)
    """
    number = pieces.shape[1]
    costs = np.zeros((len(SIDES), number, number, states.count), np.float32)
    for image in pieces:
        lines, scale = _lines(image, states=states), 1.0
        prepare = _by_gradients(lines, states=states, regularizer=regularizer)
        compare = prepare if measure == "gradients" else _by_prediction(lines, states=states)
        if len(pieces) > 1:
            sample = np.zeros((min(_ROWS, number), number, states.count), np.float32)
            compare(0)(slice(0, len(sample)), sample)
            scale = 1 / max(float(np.median(sample)), 1e-6)
        for side in range(len(SIDES)):
            fill = compare(side)
            for start in range(0, number, _ROWS):
                part = slice(start, min(start + _ROWS, number))
                found = np.zeros((part.stop - start, number, states.count), np.float32)
                fill(part, found)
                costs[side, part] += np.maximum(found, 0) * np.float32(scale)
    costs[:, np.arange(number), np.arange(number)] = np.inf
    return costs


def _lines(pieces: NDArray[np.uint8], *, states: States) -> NDArray[np.float32]:
    """Return the two first columns of pieces around middle gray, in every turn and color, (8, N, S * O, B, 2, C)."""
    centered = pieces.astype(np.float32) - np.float32(_MIDDLE)
    lines = np.stack([turned(centered, turn=turn)[:, :, :2] for turn in range(_TURNS)])
    colored = [lines[..., list(order) or slice(None)] for order in states.color_orders]
    signs = (1, -1)[: states.signs]
    return np.stack([one * np.float32(sign) for sign in signs for one in colored], axis=2)


def _borders(side: int, *, states: States) -> tuple[int, NDArray[np.int64]]:
    """Return the turn that makes a piece's side its mirrored first column, and those that make the others' sides it.

    The pair is turned until the side is on the right; then both borders are first columns, the left one mirrored.
    """
    upright = int(np.flatnonzero(turn_moves()[:_MIRROR, side] == 0)[0])
    compose = turn_product()
    return int(compose[_MIRROR, upright]), compose[upright, : states.turns]


def _by_gradients(lines: NDArray[np.float32], *, states: States, regularizer: float) -> Callable[[int], Compare]:
    """Return what compares borders by their gradients, for each side."""
    asks, offers = _features(lines, regularizer=regularizer)
    # A piece asks of the other and offers to it; the other does the same.
    own, other = np.concatenate([asks, offers], axis=-1), np.concatenate([offers, asks], axis=-1)
    number = lines.shape[1]

    def prepare(side: int) -> Compare:
        mine, theirs = _borders(side, states=states)
        values = np.ascontiguousarray(other[theirs].swapaxes(0, 1)).reshape(number * states.count, -1)

        def fill(part: slice, found: NDArray[np.float32]) -> None:
            found[:] = (np.ascontiguousarray(own[mine, part, 0]) @ values.T).reshape(found.shape)

        return fill

    return prepare


def _features(lines: NDArray[np.float32], *, regularizer: float) -> tuple[Floats, Floats]:
    """Return what a border asks of the other and what it offers, (..., F); the cost is their inner product.

    ``(y - t)' P (y - t) = y' P y - 2 (P t)' y + t' P t`` summed over rows, with t the expected border.
    """
    outer, inner = lines[..., 0, :].astype(np.float64), lines[..., 1, :].astype(np.float64)
    rows, channels = outer.shape[-2:]
    steps = outer - inner
    mean = steps.mean(axis=-2, keepdims=True)
    up = np.concatenate([np.eye(channels), np.ones((1, channels))])[: 4 if channels > 1 else 1]
    dummies = np.concatenate([np.zeros((1, channels)), up, -up]) * regularizer
    samples = np.concatenate([steps, np.broadcast_to(dummies, (*steps.shape[:-2], *dummies.shape))], axis=-2)
    samples -= samples.mean(axis=-2, keepdims=True)
    precision = np.linalg.inv(samples.swapaxes(-1, -2) @ samples / (rows + len(dummies) - 1))
    expected = outer + mean
    pulled, flat = expected @ precision, (*outer.shape[:-2], -1)
    constant = (pulled * expected).sum(axis=(-1, -2))[..., None]
    asks = np.concatenate([precision.reshape(flat), -2 * pulled.reshape(flat), constant], axis=-1)
    squares = (outer.swapaxes(-1, -2) @ outer).reshape(flat)
    return asks, np.concatenate([squares, outer.reshape(flat), np.ones_like(constant)], axis=-1)


def _by_prediction(lines: NDArray[np.float32], *, states: States) -> Callable[[int], Compare]:
    """Return what compares borders by extrapolation, for each side."""
    number, rest = lines.shape[1], lines.shape[3:]

    def prepare(side: int) -> Compare:
        mine, theirs = _borders(side, states=states)
        left = np.ascontiguousarray(lines[mine, :, 0])
        right = np.ascontiguousarray(lines[theirs].swapaxes(0, 1)).reshape(number, states.count, *rest)
        return lambda part, found: _predict(left[part], right, found)

    return prepare


@compiled
def _predict(left: NDArray[np.float32], right: NDArray[np.float32], costs: Costs) -> None:
    """Fill costs (n, N, T) of left borders (n, B, 2, C) and right ones (N, T, B, 2, C)."""
    number, count, rows, _, channels = right.shape
    for i in range(len(left)):
        for j in range(number):
            for state in range(count):
                total = np.float32(0)
                for row in range(rows):
                    for channel in range(channels):
                        x, before = left[i, row, 0, channel], left[i, row, 1, channel]
                        y, after = right[j, state, row, 0, channel], right[j, state, row, 1, channel]
                        total += abs(2 * x - before - y) + abs(2 * y - after - x)
                costs[i, j, state] = total
