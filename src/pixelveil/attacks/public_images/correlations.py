"""Correlations of columns, and what they tell about the order and the signs of the columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["correlation", "leading_signs", "most_correlated", "standardized", "with_values_of"]

Columns = NDArray[np.float32]


def standardized(columns: NDArray[Any], *, axis: int = 0) -> Columns:
    """Return columns with mean 0 and variance 1 along an axis, float32; constant ones are 0."""
    values = columns.astype(np.float32)
    values -= values.mean(axis=axis, keepdims=True)
    spread = values.std(axis=axis, keepdims=True)
    spread[spread <= 1e-6] = np.inf
    values /= spread
    return values


def correlation(columns: NDArray[Any]) -> NDArray[np.float64]:
    """Return the correlations (K, K) of columns (S, K).

    >>> correlation(np.array([[1, 2, 3], [2, 4, 2], [3, 6, 1]])).round(3).tolist()
    [[1.0, 1.0, -1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]
    """
    values = standardized(columns)
    result: NDArray[np.float64] = (values.T @ values).astype(np.float64) / len(values)
    return result


def most_correlated(correlations: NDArray[np.float64], *, count: int, top: int = 10) -> NDArray[np.int64]:
    """Return which ``count`` columns have the largest mean of their ``top`` absolute correlations, in ascending order.

    Upper halves of bytes follow their neighbors; lower ones are nearly noise.

    Args:
        correlations: (..., K, K).
        count: How many columns.
        top: How many partners count.
    """
    size = correlations.shape[-1]
    absolute = np.abs(correlations) * (1 - np.eye(size))
    strength = np.sort(absolute, axis=-1)[..., -top:].mean(axis=-1)
    return np.sort(np.argsort(-strength, axis=-1, kind="stable")[..., :count], axis=-1)


def leading_signs(correlations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the signs (..., K) of the leading eigenvectors of correlations (..., K, K).

    Natural values that are near each other correlate positively, so that a column against the others is inverted.
    Right up to one sign for all.
    """
    _, vectors = np.linalg.eigh(correlations)
    return np.where(vectors[..., -1] >= 0, 1.0, -1.0)


def with_values_of(correlations: NDArray[np.float64], like: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return correlations (K, K) in their own order of size but with the values of others.

    A photograph may be smoother than the public ones; its nearest columns are the nearest all the same.
    """
    upper = np.triu_indices(len(correlations), 1)
    values = np.empty(len(upper[0]))
    values[np.argsort(correlations[upper], kind="stable")] = np.sort(like[upper])
    result = np.eye(len(correlations))
    result[upper] = values
    result.T[upper] = values
    return result
