"""The rehearsal: the player encrypts images under keys of their own and sees which numbers a new key leaves alone.

All schemes are public but for the key. So what tells images apart under any key can be learned without the victim's:
of each reading, numbers that vary from image to image but not from key to key count, the others do not (linear
discriminant analysis with images as classes). The reading that finds most images again in the rehearsal is played.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Budget, Images
from pixelveil.attacks.games.readings import Reading, readings_for
from pixelveil.attacks.games.referee import Encrypt, new_key
from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme

__all__ = ["Ruler", "Rulers", "calibrated", "nearest", "rehearse", "similarity", "stand_in"]

Floats = NDArray[np.float32]
Kind = Literal["single numbers", "discriminant"]
KINDS: tuple[Kind, ...] = ("single numbers", "discriminant")

# More images make the rehearsal slower, not better.
_MOST = 512
_PARTS = 4
_RANK = 128
_FLOOR = 1e-4
_NEAREST = 10
_FITTED = ("pool", "basis")
_OF_BUDGET = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class Ruler:
    """How alike two encrypted images are, whatever their keys.

    Args:
        name: Of the reading.
        kind: Whether numbers count one by one or in linear combinations.
        reading: What is looked at.
        weights: (d,) or (d, p): squared distances after these count.
        rehearsed: Share of images found again in the rehearsal, of images that the weights do not come from.
        area: How often an image was more like itself than like another one; where nothing is found again it decides.
    """

    name: str
    kind: Kind
    reading: Reading = field(repr=False)
    weights: Floats = field(repr=False)
    rehearsed: float
    area: float = 0.5

    def __call__(self, *encryptions: Images) -> Floats:
        """Return coordinates (n, p) of a set of images, from one encryption of each or the mean over several."""
        rows = _standardized(_mean(self.reading, encryptions))
        return np.asarray(rows * self.weights if self.weights.ndim == 1 else rows @ self.weights, np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class Rulers:
    """What a rehearsal gives.

    Args:
        best: The ruler to play with.
        shares: What each reading that was tried finds again, for the record.
        encrypt: Makes an encryption under a fresh key of the player's own; None where the scheme cannot be rehearsed.
    """

    best: Ruler
    shares: Mapping[str, float]
    encrypt: Callable[[], Encrypt] | None = field(default=None, repr=False)


def stand_in(scheme: Scheme, *, public: Images) -> Callable[[], Encrypt] | None:
    """Return what makes a key of the player's own; None where the scheme needs what no player has.

    A pool of images or a basis is made from public images in place of the secret ones; trained weights have no
    stand-in.

    Args:
        scheme: Without its asset.
        public: uint8 (m, H, W, C).
    """
    own = scheme
    if scheme.needs_asset:
        if not set(_FITTED) & set(scheme.asset_kinds):
            return None
        try:
            own = scheme.bind(type(scheme).fit(public, settings=scheme.parameters))
        except UsageError:
            return None
    return lambda: new_key(own)


def rehearse(
    scheme: Scheme, images: Images, *, public: Images, encryptions: int = 1, budget: Budget | None = None
) -> Rulers:
    """Return the ruler that finds images best under new keys.

    Args:
        scheme: Without its asset.
        images: uint8 (n, H, W, C), which the player encrypts twice.
        public: uint8 (m, H, W, C), for the stand-in of an asset.
        encryptions: Of each image on either side, whose readings are averaged.
        budget: When half of what is left of it is spent, readings that are left are not tried.
    """
    clock = None if budget is None else Budget(seconds=_OF_BUDGET * budget.left)
    shape: tuple[int, int, int] = images.shape[1:]
    few = images[:_MOST]
    make = stand_in(scheme, public=public)
    if make is None:
        return Rulers(best=_plain_ruler(scheme, few), shares={})
    # Every part has two keys of its own, so that nothing which two keys have in common by chance is learned.
    parts = np.array_split(few, min(_PARTS, len(few) // 2))
    under = [[_several(make, part, count=encryptions) for _ in range(2)] for part in parts]
    found: list[Ruler] = []
    for name, reading in readings_for(scheme, shape=shape).items():
        if found and clock is not None and clock.spent:
            break
        both = [
            (_standardized(_mean(reading, first)), _standardized(_mean(reading, second))) for first, second in under
        ]
        found.extend(_fitted(name, kind, reading, both) for kind in KINDS)
        if max(min(ruler.rehearsed, ruler.area) for ruler in found) == 1:
            break  # nothing that comes later is better
    best = max(found, key=lambda ruler: (ruler.rehearsed, ruler.area))
    shares = {name: max(one.rehearsed for one in found if one.name == name) for name in (one.name for one in found)}
    return Rulers(best=best, shares=shares, encrypt=make)


def similarity(rows: Floats, columns: Floats) -> NDArray[np.float64]:
    """Return how alike the coordinates of two sets are, (n, m): minus squared distances.

    >>> similarity(np.array([[0.0], [3.0]], np.float32), np.array([[1.0]], np.float32)).tolist()
    [[-1.0], [-4.0]]
    """
    left, right = rows.astype(np.float64), columns.astype(np.float64)
    squares = np.square(left).sum(axis=1)[:, None] + np.square(right).sum(axis=1)[None]
    return np.asarray(np.minimum(2 * left @ right.T - squares, 0))


def calibrated(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return scores of pairs less what either image has with its nearest ones, so that one threshold serves all pairs.

    ``2 s_ij - r_i - c_j``, with the means of the ten best scores of row and column. Source: Conneau et al., ICLR
    (2018), cross-domain similarity local scaling.

    Args:
        scores: (n, m).

    >>> calibrated(np.array([[0.0, -4.0], [-9.0, -1.0]])).tolist()
    [[6.5, -3.5], [-8.5, 5.5]]
    """
    rows, columns = (
        np.sort(scores, axis=axis).take(range(-min(_NEAREST, scores.shape[axis]), 0), axis=axis).mean(axis=axis)
        for axis in (1, 0)
    )
    return np.asarray(2 * scores - rows[:, None] - columns[None])


def nearest(rows: Floats, columns: Floats, *, one_to_one: bool = True) -> NDArray[np.intp]:
    """Return for each column the row that it is.

    Args:
        rows: Coordinates (n, p).
        columns: Coordinates (m, p).
        one_to_one: Whether no row is taken twice, which needs n = m; else the nearest.
    """
    scores = similarity(rows, columns)
    if not one_to_one or len(rows) != len(columns):
        return np.asarray(scores.argmax(axis=0))
    from scipy.optimize import linear_sum_assignment

    found, places = linear_sum_assignment(scores, maximize=True)
    answer = np.empty(len(columns), np.intp)
    answer[places] = found
    return answer


def _several(make: Callable[[], Encrypt], images: Images, *, count: int) -> tuple[Images, ...]:
    """Return encryptions of images under one new key (which under some policies is a key for each image)."""
    encrypt = make()
    return tuple(encrypt(images) for _ in range(count))


def _mean(reading: Reading, encryptions: Sequence[Images]) -> Floats:
    """Return the mean of what several encryptions of the same images show."""
    rows = reading(encryptions[0])
    for one in encryptions[1:]:
        rows = rows + reading(one)
    return np.asarray(rows / len(encryptions), np.float32)


def _fitted(name: str, kind: Kind, reading: Reading, parts: Sequence[tuple[Floats, Floats]]) -> Ruler:
    """Return a ruler with weights from all parts, tried out on half of them with weights from the other half."""
    trial = _weigh(kind, parts[: len(parts) // 2] or parts)
    found = []
    for first, second in parts[len(parts) // 2 :]:
        scores = similarity(_apply(first, trial), _apply(second, trial))
        own = np.diagonal(scores)
        others = scores - np.diag(np.full(len(own), np.inf))
        found.append((np.mean(own > others.max(axis=0)), np.mean(others < own[None])))
    hits, area = (round(float(one), 6) for one in np.mean(found, axis=0))
    return Ruler(name=name, kind=kind, reading=reading, weights=_weigh(kind, parts), rehearsed=hits, area=area)


def _weigh(kind: Kind, parts: Sequence[tuple[Floats, Floats]]) -> Floats:
    """Return the weights of standardized rows (n, d) of the same images under two keys, several such parts."""
    first, second = (np.concatenate(side) for side in zip(*parts, strict=True))
    if kind == "single numbers":
        kept = np.mean(first * second, axis=0)  # correlation of a number under one key and another
        kept = np.where(kept > 2 / np.sqrt(len(first)), kept, 0)
        weights = np.sqrt(kept / np.maximum(1 - kept, _FLOOR))
        return np.asarray(weights, np.float32)
    mean, noise = (first + second) / 2, (first - second) / np.sqrt(2)
    rank = min(_RANK, len(mean) - 1, mean.shape[1])
    _, values, vectors = np.linalg.svd(mean, full_matrices=False) if mean.shape[1] <= _RANK else _leading(mean, rank)
    basis = vectors[:rank].T[:, values[:rank] > 0]
    spread = noise @ basis
    within = spread.T @ spread / len(spread)
    floor = _FLOOR * max(float(np.mean(np.square(mean @ basis))), 1e-9) + 0.01 * float(np.trace(within)) / len(within)
    variances, directions = np.linalg.eigh(within + floor * np.eye(len(within)))
    return np.asarray(basis @ (directions / np.sqrt(variances)), np.float32)


def _leading(rows: Floats, rank: int) -> tuple[Floats, Floats, Floats]:
    """Return as `numpy.linalg.svd` the strongest components of long rows, by their inner products."""
    squares, vectors = np.linalg.eigh((rows @ rows.T).astype(np.float64))
    values = np.sqrt(np.maximum(squares[::-1][:rank], 0))
    left = vectors[:, ::-1][:, :rank].astype(np.float32)
    right = left.T @ rows / np.maximum(values, 1e-6)[:, None]
    return left, values.astype(np.float32), right.astype(np.float32)


def _apply(rows: Floats, weights: Floats) -> Floats:
    return rows * weights if weights.ndim == 1 else rows @ weights


def _standardized(rows: Floats) -> Floats:
    """Return numbers with mean zero and variance one over the set: what a key does to all images alike is gone."""
    centered = rows - rows.mean(axis=0)
    spread = centered.std(axis=0)
    return np.asarray(np.where(spread > 1e-6, centered / np.maximum(spread, 1e-6), 0), np.float32)


def _plain_ruler(scheme: Scheme, images: Images) -> Ruler:
    """Return coarse pictures as they are, for a scheme that cannot be rehearsed."""
    shape: tuple[int, int, int] = images.shape[1:]
    reading = readings_for(scheme, shape=shape)["thumbnail"]
    return Ruler(
        name="thumbnail",
        kind="single numbers",
        reading=reading,
        weights=np.ones(reading(images[:2]).shape[1], np.float32),
        rehearsed=0.0,
    )
