"""Quadratic assignment: give every column its place so that correlations fit those of public images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Budget

__all__ = ["fit_of", "improve_by_swaps", "matches", "relax_from"]

Matrix = NDArray[np.float64]
Places = NDArray[np.int64]


def fit_of(seen: Matrix, public: Matrix, places: Places) -> float:
    """Return ``sum_ij seen[i, j] public[p[i], p[j]]``."""
    return float((seen * public[np.ix_(places, places)]).sum())


def matches(
    seen: Matrix,
    public: Matrix,
    *,
    starts: int = 8,
    generator: np.random.Generator,
    budget: Budget | None = None,
) -> list[tuple[float, Places]]:
    """Return places p with a large ``sum_ij seen[i, j] public[p[i], p[j]]``, the best first, none twice.

    FAQ (Vogelstein et al., PLoS ONE 10(4), 2015) from the barycenter and from random starts, each followed by swaps.

    Args:
        seen: Symmetric (K, K).
        public: Symmetric (K, K).
        starts: How many.
        generator: Draws the random starts.
        budget: When it is spent no further start is made; the first always is.

    Returns:
        Pairs of the sum and the places (K,): column i belongs to place p[i].
    """
    from scipy.optimize import quadratic_assignment

    found: dict[bytes, tuple[float, Places]] = {}
    for start in range(starts):
        if start and budget is not None and budget.spent:
            break
        options = {
            "maximize": True,
            "P0": "randomized" if start else "barycenter",
            "maxiter": 30,
            "tol": 0.01,
            "rng": generator,
        }
        places = quadratic_assignment(seen, public, method="faq", options=options).col_ind.astype(np.int64)
        places = improve_by_swaps([seen], [public], places=places, budget=budget)
        found[places.tobytes()] = fit_of(seen, public, places), places
    return sorted(found.values(), key=lambda pair: -pair[0])


def relax_from(
    seen: Matrix, public: Matrix, *, places: Places, stray: float = 0.3, budget: Budget | None = None
) -> Places:
    """Return places after FAQ and swaps from a start near given ones.

    Args:
        seen: Symmetric (K, K).
        public: Symmetric (K, K).
        places: Where to start, (K,).
        stray: Share of the barycenter in the start, 0 to 1.
        budget: When it is spent no further swap is made.
    """
    from scipy.optimize import quadratic_assignment

    size = len(places)
    start = np.full((size, size), stray / size)
    start[np.arange(size), places] += 1 - stray
    options = {"maximize": True, "P0": start, "maxiter": 30, "tol": 0.01}
    found = quadratic_assignment(seen, public, method="faq", options=options).col_ind.astype(np.int64)
    return improve_by_swaps([seen], [public], places=found, budget=budget)


def improve_by_swaps(
    seen: Sequence[Matrix],
    public: Sequence[Matrix],
    *,
    places: Places,
    limit: int = 10_000,
    budget: Budget | None = None,
) -> Places:
    """Return places after the best swap of two, again and again, until no swap improves the sum.

    The sum is over pairs of matrices, ``sum_k sum_ij seen_k[i, j] public_k[p[i], p[j]]``; they need not be symmetric.

    Args:
        seen: Matrices (K, K).
        public: As many, in the same order.
        places: Where to start, (K,).
        limit: How many swaps at most.
        budget: When it is spent no further swap is made.

    >>> line = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0)))
    >>> improve_by_swaps([line], [line], places=np.array([1, 0, 2, 3])).tolist()
    [0, 1, 2, 3]
    """
    places = places.copy()
    least = 1e-9 * sum(float(np.abs(matrix).sum()) for matrix in seen)
    for _ in range(limit):
        if budget is not None and budget.spent:
            break
        gain = np.zeros((len(places), len(places)))
        for a, b in zip(seen, public, strict=True):
            gain += _gains(a, b[np.ix_(places, places)])
        one, other = np.unravel_index(int(gain.argmax()), gain.shape)
        if gain[one, other] <= least:
            break
        places[[one, other]] = places[[other, one]]
    return places


def _gains(a: Matrix, b: Matrix) -> Matrix:
    """Return how much ``sum(a * b)`` grows when rows and columns i and j of b change places, for all i, j."""
    gain = np.zeros_like(a)
    diagonal_a, diagonal_b = np.diag(a), np.diag(b)
    # Rows and columns are the same for the transposed matrices.
    for left, right in ((a, b), (a.T, b.T)):
        product = left @ right.T
        own = np.diag(product)
        gain += product + product.T - own[:, None] - own[None, :]
        # The sums above run over all k; those of k = i and k = j are of another form.
        gain -= (diagonal_a[:, None] - left.T) * (right.T - diagonal_b[:, None])
        gain -= (left - diagonal_a[None, :]) * (diagonal_b[None, :] - right)
    gain += (diagonal_a[:, None] - diagonal_a) * (diagonal_b - diagonal_b[:, None])
    gain += (a - a.T) * (b.T - b)
    return gain
