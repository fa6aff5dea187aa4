"""Restricted permutations: a secret part of the places stays fixed, the rest is permuted."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError

__all__ = ["WHOLE", "check_fixed", "moved_places", "restrict", "restricted_key_bits"]

WHOLE = 1000
"""Parts are given in thousandths, so that they fit any size and yet hit 120 of 196 blocks and 500 of 768 values."""


def check_fixed(fixed: int) -> None:
    """Raise unless ``fixed`` is a number of thousandths.

    Raises:
        UsageError: It is not in 0..1000.
    """
    if not 0 <= fixed <= WHOLE:
        raise UsageError(f"fixed places are given in thousandths, 0 to {WHOLE}, not {fixed}")


def moved_places(size: int, *, fixed: int) -> int:
    """Return how many of ``size`` places are permuted: all but ``size * fixed / 1000``, rounded to the nearest.

    Args:
        size: Number of places.
        fixed: Thousandths of them that stay.

    >>> 196 - moved_places(196, fixed=612), 768 - moved_places(768, fixed=651)
    (120, 500)
    """
    return size - (2 * size * fixed + WHOLE) // (2 * WHOLE)


def restrict(permutations: NDArray[np.int32], *, fixed: int) -> NDArray[np.int32]:
    """Turn uniform permutations into restricted ones; both the fixed places and the order of the others are uniform.

    Of a permutation q the first m entries count, m = `moved_places`: they are the places that move. In increasing
    order s[0] < s[1] < ... these places gather from q[0], q[1], ...; with nothing fixed the result is q itself.

    Args:
        permutations: Integers (..., size), each row a permutation.
        fixed: Thousandths of the places that stay.

    Returns:
        int32 of the same shape: ``source[..., i]`` is the place that place i takes its content from.

    >>> restrict(np.array([2, 0, 3, 1]), fixed=500).tolist()
    [2, 1, 0, 3]
    """
    if not fixed:
        return permutations
    size = permutations.shape[-1]
    chosen = permutations[..., : moved_places(size, fixed=fixed)].astype(np.int32)
    source = np.empty(permutations.shape, np.int32)
    source[...] = np.arange(size)
    np.put_along_axis(source, np.sort(chosen, axis=-1).astype(np.intp), chosen, axis=-1)
    return source


def restricted_key_bits(size: int, *, fixed: int) -> float:
    """Return log2 of the number of permutations of ``size`` places that leave so many, or more, where they are.

    ``sum over k <= m of C(size, k) D(k)`` with D(k) the permutations of k places that leave none where it is.

    >>> round(restricted_key_bits(196, fixed=612)), round(restricted_key_bits(768, fixed=651))
    (553, 2491)
    """
    moved = moved_places(size, fixed=fixed)
    if moved == size:
        return math.lgamma(size + 1) / math.log(2)
    terms = [_log_choose(size, k) + _log_derangements(k) for k in range(moved + 1) if k != 1]
    largest = max(terms)
    return (largest + math.log(math.fsum(math.exp(term - largest) for term in terms))) / math.log(2)


def _log_choose(size: int, chosen: int) -> float:
    return math.lgamma(size + 1) - math.lgamma(chosen + 1) - math.lgamma(size - chosen + 1)


def _log_derangements(size: int) -> float:
    """Return ln D(size), size not 1: ``D(n) = n! (1 - 1/1! + 1/2! - ...)``, which is n!/e rounded."""
    share = math.fsum((-1) ** k / math.factorial(k) for k in range(min(size, 20) + 1))
    return math.lgamma(size + 1) + math.log(share)
