"""Second-order statistics against blocks that are scrambled, turned, inverted and recolored alike in all images."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Images, Reconstruction
from pixelveil.attacks.public_images.block_columns import fit_orders, one_of, whole_signs
from pixelveil.attacks.public_images.columns import keyed_alike, public_images
from pixelveil.attacks.public_images.correlations import standardized
from pixelveil.attacks.public_images.layout import column_links, find_layout
from pixelveil.attacks.public_images.readings import color_readings, image_turns, likeliest, products, turned
from pixelveil.plans.geometry import join_blocks, split_blocks
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_back, lay_out

__all__ = ["StatisticsEtc", "block_orders", "read_block_moves"]

_LEARNED = 2000
# Blocks are compared as thumbnails of about so many pixels a side: turning them commutes with averaging.
_SIDE = 4


def block_orders(*, side: int, channels: int) -> NDArray[np.int64]:
    """Return what turns and orders of channels do to the values of a block, (8 * C!, side * side * C).

    >>> block_orders(side=4, channels=3).shape
    (48, 48)
    """
    numbers = np.arange(side * side * channels).reshape(1, side, side, channels)
    return np.stack(
        [
            turned(numbers, turn=turn)[..., list(order)].reshape(-1)
            for turn in range(8)
            for order in itertools.permutations(range(channels))
        ]
    ).astype(np.int64)


def read_block_moves(
    images: Images,
    *,
    public: Images,
    block_size: int,
    victims: int,
    generator: np.random.Generator,
    starts: int = 6,
    budget: Budget | None = None,
) -> Images:
    """Return the first images as they were before blocks were scrambled, turned, inverted and recolored, alike in all.

    Right up to a turn of the image, an order of channels and an inversion.

    Args:
        images: uint8 (n, H, W, C); 2000 at most are learned from.
        public: uint8 (m, H, W, C), other images.
        block_size: Side of a block in pixels.
        victims: How many images are read.
        generator: Draws random starts.
        starts: Of the quadratic assignment of blocks.
        budget: When it is spent no further start or sweep is made.
    """
    channels, shrink = images.shape[3], block_size // _SIDE if block_size % _SIDE == 0 else 1
    side, block = block_size // shrink, (block_size, block_size)
    seen = standardized(split_blocks(_shrunk(images[:_LEARNED], shrink), block=(side, side)))
    wanted = standardized(split_blocks(_shrunk(public, shrink), block=(side, side)))
    signs = whole_signs(seen)
    links, public_links = (column_links(each, budget=budget) for each in (seen, wanted))
    slot = np.argsort(find_layout(links, public_links, generator=generator, starts=starts, budget=budget))
    straight = (seen * signs.astype(np.float32)[:, None])[:, slot]
    small = block_orders(side=side, channels=channels)
    order = fit_orders(straight, wanted, choose=one_of(small), budget=budget)
    # The same turn and colors, for the values of whole blocks.
    state = (order[:, None] == small[None]).all(axis=2).argmax(axis=1)
    whole = block_orders(side=block_size, channels=channels)[state]
    blocks = split_blocks(images[:victims], block=block)[:, slot]
    blocks = np.where(signs[slot, None] > 0, blocks, 255 - blocks)
    return join_blocks(np.take_along_axis(blocks, whole[None], axis=2), shape=images.shape[1:], block=block)


def _shrunk(images: Images, factor: int) -> NDArray[np.float32]:
    """Return means of squares of ``factor`` pixels a side, float32."""
    count, height, width, channels = images.shape
    parts = images.reshape(count, height // factor, factor, width // factor, factor, channels)
    means: NDArray[np.float32] = parts.mean(axis=(2, 4), dtype=np.float32)
    return means


@dataclass(frozen=True, kw_only=True)
class StatisticsEtc(Attack):
    """Read EtC under one key: over images, near blocks correlate, and tell how each other lies.

    1. Means of blocks correlate; the leading eigenvector has their inversions, a quadratic assignment their layout.
    2. Each block is turned and recolored so that its correlations with the blocks around fit those of public images.

    Source: the design study of this project.

    Args:
        starts: Random starts of the quadratic assignment.
    """

    name: ClassVar[str] = "statistics-etc"
    title: ClassVar[str] = "Second-order statistics against scrambled, turned, inverted and recolored blocks"
    citation: ClassVar[str] = "design study of this project; after Le Roux et al., NIPS (2007)"
    access: ClassVar[Access] = "public images"
    cost: ClassVar[str] = "linear in images and values; cubic in the number of blocks"
    grows: ClassVar[bool] = True
    minimum: ClassVar[int] = 3

    starts: int = 6

    def obstacle(self, scheme: Scheme) -> str:
        """Return why a scheme is not of this kind; empty where it is and images share a key."""
        return keyed_alike(scheme) if scheme.name in ("etc-color", "etc-gray") else "it reads whole blocks moved about"

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims; see `Attack.run`."""
        self.check(evidence)
        budget = budget or Budget()
        scheme, generator = evidence.scheme, evidence.generator
        read = read_block_moves(
            evidence.ciphertexts,
            public=public_images(evidence),
            block_size=scheme.block,
            victims=evidence.victims,
            generator=generator,
            starts=self.starts,
            budget=budget,
        )
        public = lay_out(evidence.public, block=scheme.block, planes="interleaved")
        whole = lay_back(read, shape=public.shape[1:], planes=scheme.planes)
        height, width, channels = whole.shape[1:]
        versions = products(image_turns(square=height == width), color_readings(channels=channels, jointly=True))
        chosen = likeliest(whole, versions, public=public, generator=generator, budget=budget)
        if advance:
            advance(1, 1)
        return Reconstruction(images=chosen(whole)[:, : evidence.shape[0], : evidence.shape[1]], versions=versions)
