"""Draw what public programs draw from a seed; the only place of the package with random numbers that are no secret."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.plans.geometry import BlockGrid
from pixelveil.steps import ImageShape

__all__ = ["RECIPES", "Generator", "Recipe", "SeededScheme", "draw"]

Generator = Literal["numpy", "numpy-generator", "python"]

_WORD = (1 << 64) - 1


@dataclass(frozen=True, kw_only=True)
class SeededScheme:
    """What a recipe is asked for.

    Args:
        seed: Not negative.
        generator: "numpy" (`numpy.random.RandomState`), "numpy-generator" (`numpy.random.default_rng`) or "python"
            (`random.Random`).
        shape: (H, W, C) of the laid-out images.
        block: Side of a block in pixels.
        parameters: Those of the scheme.
    """

    seed: int = field(repr=False)
    generator: Generator
    shape: ImageShape
    block: int
    parameters: Mapping[str, Any]

    @property
    def grid(self) -> BlockGrid:
        """How blocks cut the images."""
        height, width, channels = self.shape
        return BlockGrid(height=height, width=width, channels=channels, block=(self.block, self.block))

    def numpy(self) -> np.random.RandomState | np.random.Generator:
        """Return a fresh generator of NumPy."""
        return np.random.RandomState(self.seed) if self.generator == "numpy" else np.random.default_rng(self.seed)

    def python(self) -> random.Random:
        """Return a fresh generator of Python."""
        return random.Random(self.seed)  # noqa: S311 - what other programs drew with it is drawn again; it is no key

    def python_permutation(self, size: int) -> list[int]:
        """Return a list that a fresh generator of Python shuffled.

        >>> asked = SeededScheme(seed=30, generator="python", shape=(1, 1, 1), block=1, parameters={})
        >>> asked.python_permutation(64)[:4]
        [14, 43, 53, 26]
        """
        places = list(range(size))
        self.python().shuffle(places)
        return places


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one program draws a scheme's arrays.

    Args:
        draw: The function.
        bits: Width that the program cuts the seed to; 0: the generator's own.
    """

    draw: Callable[[SeededScheme], dict[str, Any]]
    bits: int = 0


def draw(name: str, *, asked: SeededScheme) -> tuple[dict[str, NDArray[Any]], int]:
    """Return a scheme's arrays by name, and how many bits of seed they follow from.

    Args:
        name: Of the scheme.
        asked: With what.

    Raises:
        UsageError: No public program draws this scheme so, or the seed is out of range.
    """
    if asked.generator not in get_args(Generator):
        raise UsageError(f"rng must be one of {', '.join(get_args(Generator))}, not {asked.generator!r}")
    recipe = RECIPES.get((name, asked.generator))
    if recipe is None:
        known = [generator for scheme, generator in RECIPES if scheme == name]
        raise UsageError(
            f"no public program draws {name} from a seed of {asked.generator}",
            hint=f"for {name}: {', '.join(known)}" if known else "give its arrays",
        )
    if asked.seed < 0 or (asked.generator == "numpy" and asked.seed >> 32):
        raise UsageError("a seed is not negative, and one of numpy has at most 32 bits")
    bits = recipe.bits or max(32, asked.seed.bit_length())
    return {label: np.asarray(values) for label, values in recipe.draw(asked).items()}, bits


def _le(asked: SeededScheme) -> dict[str, Any]:
    """One shuffle; `numpy.random.permutation(m)` and shuffling ``arange(m)`` are the same draw."""
    size = 2 * asked.grid.lanes
    if asked.generator == "python":
        return {"permutation": asked.python_permutation(size)}
    return {"permutation": asked.numpy().permutation(size)}


def _ele(asked: SeededScheme) -> dict[str, Any]:
    """One key after the other by NumPy; the order of blocks by Python, as the training scripts do."""
    generator, size, blocks = asked.numpy(), 2 * asked.grid.lanes, asked.grid.blocks
    keys = np.stack([generator.permutation(size) for _ in range(blocks)])
    return {"permutations": keys, **_ele_order(asked)}


def _ele_order(asked: SeededScheme) -> dict[str, Any]:
    return {"block_order": asked.python_permutation(asked.grid.blocks)}


def _etc(asked: SeededScheme) -> dict[str, Any]:
    """Three codes a block, then the order of blocks, then which half of them is inverted."""
    generator, blocks = asked.python(), asked.grid.blocks
    codes = [(generator.randint(0, 3), generator.randint(0, 2), generator.randint(0, 5)) for _ in range(blocks)]
    order, inversion = list(range(blocks)), [1 - block % 2 for block in range(blocks)]
    generator.shuffle(order)
    generator.shuffle(inversion)
    rotate, reverse, channel = np.array(codes).T
    return {"rotate": rotate, "reverse": reverse, "channel": channel, "shuffle": order, "negaposi": inversion}


def _pixels(asked: SeededScheme) -> dict[str, Any]:
    """A bit a value, a code a pixel. The two programs mean opposite things by a 1: one keeps, one inverts."""
    generator, values = asked.numpy(), int(np.prod(asked.shape))
    if isinstance(generator, np.random.RandomState):
        mask, colors = 1 - generator.randint(0, 2, size=values), generator.randint(0, 6, size=values // 3)
    else:
        mask, colors = generator.integers(0, 2, size=values), generator.integers(0, 6, size=values // 3)
    return {"mask": mask, "colors": colors} if asked.parameters["shuffle"] == "per_pixel" else {"mask": mask}


def _vit(asked: SeededScheme) -> dict[str, Any]:
    """The permutation of a block's values, then that of the blocks, from one generator."""
    generator, wants = asked.numpy(), asked.parameters
    keys = {"key_1": generator.permutation(asked.grid.lanes), "key_2": generator.permutation(asked.grid.blocks)}
    return {name: keys[name] for name, on in (("key_1", wants["shuffle"]), ("key_2", wants["scramble_blocks"])) if on}


def _compressible(asked: SeededScheme) -> dict[str, Any]:
    """Five draws for each main block from a seed of its own, and one for the main blocks; all seeds have 31 bits."""
    parts = (asked.block // int(asked.parameters["sub_block_size"])) ** 2
    inside, between = _mixed(asked.seed, 0x57), _mixed(asked.seed, 0x35)
    blocks = range(asked.grid.blocks)
    seeds = [_mixed(inside, block) for block in blocks] if asked.parameters["per_block"] else [inside]
    names = ("rotation", "flipping", "np_inversion", "channel_shuffle", "sb_scrambling_order")
    rows = []
    for seed in seeds:
        generator = np.random.default_rng(seed)
        codes = [generator.integers(0, bound, size=parts) for bound in (4, 4, 2)]
        colors = np.stack([generator.permutation(asked.shape[2]) for _ in range(parts)])
        rows.append((*codes, colors, generator.permutation(parts)))
    arrays = {name: np.stack(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    return {**arrays, "mb_scrambling_order": np.random.default_rng(between).permutation(len(blocks))}


def _mixed(*values: int) -> int:
    """Return the 31-bit seed that the program folds numbers to: ``h ^= v + c + (h << 6) + (h >> 2)`` in 64 bits.

    >>> _mixed(0, 0x57) < 1 << 31
    True
    """
    state = 0x9E3779B97F4A7C15
    for value in values:
        state ^= (value + 0x9E3779B9 + (state << 6) + (state >> 2)) & _WORD
        state &= _WORD
    return state & 0x7FFFFFFF


RECIPES: dict[tuple[str, Generator], Recipe] = {
    ("tanaka-le", "numpy"): Recipe(draw=_le),
    ("tanaka-le", "numpy-generator"): Recipe(draw=_le),
    ("tanaka-le", "python"): Recipe(draw=_le),
    ("madono-ele", "numpy"): Recipe(draw=_ele),
    ("madono-ele", "numpy-generator"): Recipe(draw=_ele),
    ("madono-ele", "python"): Recipe(draw=_ele_order),
    ("etc-color", "python"): Recipe(draw=_etc),
    ("smkk", "numpy"): Recipe(draw=_pixels),
    ("smkk", "numpy-generator"): Recipe(draw=_pixels),
    ("skk", "numpy"): Recipe(draw=_pixels),
    ("skk", "numpy-generator"): Recipe(draw=_pixels),
    ("vit-permutation", "numpy"): Recipe(draw=_vit),
    ("vit-permutation", "numpy-generator"): Recipe(draw=_vit),
    ("vit-compressible", "numpy-generator"): Recipe(draw=_compressible, bits=31),
}
"""By scheme and generator. ELE with Python's draws the order of blocks alone: its keys come as arrays."""
