"""Intervals: how far a mean or a share may be from what was measured. From SciPy; only the names are ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError

__all__ = ["Interval", "holm", "of_mean", "of_share"]

_RESAMPLES = 2000
_SEED = 20_190_517


@dataclass(frozen=True)
class Interval:
    """A figure with the interval that holds it.

    Args:
        value: What was measured.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float

    def __contains__(self, number: float) -> bool:
        return self.low <= number <= self.high


def of_mean(values: NDArray[Any], *, confidence: float = 0.95) -> Interval:
    """Return the mean of values with its bootstrap interval (bias-corrected and accelerated).

    Args:
        values: (n,), n at least 2.
        confidence: Share of intervals that hold the true mean.

    Raises:
        UsageError: Fewer than two values.

    Source: Efron, JASA 82 (1987).

    >>> found = of_mean(np.random.default_rng(0).normal(1, 1, 400))
    >>> 1.0 in found, 0.0 in found
    (True, False)
    """
    if len(values) < 2:
        raise UsageError(f"{len(values)} values have no interval")
    mean = float(np.mean(values))
    if np.ptp(values) == 0:
        return Interval(mean, mean, mean)
    from scipy.stats import bootstrap

    found = bootstrap(
        (values,),
        np.mean,
        confidence_level=confidence,
        n_resamples=_RESAMPLES,
        method="BCa",
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    return Interval(mean, float(found.low), float(found.high))


def of_share(hits: int, trials: int, *, confidence: float = 0.95) -> Interval:
    """Return a share with its exact (Clopper-Pearson) interval.

    Args:
        hits: 0 to trials.
        trials: At least 1.
        confidence: Share of intervals that hold the true share, or more.

    >>> of_share(0, 100).high < 0.04
    True
    """
    if not 0 <= hits <= trials or trials < 1:
        raise UsageError(f"{hits} of {trials} is no share")
    from scipy.stats import binomtest

    found = binomtest(hits, trials).proportion_ci(confidence_level=confidence, method="exact")
    return Interval(hits / trials, float(found.low), float(found.high))


def holm(confidence: float, count: int) -> Sequence[float]:
    """Return the confidences for ``count`` measures judged together, the strictest first (Holm 1979).

    The measure with the strongest effect is judged by the first, the next by the second, and so on, up to the
    first that shows nothing.

    >>> [round(one, 4) for one in holm(0.95, 3)]
    [0.9833, 0.975, 0.95]
    """
    return [1 - (1 - confidence) / (count - place) for place in range(count)]
