"""Legacy material with the images that it is for: arrays are checked where they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.plans.geometry import BlockGrid
from pixelveil.steps import ImageShape

__all__ = ["LegacyArrays"]


@dataclass(frozen=True, kw_only=True)
class LegacyArrays:
    """Arrays of another program, the scheme's parameters, and the images that a plan is wanted for.

    Args:
        arrays: Integers by name.
        parameters: Those of the scheme.
        channel_bug: Whether color codes duplicate channels as the published code does.
        shape: (H, W, C) of the laid-out images.
        block: Side of a block in pixels.
    """

    arrays: Mapping[str, NDArray[Any]] = field(repr=False)
    parameters: Mapping[str, Any]
    channel_bug: bool
    shape: ImageShape
    block: int

    @property
    def grid(self) -> BlockGrid:
        """How blocks cut the images."""
        height, width, channels = self.shape
        return BlockGrid(height=height, width=width, channels=channels, block=(self.block, self.block))

    @property
    def where(self) -> tuple[int, int]:
        """Rows and columns of blocks."""
        return self.grid.rows, self.grid.columns

    def has(self, name: str) -> bool:
        """Return whether there is such an array."""
        return name in self.arrays

    def expects(self, name: str, *, wanted: bool, hint: str) -> bool:
        """Return whether an array is there, which must be as the scheme's parameters say.

        Raises:
            UsageError: It is there and not wanted, or wanted and not there.
        """
        if self.has(name) != wanted:
            raise UsageError(f"the material has {'an' if self.has(name) else 'no'} array {name!r}", hint=hint)
        return wanted

    def codes(self, name: str, *, shape: tuple[int, ...], below: int) -> NDArray[np.int64]:
        """Return an array of numbers 0..below-1 in the wanted shape; axes may be flattened in the material.

        Raises:
            UsageError: It is missing, or of another size, or holds other numbers.
        """
        if name not in self.arrays:
            raise UsageError(f"the material has no array {name!r}", hint=f"it has: {', '.join(sorted(self.arrays))}")
        array = np.asarray(self.arrays[name])
        if array.dtype.kind not in "uib" or array.size != np.prod(shape, dtype=np.int64):
            raise UsageError(
                f"array {name!r} is {array.dtype} {array.shape}; "
                f"images of {self.shape[0]}x{self.shape[1]} take integers {shape}",
                hint="choose the image and block size that the material was made for",
            )
        if array.min(initial=0) < 0 or array.max(initial=0) >= below:
            raise UsageError(f"array {name!r} must hold numbers 0 to {below - 1}")
        return array.reshape(shape).astype(np.int64)

    def permutations(self, name: str, *, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Return permutations along the last axis.

        Raises:
            UsageError: As `codes`, or a row names a place twice.
        """
        array = self.codes(name, shape=shape, below=shape[-1])
        if not (np.sort(array, axis=-1) == np.arange(shape[-1])).all():
            raise UsageError(f"array {name!r} must be a permutation of 0 to {shape[-1] - 1}")
        return array

    def bits(self, name: str, *, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Return an array of bits."""
        return self.codes(name, shape=shape, below=2).astype(np.uint8)
