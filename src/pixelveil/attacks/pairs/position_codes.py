"""Position-coded images: chosen so that every lane of a ciphertext says where it came from and which way up it is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.pairs.matching import block_marks
from pixelveil.attacks.pairs.structure import LaneStructure
from pixelveil.errors import UsageError
from pixelveil.plans.geometry import join_blocks

__all__ = ["coded_images", "images_needed"]

_TRIES = 16
_MOST_IMAGES = 16
# Up to so many code words all are listed, to take some of them; of more, random ones are different anyway.
_LARGEST_CODE = 1 << 20


def images_needed(structure: LaneStructure) -> int:
    """Return how many images must be chosen at least.

    A lane shows one of ``base`` symbols, 128 or 8, that its flip cannot hide: a flipped symbol lies above the middle.
    Where each block has a secret map, each of its L lanes must have its own sequence of symbols over the images,
    ``base^q >= L``; where all share one, the N blocks of an image are as good as N images; where maps are listed, one
    image is enough.

    >>> from pixelveil.attacks.pairs.structure import lane_structure
    >>> from pixelveil.schemes import create_scheme
    >>> names = ("smkk", "tanaka-le", "madono-ele", "etc-color", "vit-permutation")
    >>> [images_needed(lane_structure(create_scheme(name), shape=(32, 32, 3))) for name in names]
    [1, 1, 3, 1, 1]
    """
    digits = math.ceil(math.log(structure.lanes) / math.log(_base(structure)) - 1e-9)
    if structure.maps == "listed":
        return 1
    return digits if structure.maps == "each" else math.ceil(digits / structure.grid.blocks)


def coded_images(structure: LaneStructure, *, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return images to be encrypted, uint8 (q, H, W, C), laid out, from which any plan of the structure follows.

    Every lane gets a sequence of symbols below the middle, so that a flip shows: numbers of lanes, written in base 128
    or 8, where blocks stay in their places; random ones, no two alike in a block, where they are scrambled, so that no
    two blocks have the same symbols either.

    Args:
        structure: See `lane_structure`.
        generator: Draws the random ones.

    Raises:
        UsageError: Blocks are too many and too small to be told apart.

    Source: Chang and Case, arXiv 2004.13263 (helper images), in fewer images; the design study of this project.
    """
    grid, base = structure.grid, _base(structure)
    for count in range(images_needed(structure), _MOST_IMAGES):
        for _ in range(_TRIES):
            lanes = _symbols(structure, count=count, base=base, generator=generator)
            if _distinct(structure, lanes):
                values = _as_bytes(lanes) if structure.lane == "nibble" else lanes
                return join_blocks(values, shape=(grid.height, grid.width, grid.channels), block=grid.block)
    raise UsageError(f"{grid.blocks} blocks of {structure.lanes} lanes cannot be told apart")


def _as_bytes(lanes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    lower, upper = np.split(lanes, 2, axis=-1)
    return np.asarray(upper * np.uint8(16) + lower, np.uint8)


def _base(structure: LaneStructure) -> int:
    return (structure.top + 1) // 2


def _symbols(structure: LaneStructure, *, count: int, base: int, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return symbols (count, N, lanes)."""
    blocks, lanes = structure.grid.blocks, structure.lanes
    length = count * blocks if structure.maps == "one" else count
    if structure.scrambled and (structure.maps == "listed" or base**length > _LARGEST_CODE):
        return generator.integers(base, size=(count, blocks, lanes), dtype=np.uint8)
    if structure.scrambled:
        words = 1 if structure.maps == "one" else blocks
        numbers = np.stack([generator.permutation(base**length)[:lanes] for _ in range(words)])
        digits = np.asarray(numbers // base ** np.arange(length)[:, None, None] % base, np.uint8)
        return digits.reshape(count, blocks, lanes)
    # Blocks that stay need no marks: all show the same, or, where they share a map, one digit each.
    powers = base ** np.minimum(np.arange(length), 6)
    digits = np.asarray(np.arange(lanes) // powers[:, None] % base, np.uint8)
    if structure.maps == "one":
        return digits.reshape(count, blocks, lanes)
    return np.repeat(digits[:, None], blocks, axis=1)


def _distinct(structure: LaneStructure, lanes: NDArray[np.uint8]) -> bool:
    """Tell whether no two lanes of a block look alike, where that matters, nor two blocks."""
    if structure.scrambled:
        marks = block_marks(lanes, top=structure.top)
        if len(np.unique(marks, axis=0)) < len(marks):
            return False
    if structure.maps != "one":
        return True
    samples = lanes.reshape(-1, structure.lanes)
    return bool(np.unique(samples, axis=1).shape[1] == structure.lanes)
