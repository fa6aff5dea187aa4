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
        squares = _squares((rows - self.center) / self.spread, self.rows)
        return np.asarray(np.exp(-squares / self.width) @ self.weights)

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
    values, center, spread = _standardized(rows)
    scale = width * _unit_width(values)
    kernel = np.exp(-_squares(values, values) / scale)
    weights = _weights(kernel, labels, classes=classes, strength=strength)
    return Classifier(rows=values, weights=weights, center=center, spread=spread, width=scale)


def cross_validated(rows: NDArray[np.float32], labels: NDArray[np.intp], *, classes: int) -> tuple[float, float, float]:
    """Return the share of right answers on rows held out, and the strength and width that reach it.

    Args:
        rows: (n, d).
        labels: (n,).
        classes: How many there are.
    """
    held = np.arange(len(rows)) % _FOLDS == 0
    values, center, spread = _standardized(rows[~held])
    asked = (rows[held] - center) / spread
    # Most of the time goes into distances, which all settings have in common.
    among, across, unit = _squares(values, values), _squares(asked, values), _unit_width(values)
    found = []
    for width in _WIDTHS:
        kernel, answers = np.exp(-among / (width * unit)), np.exp(-across / (width * unit))
        for strength in _STRENGTHS:
            scores = answers @ _weights(kernel, labels[~held], classes=classes, strength=strength)
            found.append((float(np.mean(scores.argmax(axis=1) == labels[held])), strength, width))
    return max(found)


def _standardized(rows: NDArray[np.float32]) -> tuple[Floats, Floats, Floats]:
    """Return rows with mean zero and variance one, the means, and the spreads; what never varies counts nothing."""
    values = rows.astype(np.float64)
    center, spread = values.mean(axis=0), values.std(axis=0)
    spread = np.where(spread > 1e-9, spread, np.inf)
    return (values - center) / spread, center, spread


def _unit_width(values: Floats) -> float:
    """Return the mean squared distance of two rows."""
    return max(2 * float(np.square(values).sum(axis=1).mean()), 1e-9)


def _weights(kernel: Floats, labels: NDArray[np.intp], *, classes: int, strength: float) -> Floats:
    targets = np.eye(classes)[labels] - 1 / classes
    return np.asarray(np.linalg.solve(kernel + strength * np.eye(len(kernel)), targets), np.float64)


def _squares(left: Floats, right: Floats) -> Floats:
    """Return squared distances of all pairs of rows."""
    squares = np.square(left).sum(axis=1)[:, None] + np.square(right).sum(axis=1)[None] - 2 * left @ right.T
    return np.asarray(np.maximum(squares, 0))
