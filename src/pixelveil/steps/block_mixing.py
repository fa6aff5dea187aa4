"""Block mixing: some blocks of an image are replaced by those of other images at the same place."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import ForwardPlan, Operation
from pixelveil.steps.choice import check_size, draw_distinct
from pixelveil.steps.step import ImageShape

__all__ = ["BlockMixing", "replace_blocks"]


@dataclass(frozen=True, kw_only=True, eq=False)
class BlockMixing:
    """Replace each block with some probability by the block at its place of one of a few donors, chosen per image.

    Each image draws its donors, all different, from the pool; each replaced block draws one of them.
    Source: Xiang et al., EAAI 126, 107180 (2023).

    Args:
        rows: Blocks from top to bottom; block i begins at row ``floor(i H / rows)``.
        columns: Blocks from left to right, likewise.
        donors: Images that one image may take blocks from.
        probability: That a block is replaced, 0 to 1.
        pool: uint8 (n, H, W, C) with at least ``donors`` images; None where only facts are asked for.
    """

    rows: int
    columns: int
    donors: int
    probability: float = 0.5
    pool: NDArray[Any] | None = field(default=None, repr=False)
    name: str = "block-mixing"

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> ForwardPlan:
        """Return the plan; see `Step.plan`.

        Raises:
            UsageError: There is no pool, or the images have another size than its images.
        """
        if self.pool is None:
            raise UsageError("mixing blocks needs a pool of donor images")
        pool, blocks = self.pool, self.rows * self.columns
        self.output_shape(shape)
        candidates = draw_distinct(material, role=f"{role}/donors", count=self.donors, bound=len(pool))
        chosen = material.stream(f"{role}/donor").integers(blocks, bound=self.donors)
        levels = material.stream(f"{role}/replaced").integers(blocks, bound=1 << 32)
        replaced = levels < round(self.probability * (1 << 32))
        donor = np.where(replaced, np.take_along_axis(candidates, chosen.astype(np.int64), axis=1), -1)

        def mix(images: NDArray[Any]) -> NDArray[Any]:
            return replace_blocks(images, pool=pool, donor=donor.reshape(-1, self.rows, self.columns))

        return ForwardPlan(parts=(Operation(self.name, mix, count=material.count),))

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return 0: there is no key."""
        self.output_shape(shape)
        return 0.0

    def output_shape(self, shape: ImageShape) -> ImageShape:
        """Return the shape itself.

        Raises:
            UsageError: It is not that of the pool, or has fewer rows or columns than there are of blocks.
        """
        height, width, _ = shape
        if height < self.rows or width < self.columns:
            raise UsageError(f"a grid of {self.rows} x {self.columns} blocks does not fit images of {height}x{width}")
        check_size(shape, pool=self.pool)
        return shape


def replace_blocks(images: NDArray[Any], *, pool: NDArray[Any], donor: NDArray[np.int64]) -> NDArray[Any]:
    """Return images with blocks of a pool in place of their own.

    Args:
        images: uint8 (n, H, W, C).
        pool: uint8 (m, H, W, C).
        donor: int64 (n, rows, columns): which image of the pool each block comes from; -1 leaves it.

    Returns:
        uint8 (n, H, W, C).

    >>> images, pool = np.zeros((1, 2, 4, 1), np.uint8), np.full((1, 2, 4, 1), 9, np.uint8)
    >>> replace_blocks(images, pool=pool, donor=np.array([[[-1, 0]]]))[0, ..., 0].tolist()
    [[0, 0, 9, 9], [0, 0, 9, 9]]
    """
    (_, height, width, _), (_, rows, columns) = images.shape, donor.shape
    result = images.copy()
    tall = [slice(*edge) for edge in pairwise(row * height // rows for row in range(rows + 1))]
    wide = [slice(*edge) for edge in pairwise(column * width // columns for column in range(columns + 1))]
    for (row, y), (column, x) in product(enumerate(tall), enumerate(wide)):
        source = donor[:, row, column]
        replaced = np.flatnonzero(source >= 0)
        result[replaced, y, x] = pool[source[replaced], y, x]
    return result
