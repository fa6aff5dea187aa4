"""A small classifier for the players: kernel ridge regression on class indicators, its settings by cross-validation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Classifier", "cross_validated", "fit_classifier"]

Floats = NDArray[np.float64]

_STRENGTHS = (1e-3, 1e-1, 10.0)
_WIDTHS = (0.3, 1.0, 3.0)
_FOLDS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Classifier:
    """``s(x) = k(x, X) A``, one score for each class; ``k(x, z) = exp(-|x - z|^2 / w)``.

    Args:
        rows: X, float64 (n, d), standardized.
        weights: A, (n, classes).
        center: Subtracted from numbers, (d,).
        spread: Then divided by, (d,).
        width: w, in squared distances.
    """

    rows: Floats = field(repr=False)
    weights: Floats = field(repr=False)
    center: Floats = field(repr=False)
    spread: Floats = field(repr=False)
    width: float

    def scores(self, rows: NDArray[np.float32]) -> Floats:
        """Return the scores of rows (m, d), (m, classes)."""
        return np.asarray(_kernel((rows - self.center) / self.spread, self.rows, width=self.width) @ self.weights)

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return the class with the highest score, (m,)."""
        return np.asarray(self.scores(rows).argmax(axis=1))


def fit_classifier(
    rows: NDArray[np.float32], labels: NDArray[np.intp], *, classes: int, strength: float, width: float = 1.0
) -> Classifier:
    """Return a classifier fitted on labeled rows.

    Args:
        rows: (n, d).
        labels: 0 to classes - 1, (n,).
        classes: How many there are.
        strength: Of the ridge; near 0 every training row gets its own label.
        width: Of the kernel, in mean squared distances of the rows.

    >>> rows = np.array([[0.0], [1.0], [5.0], [6.0]], np.float32)
    >>> fit_classifier(rows, np.array([0, 0, 1, 1]), classes=2, strength=1e-3)(rows).tolist()
    [0, 0, 1, 1]
    """
    values = rows.astype(np.float64)
    center, spread = values.mean(axis=0), values.std(axis=0)
    spread = np.where(spread > 1e-9, spread, np.inf)
    values = (values - center) / spread
    scale = width * max(2 * float(np.square(values).sum(axis=1).mean()), 1e-9)
    kernel = _kernel(values, values, width=scale)
    targets = np.eye(classes)[labels] - 1 / classes
    weights = np.asarray(np.linalg.solve(kernel + strength * np.eye(len(values)), targets), np.float64)
    return Classifier(rows=values, weights=weights, center=center, spread=spread, width=scale)


def cross_validated(rows: NDArray[np.float32], labels: NDArray[np.intp], *, classes: int) -> tuple[float, float, float]:
    """Return the share of right answers on rows held out, and the strength and width that reach it.

    Args:
        rows: (n, d).
        labels: (n,).
        classes: How many there are.
    """
    held = np.arange(len(rows)) % _FOLDS == 0
    found = []
    for width in _WIDTHS:
        for strength in _STRENGTHS:
            fitted = fit_classifier(rows[~held], labels[~held], classes=classes, strength=strength, width=width)
            found.append((float(np.mean(fitted(rows[held]) == labels[held])), strength, width))
    return max(found)


def _kernel(left: Floats, right: Floats, *, width: float) -> Floats:
    squares = np.square(left).sum(axis=1)[:, None] + np.square(right).sum(axis=1)[None] - 2 * left @ right.T
    return np.asarray(np.exp(-np.maximum(squares, 0) / width))
