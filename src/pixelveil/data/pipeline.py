"""Work spread over threads, in order, with a bounded amount of it in flight."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

__all__ = ["ordered_map"]

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def ordered_map(function: Callable[[_In], _Out], items: Iterable[_In], *, pool: Executor, ahead: int) -> Iterator[_Out]:
    """Apply ``function`` to every item in the pool; yield results in the order of the items.

    Args:
        function: Safe to call from several threads.
        items: Taken from the caller's thread, and only as fast as results are taken.
        pool: Where to run.
        ahead: Most results that are computed before they are asked for; this bounds the memory.

    Yields:
        One result per item.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor(2) as pool:
    ...     list(ordered_map(abs, [-3, 2, -1], pool=pool, ahead=1))
    [3, 2, 1]
    """
    waiting: deque[Future[_Out]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
