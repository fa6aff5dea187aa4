"""What it costs to put two puzzle pieces side by side: lowest where the picture goes on across the border."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.ciphertexts.jigsaw_states import SIDES, States, turn_moves, turn_product
from pixelveil.attacks.public_images.readings import turned
from pixelveil.compiled import compiled

__all__ = ["Measure", "pair_costs", "pooled_costs"]

Measure = Literal["gradients", "prediction"]
Costs = NDArray[np.float32]
Lines = NDArray[np.float32]

_MIDDLE = 127.5
_MIRROR = 4


def pooled_costs(
    pieces: NDArray[Any], *, states: States, measure: Measure = "gradients", regularizer: float = 1.0
) -> Costs:
    """Return costs of pieces that lie alike in several images: the sum over images, each divided by its median.

    Args:
        pieces: (n, N, B, B, C): piece i of every image has the same place and state.
        states: In which a piece can lie.
        measure: See `pair_costs`.
        regularizer: See `pair_costs`.

    Returns:
        float32 (4, N, N, T).
    """
    total: Costs | None = None
    for image in pieces:
        costs = pair_costs(image, states=states, measure=measure, regularizer=regularizer)
        if len(pieces) == 1:
            return costs
        costs /= max(float(np.median(costs[0, :: max(1, len(image) // 64)])), 1e-6)
        total = costs if total is None else np.add(total, costs, out=total)
    assert total is not None  # noqa: S101 (for the type checker: there is at least one image)
    return total


def pair_costs(
    pieces: NDArray[Any], *, states: States, measure: Measure = "gradients", regularizer: float = 1.0
) -> Costs:
    """Return the cost of each piece, in each state, on each side of each other piece.

    "gradients" is the Mahalanobis gradient compatibility: the step across the border, compared with the steps just
    inside, ``sum_r (g_r - mu)' S^-1 (g_r - mu)``, from both pieces. S is their covariance together with dummy steps of
    0 and plus or minus ``regularizer`` in each channel and in all; of one channel a variance with the same dummies,
    which is Tikhonov's regularization. It is quadratic in either piece's border, so that all pairs are one matrix
    product.

    "prediction" is ``sum_r |2 x_r1 - x_r2 - y_r1|``, the border of one piece extrapolated to the next, from both.

    Args:
        pieces: (N, B, B, C), 8-bit grey levels.
        states: In which a piece can lie.
        measure: Which of the two.
        regularizer: Size of the dummy steps in grey levels.

    Returns:
        float32 (4, N, N, T): ``[a, i, j, s]`` is the cost of piece j in state s on side a of piece i; infinite for
        i = j.

    Source: Gallagher, CVPR (2012) (gradients); Paikin and Tal, CVPR (2015) (prediction); J. Imaging 12:65 (2026)
    (regularization of one channel).

    >>> pair_costs(np.zeros((3, 4, 4, 3), np.uint8), states=States()).shape
    (4, 3, 3, 1)
    """
    number, count = len(pieces), states.count
    lines = _lines(pieces, turns=states.turns > 1)
    turn, _, _ = states.parts()
    compose, moves = turn_product(), turn_moves()
    costs = np.empty((len(SIDES), number, number, count), np.float32)
    for side in range(len(SIDES)):
        # The turn that brings this side to the right; then both borders are first columns, the left one mirrored.
        upright = int(np.flatnonzero(moves[:4, side] == 0)[0])
        left = lines[compose[_MIRROR, upright]][:, None]
        right = _colored(lines[compose[upright, turn]], states=states)
        if measure == "gradients":
            own, other = (_gradient_features(one, regularizer=regularizer) for one in (left, right))
            weights = np.concatenate(own, axis=-1).reshape(number, -1)
            values = np.concatenate(other[::-1], axis=-1).reshape(number * count, -1)
            costs[side] = (weights @ values.T).reshape(number, number, count)
        else:
            _predict(np.ascontiguousarray(left[:, 0]), np.ascontiguousarray(right), costs[side])
        costs[side, np.arange(number), np.arange(number)] = np.inf
    return np.maximum(costs, 0, out=costs)


def _lines(pieces: NDArray[Any], *, turns: bool) -> Lines:
    """Return the two first columns of turned pieces around middle gray, (8, N, B, 2, C)."""
    del turns
    centered = pieces.astype(np.float32) - np.float32(_MIDDLE)
    return np.stack([turned(centered, turn=turn)[:, :, :2] for turn in range(8)])


def _colored(lines: Lines, *, states: States) -> Lines:
    """Return lines of every state (N, T, B, 2, C), from those of its turn (T, N, B, 2, C)."""
    _, sign, order = states.parts()
    if states.orders > 1:
        gather = np.array(states.color_orders)[order]
        lines = np.take_along_axis(lines, gather[:, None, None, None, :], axis=4)
    if states.signs > 1:
        lines = lines * np.where(sign == 1, np.float32(-1), np.float32(1))[:, None, None, None, None]
    return np.ascontiguousarray(lines.swapaxes(0, 1))


def _gradient_features(lines: Lines, *, regularizer: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what a border asks of the other and what it offers; the cost is their inner product.

    ``(y - t)' P (y - t) = y' P y - 2 (P t)' y + t' P t`` summed over rows, with t the expected border.
    """
    outer, inner = lines[..., 0, :].astype(np.float64), lines[..., 1, :].astype(np.float64)
    rows, channels = outer.shape[-2:]
    steps = outer - inner
    mean = steps.mean(axis=-2, keepdims=True)
    ones = np.concatenate([np.zeros((1, channels)), np.eye(channels), np.ones((1, channels))])
    dummies = np.concatenate([ones, -ones[1:]] if channels > 1 else [ones[:2], -ones[1:2]]) * regularizer
    samples = np.concatenate([steps, np.broadcast_to(dummies, (*steps.shape[:-2], *dummies.shape))], axis=-2)
    samples = samples - samples.mean(axis=-2, keepdims=True)
    covariance = samples.swapaxes(-1, -2) @ samples / (rows + len(dummies) - 1)
    precision = np.linalg.inv(covariance)
    expected = outer + mean
    pulled = expected @ precision
    flat = (*outer.shape[:-2], -1)
    constant = (pulled * expected).sum(axis=(-1, -2))[..., None]
    asks = np.concatenate([precision.reshape(flat), -2 * pulled.reshape(flat), constant], axis=-1)
    squares = outer.swapaxes(-1, -2) @ outer
    offers = np.concatenate([squares.reshape(flat), outer.reshape(flat), np.ones_like(constant)], axis=-1)
    return asks, offers


@compiled
def _predict(left: Lines, right: Lines, costs: Costs) -> None:
    """Fill costs (N, N, T) of left borders (N, B, 2, C) and right ones (N, T, B, 2, C)."""
    number, count, rows, _, channels = right.shape
    for i in range(number):
        for j in range(number):
            for state in range(count):
                total = np.float32(0)
                for row in range(rows):
                    for channel in range(channels):
                        x, before = left[i, row, 0, channel], left[i, row, 1, channel]
                        y, after = right[j, state, row, 0, channel], right[j, state, row, 1, channel]
                        total += abs(2 * x - before - y) + abs(2 * y - after - x)
                costs[i, j, state] = total
