"""A hard limit of time: an attack that does not look at its budget is stopped all the same."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pixelveil.errors import OutOfTimeError

__all__ = ["time_limit"]


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Stop the block when its time is up, between two steps of Python; a long call of a library ends first.

    Works in the main thread of systems that have an alarm (Linux, macOS). Elsewhere the block runs to its end.

    Args:
        seconds: How long it may take.

    Raises:
        OutOfTimeError: Time was up.

    >>> with time_limit(60):
    ...     1 + 1
    2
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise OutOfTimeError(f"did not end in its {seconds:.0f} s", hint="give more time: --budget")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
