"""Find training images that the test side holds a copy of: by their pixels, by their looks, by their group."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.data.splits import difference_hash
from pixelveil.errors import UsageError

__all__ = ["Leaks", "find_leaks", "look_alikes"]

_BITS = 64
_ROWS = 512  # of the table of distances at a time: bounds the memory


@dataclass(frozen=True, kw_only=True)
class Leaks:
    """What train and test share.

    Args:
        train: bool (n,): which training images have a copy or near copy on the test side.
        exact: Training images whose pixels equal those of a test image.
        near: Further ones that look alike, or are of the same group.
        test: Test images that have a copy or near copy among the training images.
    """

    train: NDArray[np.bool_]
    exact: int
    near: int
    test: int


def find_leaks(
    train: NDArray[np.uint8],
    test: NDArray[np.uint8],
    *,
    distance: int = 2,
    train_groups: NDArray[Any] | None = None,
    test_groups: NDArray[Any] | None = None,
) -> Leaks:
    """Find what train and test share.

    Images are near copies if their difference hashes differ in few of 64 bits, or if a list puts them into one group.
    On small images the hash also takes some for copies that are none: a few training images too many are left out,
    which makes no result better than it is.

    Args:
        train: uint8 (n, H, W, 3).
        test: uint8 (m, H, W, 3).
        distance: Most bits in which the hashes of near copies differ, 0..64.
        train_groups: (n,), group of each image, where a list tells it.
        test_groups: (m,).

    Raises:
        UsageError: The distance is out of its range.

    >>> images = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
    >>> leaks = find_leaks(images[:4], images[3:])
    >>> leaks.train.tolist(), leaks.exact, leaks.near, leaks.test
    ([False, False, False, True], 1, 0, 1)
    """
    if not 0 <= distance <= 64:
        raise UsageError(f"distance {distance} is not between 0 and 64 bits")
    train_digests, test_digests = _digests(train), _digests(test)
    exact = np.isin(train_digests, test_digests)
    leaked, seen = look_alikes(_hashes(train), _hashes(test), distance=distance)
    if train_groups is not None and test_groups is not None:
        leaked |= np.isin(train_groups, test_groups)
        seen |= np.isin(test_groups, train_groups)
    leaked |= exact
    seen |= np.isin(test_digests, train_digests)
    return Leaks(train=leaked, exact=int(exact.sum()), near=int((leaked & ~exact).sum()), test=int(seen.sum()))


def look_alikes(
    left: NDArray[np.uint64], right: NDArray[np.uint64], *, distance: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which hashes of either side have one on the other side that differs in few bits.

    Args:
        left: uint64 (n,).
        right: uint64 (m,).
        distance: Most bits, 0..64.

    Returns:
        bool (n,) and bool (m,).

    >>> look_alikes(np.array([0, 255], np.uint64), np.array([1, 7, 2**63], np.uint64), distance=1)
    (array([ True, False]), array([ True, False,  True]))
    """
    ours, ours_at = np.unique(left, return_inverse=True)
    theirs, theirs_at = np.unique(right, return_inverse=True)
    ours_near, theirs_near = np.zeros(len(ours), bool), np.zeros(len(theirs), bool)
    for start in range(0, len(ours), _ROWS):
        # Of vectors of +1 and -1 the product is the number of equal entries minus that of different ones.
        near = _signs(ours[start : start + _ROWS]) @ _signs(theirs).T >= _BITS - 2 * distance
        ours_near[start : start + _ROWS] = near.any(axis=1)
        theirs_near |= near.any(axis=0)
    return ours_near[ours_at], theirs_near[theirs_at]


def _signs(hashes: NDArray[np.uint64]) -> NDArray[np.float32]:
    bits = np.unpackbits(np.ascontiguousarray(hashes).view(np.uint8).reshape(-1, _BITS // 8), axis=1)
    return 2 * bits.astype(np.float32) - 1


def _hashes(images: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return np.array([difference_hash(image) for image in images], np.uint64)


def _digests(images: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    # Hexadecimal digits: NumPy cuts trailing zero bytes off.
    return np.array([hashlib.sha256(image.tobytes()).hexdigest().encode() for image in images], "S64")
