"""Time contestants in turn, so that a machine that drifts drifts for all of them."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

__all__ = ["on_cores", "rates", "time_in_turn"]


def time_in_turn(contestants: Mapping[str, Callable[[], Any]], *, rounds: int = 7) -> dict[str, list[float]]:
    """Return the seconds of each contestant in each round; one round more, the first, warms up and is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, run in contestants.items():
            start = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def rates(seconds: Mapping[str, list[float]], *, work: float, unit: str) -> dict[str, dict[str, float]]:
    """Return work per second of each contestant: the median of the rounds, and the best."""
    return {
        name: {
            f"median_{unit}": round(work / statistics.median(times), 3),
            f"best_{unit}": round(work / min(times), 3),
        }
        for name, times in seconds.items()
    }


@contextmanager
def on_cores(count: int) -> Iterator[int]:
    """Keep this process on its first ``count`` processors, as far as the system can; yield how many it has."""
    if not hasattr(os, "sched_setaffinity"):
        yield os.cpu_count() or 1
        return
    before = os.sched_getaffinity(0)
    chosen = set(sorted(before)[:count])
    os.sched_setaffinity(0, chosen)
    try:
        yield len(chosen)
    finally:
        os.sched_setaffinity(0, before)
