"""Lower half bytes: noise to the eye, yet what the upper halves around them predict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.public_images.correlations import standardized

__all__ = ["Moments", "nibble_moments", "place_lower_nibbles"]

_MIDDLE = 7.5
# By how many standard errors a column must fit its place better than the next best to be believed.
_BELIEVED = 1.5


@dataclass(frozen=True, eq=False)
class Moments:
    """Public first and second moments from which predictions of lower halves follow, whichever of them are known.

    A value is ``u + w`` with ``u = 16 * upper + 7.5`` and ``w = lower - 7.5``.

    Args:
        mean_upper: Means of u, (L,).
        mean_lower: Means of w, (L,).
        upper: Covariances of u with u, (L, L).
        both: Covariances of u with w, (L, L).
        lower: Covariances of w with w, (L, L).
    """

    mean_upper: NDArray[np.float64]
    mean_lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    both: NDArray[np.float64]
    lower: NDArray[np.float64]


def nibble_moments(public: NDArray[np.uint8]) -> Moments:
    """Return the moments of halves of values of public blocks, uint8 (m, L)."""
    upper = 16.0 * (public >> 4) + _MIDDLE
    lower = (public & 15) - _MIDDLE
    mean_upper, mean_lower = upper.mean(axis=0), lower.mean(axis=0)
    upper, lower = upper - mean_upper, lower - mean_lower
    count = len(public)
    return Moments(
        mean_upper=mean_upper,
        mean_lower=mean_lower,
        upper=upper.T @ upper / count,
        both=upper.T @ lower / count,
        lower=lower.T @ lower / count,
    )


def place_lower_nibbles(
    upper: NDArray[np.uint8], columns: NDArray[np.uint8], *, moments: Moments, rounds: int = 8
) -> NDArray[np.uint8]:
    """Return whole values (S, L) from upper halves in place and lower halves in unknown order, some of them reversed.

    Public values teach to predict each lower half, linearly, from all upper ones (a value lies between its neighbors).
    Columns go to the places whose predictions they correlate with, a linear assignment; those that fit surely help to
    predict the others in the next round. Where no column is sure the prediction itself stands.

    Args:
        upper: Upper halves in the order of places, 0..15, (S, L).
        columns: Lower halves in unknown order, 0..15, (S, L).
        moments: Of public blocks, from `nibble_moments`.
        rounds: How often at most.
    """
    from scipy.optimize import linear_sum_assignment

    samples, lanes = upper.shape
    values = 16.0 * upper + _MIDDLE - moments.mean_upper
    candidates = standardized(columns)
    known, lower, placed = np.zeros(lanes), np.zeros((samples, lanes)), np.full(lanes, -1)
    for _ in range(rounds):
        guess = _predictions(moments, values, lower, known)
        fit = (standardized(guess).T @ candidates).astype(np.float64) / samples
        place, column = linear_sum_assignment(-np.abs(fit))
        reverse = fit[place, column] < 0
        lower = np.where(reverse, 15 - columns[:, column], columns[:, column]) - _MIDDLE
        rivals = np.abs(fit)
        own = rivals[place, column]
        rivals[place, column] = 0
        margin = own - np.maximum(rivals.max(axis=1), rivals[:, column].max(axis=0))
        sure = (margin * np.sqrt(samples) > _BELIEVED).astype(float)
        if (sure == known).all() and (column == placed).all():
            break
        known, placed = sure, column
    low = np.where(known > 0, lower, guess) + _MIDDLE
    return (16 * upper.astype(np.int64) + np.rint(low).clip(0, 15).astype(np.int64)).astype(np.uint8)


def _predictions(
    moments: Moments, values: NDArray[np.float64], lower: NDArray[np.float64], known: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the linear prediction of every lower half (S, L), -7.5..7.5, from all other values as far as known."""
    lanes = len(known)
    features = values + known * (lower - moments.mean_lower)
    cross = moments.both * known
    gram = moments.upper + cross + cross.T + moments.lower * np.outer(known, known)
    gram += 1e-3 * np.trace(gram) / lanes * np.eye(lanes)
    target = moments.both + moments.lower * known[:, None]
    weights = np.empty((lanes, lanes))
    for place in range(lanes):
        matrix, goal = gram.copy(), target[:, place].copy()
        # Of the value whose lower half is asked for only the upper half may be used.
        row = moments.upper[place] + cross[place]
        matrix[place], matrix[:, place] = row, row
        matrix[place, place] = moments.upper[place, place] * (1 + 1e-3)
        goal[place] = moments.both[place, place]
        weights[:, place] = np.linalg.solve(matrix, goal)
    diagonal = np.diag(weights)
    guess = features @ (weights - np.diag(diagonal)) + values * diagonal + moments.mean_lower
    return guess.clip(-_MIDDLE, _MIDDLE)
