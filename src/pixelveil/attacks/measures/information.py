"""Mutual information of values at the same place: what any reading of single values could tell."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.measures.batches import checked_pair

__all__ = ["mutual_information"]

_BINS = 16


def mutual_information(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mutual information, in bits a value, of each pair of images, both cut to 16 levels.

    The plug-in estimate minus its expected bias ``(k - 1)^2 / (2 n ln 2)`` for k levels in use and n values, so that
    unrelated images are near zero.

    Args:
        first: uint8 (n, H, W, C).
        second: uint8 of the same shape, or (1, H, W, C).

    Returns:
        float64 (n,), bits, up to 4; may be slightly negative.

    >>> image = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    >>> bool(mutual_information(image, image)[0] > 3)
    True
    """
    a, b = checked_pair(first, second)
    return np.array([_of_pair(x.reshape(-1) >> 4, y.reshape(-1) >> 4) for x, y in zip(a, b, strict=True)])


def _of_pair(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    joint = np.bincount(a.astype(np.intp) * _BINS + b, minlength=_BINS * _BINS).reshape(_BINS, _BINS) / len(a)
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    independent = rows[:, None] * columns
    used = joint > 0
    estimate = (joint[used] * np.log2(joint[used] / independent[used])).sum()
    freedom = (np.count_nonzero(rows) - 1) * (np.count_nonzero(columns) - 1)
    return float(estimate - freedom / (2 * len(a) * np.log(2)))
