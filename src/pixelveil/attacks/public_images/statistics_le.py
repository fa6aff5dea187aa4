"""Second-order statistics against half bytes shuffled alike in all blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Images, Reconstruction
from pixelveil.attacks.public_images.assignment import fit_of, improve_by_swaps, matches
from pixelveil.attacks.public_images.columns import nibble_columns, public_images, some_rows
from pixelveil.attacks.public_images.correlations import (
    correlation,
    leading_signs,
    most_correlated,
    standardized,
    with_values_of,
)
from pixelveil.attacks.public_images.lower_nibbles import nibble_moments, place_lower_nibbles
from pixelveil.attacks.public_images.readings import block_turns, color_readings, likeliest, products, roughness
from pixelveil.plans.geometry import join_blocks, split_blocks
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_back

__all__ = ["StatisticsLe", "read_shared_blocks"]

_ROWS = 40_000
_SEEN = 100
# Steps from a block to those whose values are correlated with it.
_LAGS = ((0, 1), (1, 0), (1, 1), (1, -1))


def read_shared_blocks(
    images: Images,
    *,
    public: Images,
    block_size: int,
    generator: np.random.Generator,
    starts: int = 8,
    budget: Budget | None = None,
) -> Images:
    """Return images (n, H, W, C), uint8, as they were before half bytes were shuffled and reversed alike in all blocks.

    Right up to a turn of all blocks in their places, an order of channels and an inversion; the turn is chosen.

    Args:
        images: uint8 (n, H, W, C).
        public: uint8 (m, H', W', C), other images.
        block_size: Side of a block in pixels.
        generator: Draws random starts.
        starts: Of each quadratic assignment.
        budget: When it is spent no further start is made.
    """
    block, shape = (block_size, block_size), images.shape[1:]
    columns = nibble_columns(split_blocks(images, block=block))
    lanes = columns.shape[-1] // 2
    rows = some_rows(columns.reshape(-1, 2 * lanes), limit=_ROWS, generator=generator)
    all_correlations = correlation(rows)
    upper = most_correlated(all_correlations, count=lanes)
    seen = all_correlations[np.ix_(upper, upper)]
    signs = leading_signs(seen)
    seen = seen * np.outer(signs, signs)
    plain = split_blocks(public, block=block)
    plain_rows = some_rows(plain.reshape(-1, lanes), limit=_ROWS, generator=generator)
    wanted = correlation(plain_rows)
    straight = np.where(signs > 0, columns[..., upper], 15 - columns[..., upper])

    def drawn(places: NDArray[np.int64], turn: Callable[[Images], Images]) -> Images:
        pictures = join_blocks(straight[:_SEEN, :, np.argsort(places)] * np.uint8(16), shape=shape, block=block)
        return turn(pictures)

    turns = block_turns(block_size=block_size)
    found = [
        pair
        for like in (seen, with_values_of(seen, wanted))
        for pair in matches(like, wanted, starts=starts, generator=generator, budget=budget)[:2]
    ]
    seen_all = [seen, *_lagged(straight, shape, block)]
    wanted_all = [wanted, *_lagged(plain, public.shape[1:], block)]
    numbers = np.arange(lanes, dtype=np.uint16).reshape(1, *block, -1)
    best_fit, places = -np.inf, found[0][1]
    for _, start in found:
        turn = turns[int(np.argmin([roughness(drawn(start, each)) for each in turns]))]
        # A turn of the blocks is another order of places: those whose values it moves there.
        turned = np.argsort(turn(numbers).ravel())[start]
        turned = improve_by_swaps(seen_all, wanted_all, places=turned, budget=budget)
        fit = sum(fit_of(one, other, turned) for one, other in zip(seen_all, wanted_all, strict=True))
        if fit > best_fit:
            best_fit, places = fit, turned
    lower = np.setdiff1d(np.arange(2 * lanes), upper)
    flat = columns.reshape(-1, 2 * lanes)
    values = place_lower_nibbles(
        straight.reshape(-1, lanes)[:, np.argsort(places)], flat[:, lower], moments=nibble_moments(plain_rows)
    )
    return join_blocks(values, shape=shape, block=block)


def _lagged(blocks: NDArray[np.uint8], shape: tuple[int, ...], block: tuple[int, int]) -> list[NDArray[np.float64]]:
    """Return the correlations (L, L) of columns of blocks (n, N, L) with those one step on, for each step."""
    rows, columns = shape[0] // block[0], shape[1] // block[1]
    count, lanes = len(blocks), blocks.shape[-1]
    values = standardized(blocks.reshape(-1, lanes)).reshape(count, rows, columns, lanes)
    result = []
    for down, right in _LAGS:
        here = values[:, : rows - down, max(0, -right) : columns - max(0, right)].reshape(-1, lanes)
        there = values[:, down:, max(0, right) : columns + min(0, right)].reshape(-1, lanes)
        result.append((here.T @ there).astype(np.float64) / max(len(here), 1))
    return result


@dataclass(frozen=True, kw_only=True)
class StatisticsLe(Attack):
    """Read LE: half bytes of a block correlate over blocks as those of any photograph do.

    1. Columns that correlate with others are upper halves; the leading eigenvector of their correlations has the
       signs of the reversals. 2. A quadratic assignment gives them the places whose public correlations fit; blocks
    are turned until borders match. 3. Lower halves go where upper ones predict them.

    Needs some hundred blocks under one key: a few small images, or one of 256 x 256 by itself even where each image
    has a key of its own.

    Source: the design study of this project; lower halves: this project.

    Args:
        starts: Random starts of each quadratic assignment.
    """

    name: ClassVar[str] = "statistics-le"
    title: ClassVar[str] = "Second-order statistics against half bytes shuffled alike in all blocks"
    citation: ClassVar[str] = "design study of this project; after Le Roux et al., NIPS (2007)"
    access: ClassVar[Access] = "public images"
    cost: ClassVar[str] = "linear in blocks; cubic in the values of a block"
    grows: ClassVar[bool] = True

    starts: int = 8

    def obstacle(self, scheme: Scheme) -> str:
        """Return why a scheme is not of this kind; empty where it is, under any key policy."""
        return "" if scheme.name == "tanaka-le" else "it reads half bytes that are shuffled alike in all blocks"

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims; see `Attack.run`. Images with keys of their own are read one by one while time is left."""
        self.check(evidence)
        budget = budget or Budget()
        public, block, generator = public_images(evidence), evidence.scheme.block, evidence.generator
        readings = color_readings(channels=evidence.shape[2], jointly=True)
        alone = evidence.scheme.key_policy != "shared"
        victims = evidence.ciphertexts[: evidence.victims]
        groups = [victims[i : i + 1] for i in range(len(victims))] if alone else [evidence.ciphertexts]
        read, done = [], 0
        for group in groups:
            if done and budget.spent:
                read.append(group)
                continue
            images = read_shared_blocks(
                group, public=public, block_size=block, generator=generator, starts=self.starts, budget=budget
            )
            read.append(likeliest(images, readings, public=public, generator=generator, budget=budget)(images))
            done += 1
            if advance:
                advance(done, len(groups))
        images = lay_back(np.concatenate(read)[: evidence.victims], shape=evidence.shape, planes=evidence.scheme.planes)
        versions = products(block_turns(block_size=block), readings)
        return Reconstruction(images=images, versions=versions, per_image=alone, facts={"read": done})
