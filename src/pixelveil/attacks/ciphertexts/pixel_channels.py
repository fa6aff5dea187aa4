"""Which values of shuffled blocks are of one color channel, and which are of one pixel, from ciphertexts alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["matched_channels", "split_channels"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

_STARTS = 8
_SEED = 0
_STEPS = 20
_QUANTILES = np.linspace(0.02, 0.98, 25)
# Directions in which values differ within a channel, with their place: so many are left out, few at first.
_DIRECTIONS = (8, 12, 16)
# All values differ from each other in so many directions at most that matter here.
_COMPONENTS = 64


def split_channels(columns: Floats, *, channels: int) -> Whole:
    """Return the channel of each value, (L,), channels numbered in any order.

    Values of a channel are linked by neighbors that are alike: single linkage, cut at C clusters. Where that gives no
    equal clusters, channels are centers of equally many values instead: first by their quantiles over blocks, then by
    the values themselves, without the directions in which they differ *within* channels. Those are gradients inside
    blocks, which all channels share; what is left is color.

    Args:
        columns: (S, L): values in S blocks, in grey levels.
        channels: C; divides L.

    Source: the design study of this project (single linkage); equal centers: this project.
    """
    count = columns.shape[1]
    if channels == 1:
        return np.zeros(count, np.int64)
    linked = _linked(columns, channels=channels)
    if (np.bincount(linked, minlength=channels) == count // channels).all():
        return linked
    return _without_gradients(columns, _by_quantiles(columns, channels=channels), channels=channels)


def matched_channels(columns: Floats, *, labels: Whole) -> Whole:
    """Return which values are one pixel's, (C, P): what is left of a block without its mean color goes together.

    Args:
        columns: (S, L).
        labels: Channel of each value.
    """
    from scipy.optimize import linear_sum_assignment

    members = [np.flatnonzero(labels == channel) for channel in range(int(labels.max()) + 1)]
    details = []
    for places in members:
        detail = columns[:, places] - columns[:, places].mean(axis=1, keepdims=True)
        details.append(detail / np.maximum(np.linalg.norm(detail, axis=0), 1e-9))
    # Channels are chained so that the most alike are matched; with three, the one in the middle is the reference.
    likeness = np.array([[np.abs(a.T @ b).max(axis=1).mean() for b in details] for a in details])
    reference = int(likeness.sum(axis=1).argmax())
    result = np.empty((len(members), len(members[0])), np.int64)
    for channel, places in enumerate(members):
        partner = linear_sum_assignment(-(details[reference].T @ details[channel]))[1]
        result[channel] = members[reference] if channel == reference else places[partner]
    return result


def _linked(columns: Floats, *, channels: int) -> Whole:
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist

    tree = linkage(pdist(columns.T), "single")
    return np.asarray(fcluster(tree, channels, "maxclust") - 1, np.int64)


def _by_quantiles(columns: Floats, *, channels: int) -> Whole:
    """Return clusters of equal size by the distribution of values over blocks, the best of some starts."""
    features = np.quantile(columns, _QUANTILES, axis=0).T
    generator, best, lowest = np.random.default_rng(_SEED), np.zeros(len(features), np.int64), np.inf
    for _ in range(_STARTS):
        centers = features[generator.choice(len(features), channels, replace=False)]
        for _ in range(_STEPS):
            labels, cost = _equal(features, centers)
            before, centers = centers, _centers(features, labels, channels=channels)
            if np.allclose(centers, before):
                break
        if cost < lowest:
            best, lowest = labels, cost
    return best


def _without_gradients(columns: Floats, labels: Whole, *, channels: int) -> Whole:
    """Return clusters of equal size by what is left of values without the directions of most spread inside clusters."""
    values = columns.T - columns.T.mean(axis=0)
    scale, basis = np.linalg.eigh(values @ values.T)
    values = basis[:, -_COMPONENTS:] * np.sqrt(np.maximum(scale[-_COMPONENTS:], 0))
    for directions in _DIRECTIONS:
        for _ in range(_STEPS):
            inside = values - _centers(values, labels, channels=channels)[labels]
            spread = np.linalg.svd(inside, full_matrices=False)[2][:directions]
            left = values - (values @ spread.T) @ spread
            before = labels
            labels, _ = _equal(left, _centers(left, labels, channels=channels))
            if (labels == before).all():
                break
    return labels


def _centers(features: Floats, labels: Whole, *, channels: int) -> Floats:
    return np.stack([features[labels == channel].mean(axis=0) for channel in range(channels)])


def _equal(features: Floats, centers: Floats) -> tuple[Whole, float]:
    """Return clusters of equal size around centers, and their sum of squared distances.

    Every value goes to its nearest center; then the cheapest moves take what is too many in one to one with too few.
    """
    away = ((features[:, None] - centers[None]) ** 2).sum(axis=2)
    size, labels = len(features) // len(centers), away.argmin(axis=1)
    sizes = np.bincount(labels, minlength=len(centers))
    for full in np.argsort(-sizes):
        while sizes[full] > size:
            inside = np.flatnonzero(labels == full)
            dearer = away[inside] - away[inside, full][:, None]
            dearer[:, sizes >= size] = np.inf
            one, other = np.unravel_index(int(dearer.argmin()), dearer.shape)
            labels[inside[one]] = other
            sizes[full], sizes[other] = sizes[full] - 1, sizes[other] + 1
    return labels.astype(np.int64), float(away[np.arange(len(labels)), labels].sum())
