"""Spread a batch over processors: the kernels hold no lock, so plain threads are enough."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

__all__ = ["for_slices", "processors"]

# Below this much work a thread costs more than it brings.
_BYTES_PER_THREAD = 2 << 20


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def for_slices(work: Callable[[slice], None], *, count: int, total_bytes: int, threads: int | None) -> None:
    """Call ``work`` on slices that together cover 0..count-1, in parallel where that pays.

    The pool lives for this call only: a pool kept in the module would hang in a forked data loader.

    Args:
        work: Called with a slice; must be free to run in a thread.
        count: Number of images.
        total_bytes: Size of the whole batch.
        threads: How many to use; None: as many as there are processors.
    """
    wanted = processors() if threads is None else threads
    workers = max(1, min(wanted, count, total_bytes // _BYTES_PER_THREAD))
    bounds = [count * k // workers for k in range(workers + 1)]
    slices = [slice(first, last) for first, last in pairwise(bounds)]
    if workers == 1:
        work(slices[0])
        return
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, slices):
            pass
