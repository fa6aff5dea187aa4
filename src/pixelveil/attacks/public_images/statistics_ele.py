"""Second-order statistics against half bytes shuffled by a key per block, blocks scrambled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Images, Reconstruction
from pixelveil.attacks.public_images.block_columns import fit_orders, whole_signs
from pixelveil.attacks.public_images.columns import keyed_alike, nibble_columns, public_images, some_rows
from pixelveil.attacks.public_images.correlations import leading_signs, most_correlated, standardized
from pixelveil.attacks.public_images.layout import column_links, find_layout
from pixelveil.attacks.public_images.lower_nibbles import nibble_moments, place_lower_nibbles
from pixelveil.attacks.public_images.readings import color_readings, image_turns, likeliest, products
from pixelveil.plans.geometry import join_blocks, split_blocks
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_back

__all__ = ["StatisticsEle", "read_block_keys"]

_LEARNED = 2000
_ROWS = 40_000


def read_block_keys(
    images: Images,
    *,
    public: Images,
    block_size: int,
    victims: int,
    generator: np.random.Generator,
    starts: int = 6,
    budget: Budget | None = None,
) -> Images:
    """Return the first images as they were before half bytes of each block and the blocks were shuffled, alike in all.

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
    block = (block_size, block_size)
    columns = nibble_columns(split_blocks(images[:_LEARNED], block=block))
    lanes = columns.shape[-1] // 2
    values = standardized(columns)
    by_block = values.transpose(1, 0, 2)
    correlations = (by_block.swapaxes(1, 2) @ by_block).astype(np.float64) / len(values)
    upper = most_correlated(correlations, count=lanes)
    lower = np.stack([np.setdiff1d(np.arange(2 * lanes), chosen) for chosen in upper])
    within = np.take_along_axis(np.take_along_axis(correlations, upper[:, :, None], 1), upper[:, None, :], 2)
    signs = leading_signs(within)
    straight = np.take_along_axis(values, upper[None], axis=2) * signs.astype(np.float32)
    block_signs = whole_signs(straight)
    signs *= block_signs[:, None]
    straight *= block_signs.astype(np.float32)[:, None]

    plain = split_blocks(public, block=block)
    wanted = standardized(plain)
    links, public_links = (column_links(each, budget=budget) for each in (straight, wanted))
    places = find_layout(links, public_links, generator=generator, starts=starts, budget=budget)
    slot = np.argsort(places)
    order = fit_orders(straight[:, slot], wanted, budget=budget)

    moments = nibble_moments(some_rows(plain.reshape(-1, lanes), limit=_ROWS, generator=generator))
    if victims > len(columns):
        columns = nibble_columns(split_blocks(images[:victims], block=block))
    blocks = np.empty((victims, len(slot), lanes), np.uint8)
    for place, source in enumerate(slot):
        chosen = columns[:, source][:, upper[source]]
        halves = np.where(signs[source] > 0, chosen, 15 - chosen)[:, order[place]]
        whole = place_lower_nibbles(halves, columns[:, source][:, lower[source]], moments=moments)
        blocks[:, place] = whole[:victims]
    return join_blocks(blocks, shape=images.shape[1:], block=block)


@dataclass(frozen=True, kw_only=True)
class StatisticsEle(Attack):
    """Read ELE: over images under one key, near blocks correlate, and so do the half bytes in them.

    1. Upper halves and their signs, block by block, as against LE. 2. Means of near blocks correlate: a quadratic
    assignment gives the layout. 3. Each half byte goes where its correlations with the blocks around fit those of
    public images, block after block, until nothing changes. 4. Lower halves go where upper ones predict them.

    Source: the design study of this project; lower halves: this project.

    Args:
        starts: Random starts of the quadratic assignment.
    """

    name: ClassVar[str] = "statistics-ele"
    title: ClassVar[str] = "Second-order statistics against half bytes shuffled by a key per block"
    citation: ClassVar[str] = "design study of this project; after Le Roux et al., NIPS (2007)"
    access: ClassVar[Access] = "public images"
    cost: ClassVar[str] = "linear in images and values; cubic in the number of blocks"
    grows: ClassVar[bool] = True
    minimum: ClassVar[int] = 3

    starts: int = 6

    def obstacle(self, scheme: Scheme) -> str:
        """Return why a scheme is not of this kind; empty where it is and images share a key."""
        return keyed_alike(scheme) if scheme.name == "madono-ele" else "it reads half bytes shuffled block by block"

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims; see `Attack.run`."""
        self.check(evidence)
        budget = budget or Budget()
        public, generator = public_images(evidence), evidence.generator
        read = read_block_keys(
            evidence.ciphertexts,
            public=public,
            block_size=evidence.scheme.block,
            victims=evidence.victims,
            generator=generator,
            starts=self.starts,
            budget=budget,
        )
        height, width, channels = read.shape[1:]
        versions = products(image_turns(square=height == width), color_readings(channels=channels, jointly=True))
        chosen = likeliest(read, versions, public=public, generator=generator, budget=budget)
        if advance:
            advance(1, 1)
        images = lay_back(chosen(read), shape=evidence.shape, planes=evidence.scheme.planes)
        return Reconstruction(images=images, versions=versions)
