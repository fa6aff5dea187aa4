"""Readings: the global ambiguities of a reconstruction, as functions on images, and which looks like an image."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Budget, Images
from pixelveil.plans.geometry import join_blocks, split_blocks

__all__ = [
    "Reading",
    "appearance",
    "block_turns",
    "color_readings",
    "image_turns",
    "likeliest",
    "products",
    "roughness",
    "turned",
]

_TURNS = 8
_DRAWS = 24
_SEEN = 100
_SIDE = 32


def turned(images: NDArray[Any], *, turn: int) -> NDArray[Any]:
    """Return images (n, H, W, C) turned by ``90 * (turn mod 4)`` degrees, after a left-right mirror where turn >= 4."""
    mirrored: NDArray[Any] = images[:, :, ::-1] if turn >= 4 else images
    result: NDArray[Any] = np.rot90(mirrored, turn % 4, axes=(1, 2))
    return result


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One way to read an image: blocks or the whole turned, channels in another order, some of them inverted.

    Args:
        order: Channel ``order[c]`` becomes channel c; empty: they stay.
        inverted: For each channel of the result whether it is ``255 - v``; empty: none is.
        turn: 0 to 7, see `turned`.
        block_size: Side of the blocks that are turned in their places; 0: the whole image is turned.

    >>> Reading(order=(2, 1, 0))(np.arange(3, dtype=np.uint8).reshape(1, 1, 1, 3)).ravel().tolist()
    [2, 1, 0]
    """

    order: tuple[int, ...] = ()
    inverted: tuple[bool, ...] = ()
    turn: int = 0
    block_size: int = 0

    def __call__(self, images: Images, /) -> Images:
        """Return the images (n, H, W, C), uint8, as this reading has them."""
        if self.turn and self.block_size:
            block, count = (self.block_size, self.block_size), len(images)
            parts = turned(split_blocks(images, block=block).reshape(-1, *block, images.shape[3]), turn=self.turn)
            parts = np.ascontiguousarray(parts).reshape(count, -1, parts[0].size)
            images = join_blocks(parts, shape=(*images.shape[1:3], images.shape[3]), block=block)
        elif self.turn:
            images = turned(images, turn=self.turn)
        if self.order:
            images = images[..., list(self.order)]
        if any(self.inverted):
            images = images ^ np.array([255 if inverted else 0 for inverted in self.inverted], np.uint8)
        return np.ascontiguousarray(images)


def color_readings(*, channels: int, orders: bool = True, jointly: bool = False) -> tuple[Reading, ...]:
    """Return the orders and inversions of channels, the identity first.

    Args:
        channels: 1 or 3.
        orders: Whether channels may have changed places.
        jointly: Whether all channels are inverted or none.

    >>> len(color_readings(channels=3)), len(color_readings(channels=3, jointly=True))
    (48, 12)
    """
    straight = tuple(range(channels))
    signs = [(bit,) * channels for bit in (False, True)]
    if not jointly:
        signs = list(itertools.product((False, True), repeat=channels))
    return tuple(
        Reading(order=order, inverted=sign)
        for order in (itertools.permutations(straight) if orders else [straight])
        for sign in signs
    )


def image_turns(*, square: bool) -> tuple[Reading, ...]:
    """Return the turns of a whole image: eight, or the four that keep the shape of one that is not square."""
    return tuple(Reading(turn=turn) for turn in range(_TURNS) if square or turn % 2 == 0)


def block_turns(*, block_size: int) -> tuple[Reading, ...]:
    """Return the eight turns of every block in its place."""
    return tuple(Reading(turn=turn, block_size=block_size) for turn in range(_TURNS))


def products(turns: Sequence[Reading], colors: Sequence[Reading]) -> tuple[Reading, ...]:
    """Return every turn with every change of colors, the two identities first if they are first in both."""
    return tuple(
        Reading(order=color.order, inverted=color.inverted, turn=turn.turn, block_size=turn.block_size)
        for turn in turns
        for color in colors
    )


def roughness(images: Images) -> float:
    """Return the mean absolute difference of neighboring pixels, grey levels: lowest where every piece is in place."""
    values = images.astype(np.int16)
    return float(sum(np.abs(np.diff(values, axis=axis)).mean() for axis in (1, 2)))


def appearance(images: Images) -> NDArray[np.float64]:
    """Return what tells an image from its negative, mirror image or false colors, (n, features).

    Per channel the mean, skewness and the differences of the halves (top and bottom, left and right); for each two
    channels their covariance and the variance of their difference.
    """
    count, height, width, channels = images.shape
    values = images.reshape(count, -1, channels).astype(np.float64) / 255
    mean = values.mean(axis=1)
    centered = values - mean[:, None]
    skewness = np.cbrt((centered**3).mean(axis=1))
    half = images.astype(np.float64) / 255
    upright = half[:, : height // 2].mean(axis=(1, 2)) - half[:, -(height // 2) :].mean(axis=(1, 2))
    sideways = half[:, :, : width // 2].mean(axis=(1, 2)) - half[:, :, -(width // 2) :].mean(axis=(1, 2))
    pairs = list(itertools.combinations(range(channels), 2))
    joint = [(centered[..., a] * centered[..., b]).mean(axis=1) for a, b in pairs]
    apart = [(centered[..., a] - centered[..., b]).std(axis=1) for a, b in pairs]
    gaps = [mean[:, a] - mean[:, b] for a, b in pairs]
    return np.column_stack([mean, skewness, upright, sideways, *joint, *apart, *gaps])


def likeliest(
    images: Images,
    readings: Sequence[Reading],
    *,
    public: Images,
    generator: np.random.Generator,
    budget: Budget | None = None,
) -> Reading:
    """Return the reading whose mean appearance is nearest to that of public images.

    Distances are in standard deviations of means over as many public images.

    Args:
        images: uint8 (n, H, W, C); the first 100 count, and of large ones every k-th pixel.
        readings: Which ones to compare.
        public: uint8 (m, H, W, C).
        generator: Draws the public subsets.
        budget: When it is spent no further reading is compared; spent before the beginning, it is the first one.
    """
    if budget is not None and budget.spent:
        return readings[0]
    step = max(1, min(images.shape[1:3]) // _SIDE)
    seen = images[:_SEEN, ::step, ::step]
    reference = appearance(public[: 20 * _SEEN, ::step, ::step])
    draws = generator.integers(len(reference), size=(_DRAWS, len(seen)))
    spread = reference[draws].mean(axis=1).std(axis=0) + reference.std(axis=0) / np.sqrt(len(reference)) + 1e-6
    target = reference.mean(axis=0)
    distances: list[float] = []
    for read in readings:
        if distances and budget is not None and budget.spent:
            break
        distances.append(float((((appearance(read(seen)).mean(axis=0) - target) / spread) ** 2).sum()))
    return readings[int(np.argmin(distances))]
