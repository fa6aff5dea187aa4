"""Hold images out for validation or testing, whole groups of near copies at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError

__all__ = ["hold_out"]


def hold_out(
    members: Sequence[int] | NDArray[np.int64],
    *,
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    share: float,
    seed: int = 0,
) -> NDArray[np.int64]:
    """Choose whole groups, in a random order, until each class has given its share but not more.

    Args:
        members: Indices to choose from.
        labels: Class of every image, shape (N,).
        groups: Number of every image's group, shape (N,); a group is chosen as a whole or not at all.
        share: Above 0 and below 1.
        seed: Decides the order.

    Returns:
        The chosen indices, sorted.

    Raises:
        UsageError: The share is out of its range.

    >>> labels, groups = np.array([0] * 10 + [1] * 10), np.arange(20) // 2
    >>> held = hold_out(np.arange(20), labels=labels, groups=groups, share=0.2)
    >>> len(held), sorted(labels[held].tolist())
    (4, [0, 0, 1, 1])
    """
    if not 0 < share < 1:
        raise UsageError(f"share {share} is not between 0 and 1")
    members = np.asarray(members, np.int64)
    inside: dict[int, list[int]] = {}
    for index in members.tolist():
        inside.setdefault(int(groups[index]), []).append(index)
    wanted = {label: share * np.count_nonzero(labels[members] == label) for label in np.unique(labels[members])}
    held: list[int] = []
    for number in np.random.default_rng(seed).permutation(sorted(inside)).tolist():
        label = labels[inside[number][0]]
        if len(inside[number]) <= wanted[label]:
            wanted[label] -= len(inside[number])
            held.extend(inside[number])
    return np.array(sorted(held), np.int64)
