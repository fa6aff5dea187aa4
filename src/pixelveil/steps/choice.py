"""What steps that mix images or add noise share: members of a pool, Laplace numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.keys.stream import KeyStream
from pixelveil.steps.step import ImageShape

__all__ = ["check_size", "draw_distinct", "draw_laplace"]

# So many bits of a word make a uniform number: its middle, (w + 1/2) / 2^52, is exact and never 0 or 1.
_UNIFORM_BITS = 52


def draw_distinct(material: KeyMaterial, *, role: str, count: int, bound: int) -> NDArray[np.int64]:
    """Draw ``count`` different numbers of 0..bound-1 for every image, all choices equally likely.

    The number at place i is the ``r``-th of those not yet chosen, in increasing order, with r uniform below
    ``bound - i``.

    Args:
        material: Where the streams come from; place i reads that of role ``role/i``.
        role: Label of the streams.
        count: How many, at most ``bound``.
        bound: How many there are to choose from.

    Returns:
        int64 (n, count).

    >>> bool((np.sort(draw_distinct(KeyMaterial.ephemeral(9), role="a", count=4, bound=4)) == [0, 1, 2, 3]).all())
    True
    """
    chosen = np.empty((material.count, count), np.int64)
    for place in range(count):
        number = material.stream(f"{role}/{place}").integers(1, bound=bound - place)[:, 0].astype(np.int64)
        for earlier in np.sort(chosen[:, :place], axis=1).T:
            number += number >= earlier
        chosen[:, place] = number
    return chosen


def draw_laplace(stream: KeyStream, size: int) -> NDArray[np.float64]:
    """Draw numbers with density ``exp(-|z|) / 2``; so exact as 52 bits are, and never beyond 37.

    ``z = -sign(u - 1/2) ln(1 - |2u - 1|)`` with ``u = (w + 1/2) / 2^52``, w the upper 52 bits of an 8-byte
    little-endian word of the stream.

    Args:
        stream: Read here, once.
        size: How many per stream.

    Returns:
        float64 (n, size).
    """
    words: NDArray[Any] = stream.bytes(8 * size).view("<u8") >> np.uint64(64 - _UNIFORM_BITS)
    centered = 2 * ((words.astype(np.float64) + 0.5) / 2.0**_UNIFORM_BITS) - 1
    numbers: NDArray[np.float64] = -np.sign(centered) * np.log(1 - np.abs(centered))
    return numbers


def check_size(shape: ImageShape, *, pool: NDArray[Any] | None) -> None:
    """Raise unless images have the size of those of a pool.

    Args:
        shape: (H, W, C) of the images.
        pool: (n, H, W, C), or None where any size will do.

    Raises:
        UsageError: They have another size.
    """
    if pool is None or shape == pool.shape[1:]:
        return
    (height, width, channels), (tall, wide, planes) = shape, pool.shape[1:]
    raise UsageError(
        f"images are {height}x{width} with {channels} channels, those of the pool {tall}x{wide} with {planes}",
        hint=f"bring them to this size: --size {tall}" if tall == wide else "fit another pool",
    )
