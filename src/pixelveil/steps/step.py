"""What every step is: key material and an image shape in, a plan out."""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import Plan
from pixelveil.plans.geometry import BlockGrid

__all__ = ["ImageShape", "Reshaping", "Step", "block_grid", "log2_factorial", "shape_after"]

ImageShape = tuple[int, int, int]
"""Height, width, channels."""


class Step(Protocol):
    """One operation of the literature."""

    @property
    def name(self) -> str:
        """Short name; with the step's number in the scheme it labels the key stream."""

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> Plan:
        """Return what the key does to images of this shape.

        Args:
            material: Where key streams come from; shared, or one per image.
            role: Label of this step's stream.
            shape: (H, W, C) of the images.
        """

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return log2 of the number of different keys of this step."""


@runtime_checkable
class Reshaping(Protocol):
    """A step that gives images of another shape than it takes."""

    def output_shape(self, shape: ImageShape) -> ImageShape:
        """Return (H', W', C') of what it gives for images (H, W, C)."""


def shape_after(step: Step, shape: ImageShape) -> ImageShape:
    """Return the shape of images after a step; most leave it as it is."""
    return step.output_shape(shape) if isinstance(step, Reshaping) else shape


def block_grid(shape: ImageShape, *, block_size: int) -> BlockGrid:
    """Return how square blocks cut an image of this shape.

    Raises:
        UsageError: The block does not divide the image, or the image has neither one nor three channels.
    """
    height, width, channels = shape
    if channels not in (1, 3):
        raise UsageError(f"images have 1 or 3 channels, not {channels}")
    return BlockGrid(height=height, width=width, channels=channels, block=(block_size, block_size))


def log2_factorial(number: int) -> float:
    """Return log2(number!).

    >>> round(log2_factorial(96), 2)
    498.28
    """
    return math.lgamma(number + 1) / math.log(2)
