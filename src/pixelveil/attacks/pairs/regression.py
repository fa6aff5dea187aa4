"""Ridge regression from encrypted to plain values: the linear decoder that pairs give."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Images

__all__ = ["Decoder", "Linear", "fit_decoder", "ridge"]

Floats = NDArray[np.float64]
Unit = Literal["rows", "images"]

# Relative to the mean energy of the inputs.
_STRENGTHS = (1e-8, 1e-4, 1e-2, 1e-1, 1.0)
_HELD_OUT = 5
# Below this many pairs an image of thousands of values cannot be decoded as a whole.
_WHOLE_FROM = 30
_LARGEST_SIDE = 4096


@dataclass(frozen=True, kw_only=True)
class Linear:
    """``x = (y - center) W + mean``.

    Args:
        factors: W, (d, p), or two matrices whose product it is: of large images W itself would fill the memory.
        center: (d,).
        mean: (p,).
    """

    factors: tuple[Floats, ...] = field(repr=False)
    center: Floats = field(repr=False)
    mean: Floats = field(repr=False)

    def __call__(self, values: Floats) -> Floats:
        """Return (n, p) of (n, d)."""
        result = values - self.center
        for factor in self.factors:
            result = result @ factor
        return np.asarray(result + self.mean)


def ridge(inputs: Floats, targets: Floats, *, strength: float) -> Linear:
    """Return the linear map with the smallest ``|Y W - X|^2 + strength * e * |W|^2``, e the mean energy of Y.

    Solved in as many unknowns as there are samples or values, whichever are fewer.

    Args:
        inputs: Y, (n, d).
        targets: X, (n, p).
        strength: Relative; 1e-8 is least squares.

    >>> generator = np.random.default_rng(0)
    >>> values = generator.normal(size=(50, 4))
    >>> found = ridge(values, values @ np.diag([1.0, 2.0, 3.0, 4.0]), strength=1e-8)
    >>> found.factors[0].round(4).diagonal().tolist()
    [1.0, 2.0, 3.0, 4.0]
    """
    center, mean = inputs.mean(axis=0), targets.mean(axis=0)
    y, x = inputs - center, targets - mean
    samples, values = y.shape
    weight = strength * max(float((y**2).sum()) / min(samples, values), 1e-12)
    if samples < values:
        factors: tuple[Floats, ...] = (y.T, np.linalg.solve(y @ y.T + weight * np.eye(samples), x))
    else:
        factors = (np.linalg.solve(y.T @ y + weight * np.eye(values), y.T @ x),)
    return Linear(factors=factors, center=center, mean=mean)


@dataclass(frozen=True, kw_only=True)
class Decoder:
    """A linear decoder of encrypted images.

    Args:
        maps: One for each channel where rows are decoded, else one.
        unit: What is decoded at a time: "rows" of a channel, or whole "images".
        strength: Of the ridge.
        shape: (H, W, C) of plain images.
    """

    maps: tuple[Linear, ...] = field(repr=False)
    unit: Unit
    strength: float
    shape: tuple[int, int, int]

    def decode(self, encrypted: Images) -> Floats:
        """Return plain images (n, H, W, C), grey levels, not clipped, of encrypted ones (n, H', W', C)."""
        values = encrypted.astype(np.float64)
        if self.unit == "images":
            return np.asarray(self.maps[0](values.reshape(len(values), -1)).reshape(-1, *self.shape))
        planes = [one(_rows(values, channel)) for channel, one in enumerate(self.maps)]
        return np.stack([plane.reshape(-1, *self.shape[:2]) for plane in planes], axis=-1)


def fit_decoder(encrypted: Images, plain: Images) -> Decoder:
    """Return the decoder that predicts pairs best that it is not fitted on, then fitted on all.

    Args:
        encrypted: (q, H', W', C), any range; rows are decoded where H' = H.
        plain: uint8 (q, H, W, C).
    """
    held = max(1, len(plain) // _HELD_OUT) if len(plain) > 1 else 0
    units: list[Unit] = ["rows"] if encrypted.shape[1] == plain.shape[1] else ["images"]
    if len(plain) >= _WHOLE_FROM and "images" not in units and min(len(plain), encrypted[0].size) <= _LARGEST_SIDE:
        units.append("images")
    trials = [(unit, strength) for unit in units for strength in _STRENGTHS]
    if not held:
        return _fit(encrypted, plain, unit=units[0], strength=_STRENGTHS[1])

    def error(trial: tuple[Unit, float]) -> float:
        found = _fit(encrypted[held:], plain[held:], unit=trial[0], strength=trial[1])
        return float(((np.clip(found.decode(encrypted[:held]), 0, 255) - plain[:held]) ** 2).mean())

    unit, strength = min(trials, key=error)
    return _fit(encrypted, plain, unit=unit, strength=strength)


def _fit(encrypted: Images, plain: Images, *, unit: Unit, strength: float) -> Decoder:
    count, height, width, channels = plain.shape
    y, x = encrypted.astype(np.float64), plain.astype(np.float64)
    if unit == "images":
        maps: tuple[Linear, ...] = (ridge(y.reshape(count, -1), x.reshape(count, -1), strength=strength),)
    else:
        maps = tuple(ridge(_rows(y, one), _rows(x, one), strength=strength) for one in range(channels))
    return Decoder(maps=maps, unit=unit, strength=strength, shape=(height, width, channels))


def _rows(images: Floats, channel: int) -> Floats:
    """Return the rows of a channel of images (n, H, W, C), (n * H, W)."""
    return np.asarray(images[..., channel].reshape(-1, images.shape[2]))
