"""Second-order statistics against pixel keys that all images share: neighbors tell which way up each value is."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Images, Reconstruction
from pixelveil.attacks.public_images.columns import keyed_alike, public_images
from pixelveil.attacks.public_images.pixel_keys import align_pixels, neighbors, settle_pixels
from pixelveil.attacks.public_images.readings import color_readings, likeliest
from pixelveil.schemes import Scheme

__all__ = ["StatisticsSkk", "read_shared_pixels"]

_SETTLED_WITH = 100


def read_shared_pixels(images: Images, *, shuffled: bool = True) -> Images:
    """Return images (n, H, W, C), uint8, as they were before each pixel was inverted and shuffled the same in all.

    Right up to one order and one inversion of channels for the whole set.

    Args:
        images: uint8 (n, H, W, C), n >= 1; five photographs are nearly always enough.
        shuffled: Whether the channels of a pixel may have changed places, not only been inverted.
    """
    count, height, width, channels = images.shape
    straight = tuple(range(channels))
    orders = np.array(list(itertools.permutations(straight)) if shuffled else [straight])
    values = images.reshape(count, -1, channels).astype(np.float32) - np.float32(127.5)
    frames = align_pixels(values, edges=neighbors(height=height, width=width), orders=orders)
    frames = settle_pixels(values[:_SETTLED_WITH], frames, height=height, width=width, orders=orders)
    read: Images = np.rint(frames.read(values) + 127.5).astype(np.uint8).reshape(images.shape)
    return read


@dataclass(frozen=True, kw_only=True)
class StatisticsSkk(Attack):
    """Read pixel-based encryption with one key: neighbors are nearly equal in all images, encrypted ones are not.

    Edges between neighbors join pixels to regions, surest first, with the order and signs of channels that make
    ``sum_i |p_i - s q_i|`` smallest. One order and one sign per channel are left for the whole set; public images
    choose them, and all are versions.

    Source: the design study of this project; after Le Roux et al., "Learning the 2-D topology of images" (NIPS 2007).
    """

    name: ClassVar[str] = "statistics-skk"
    title: ClassVar[str] = "Second-order statistics against pixel keys that all images share"
    citation: ClassVar[str] = "design study of this project; after Le Roux et al., NIPS (2007)"
    access: ClassVar[Access] = "public images"
    cost: ClassVar[str] = "linear in images and in pixels"
    grows: ClassVar[bool] = True

    def obstacle(self, scheme: Scheme) -> str:
        """Return why a scheme has no pixel keys that images share; empty where it has."""
        if scheme.name not in ("skk", "smkk"):
            return "it reads inversions and color orders of single pixels"
        return keyed_alike(scheme)

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims; see `Attack.run`. It is one pass; only readings are compared as long as time is left."""
        self.check(evidence)
        public = public_images(evidence)
        shuffle = getattr(evidence.scheme, "shuffle", "per_pixel")
        read = read_shared_pixels(evidence.ciphertexts, shuffled=shuffle == "per_pixel")
        readings = color_readings(channels=evidence.shape[2], orders=shuffle != "none")
        chosen = likeliest(read, readings, public=public, generator=evidence.generator, budget=budget or Budget())
        if advance:
            advance(1, 1)
        return Reconstruction(images=chosen(read[: evidence.victims]), versions=readings)
