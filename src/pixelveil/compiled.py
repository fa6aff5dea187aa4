"""How the inner loops are compiled: the same way everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

__all__ = ["compiled"]

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function on first use, keep the result on disk, release the interpreter lock while it runs.

    Args:
        function: A loop over arrays, in the part of Python that numba knows.

    Returns:
        The function, called as before.
    """
    result: Function = numba.njit(nogil=True, cache=True)(function)
    return result
