"""NPCR and UACI: how much of a ciphertext changes with one pixel, or one bit of the key."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.measures.batches import checked_pair

__all__ = ["Critical", "critical_values", "npcr", "uaci"]

Floats = NDArray[np.float64]

_F = 255.0


def npcr(first: NDArray[Any], second: NDArray[Any]) -> Floats:
    """Return the share of values that differ in each pair; 0.996094 for independent uniform noise.

    Args:
        first: uint8 (n, H, W, C).
        second: uint8 of the same shape.

    Source: Wu, Noonan and Agaian, "NPCR and UACI randomness tests for image encryption" (2011).
    """
    a, b = checked_pair(first, second)
    result: Floats = (a != b).reshape(len(a), -1).mean(axis=1)
    return result


def uaci(first: NDArray[Any], second: NDArray[Any]) -> Floats:
    """Return the mean absolute difference of each pair as a share of 255; 0.334635 for independent uniform noise.

    Args:
        first: uint8 (n, H, W, C).
        second: uint8 of the same shape.

    Source: as `npcr`.
    """
    a, b = checked_pair(first, second)
    difference = np.abs(a.astype(np.float64) - b)
    return np.asarray(difference.reshape(len(a), -1).mean(axis=1) / _F)


@dataclass(frozen=True)
class Critical:
    """Between which values NPCR and UACI of two images of noise lie, but for a share alpha.

    Args:
        npcr: Lower bound.
        uaci: Lower and upper bound.
    """

    npcr: float
    uaci: tuple[float, float]


def critical_values(values: int, *, alpha: float = 0.05) -> Critical:
    """Return the bounds for images of a number of values.

    ``NPCR* = (F - q(1 - alpha) sqrt(F / n)) / (F + 1)``; UACI has mean ``(F + 2) / (3 F + 3)`` and variance
    ``(F + 2)(F^2 + 2 F + 3) / (18 (F + 1)^2 n F)``, F = 255.

    Args:
        values: n, height times width times channels.
        alpha: Share of pairs of noise that may lie outside.

    >>> round(critical_values(65536).npcr, 6)
    0.995693
    """
    from scipy.stats import norm

    lower = (_F - norm.ppf(1 - alpha) * math.sqrt(_F / values)) / (_F + 1)
    middle = (_F + 2) / (3 * _F + 3)
    spread = math.sqrt((_F + 2) * (_F**2 + 2 * _F + 3) / (18 * (_F + 1) ** 2 * values * _F))
    reach = norm.ppf(1 - alpha / 2) * spread
    return Critical(npcr=float(lower), uaci=(float(middle - reach), float(middle + reach)))
