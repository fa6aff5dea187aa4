"""The same in every block: what a step does to one block, done to all of them alike."""

from __future__ import annotations

from dataclasses import dataclass

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import LanePlan
from pixelveil.plans.lane_algebra import in_blocks
from pixelveil.steps.step import ImageShape, Step, block_grid

__all__ = ["EveryBlock"]


@dataclass(frozen=True, kw_only=True)
class EveryBlock:
    """Draw a step's key for one block, as if that block were the image, and use it for every block.

    A step on sub-blocks then treats the sub-blocks of all blocks alike, so that one map per block is left, which a
    patch embedding absorbs.

    Source: Lin, Imaizumi and Kiya, arXiv 2605.05692 (one key for all main blocks).

    Args:
        step: A step that rearranges; its own blocks divide the block.
        block_size: Side of a block in pixels.

    >>> from pixelveil.steps import BlockRotation
    >>> EveryBlock(step=BlockRotation(block_size=8), block_size=16).key_bits(shape=(224, 224, 3))
    12.0
    """

    step: Step
    block_size: int

    @property
    def name(self) -> str:
        """The name of the step."""
        return self.step.name

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> LanePlan:
        """Return the plan; see `Step.plan`."""
        grid = block_grid(shape, block_size=self.block_size)
        block = (self.block_size, self.block_size, shape[2])
        inner = self.step.plan(material=material, role=role, shape=block)
        if not isinstance(inner, LanePlan):
            raise UsageError(f"{self.step.name} does not rearrange values", hint="only such a step fits every block")
        whole = in_blocks(inner, block=None, image=block[:2])
        return LanePlan(
            source=whole.source, flip=whole.flip, block_size=grid.block, lane=whole.lane, grid=(grid.rows, grid.columns)
        )

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return the bits of one block."""
        block_grid(shape, block_size=self.block_size)
        return self.step.key_bits(shape=(self.block_size, self.block_size, shape[2]))
