"""Orthogonal block mixing: every value of a block becomes a mixture of all values of the block."""

from __future__ import annotations

from dataclasses import dataclass

from pixelveil.keys import KeyMaterial
from pixelveil.plans import AffinePlan
from pixelveil.steps.step import ImageShape, block_grid

__all__ = ["OrthogonalMixing"]

# The matrices are a continuum; what can be told apart is the 256-bit key that the stream is drawn with.
_STREAM_KEY_BITS = 256.0


@dataclass(frozen=True, kw_only=True)
class OrthogonalMixing:
    """Multiply each block by one random orthogonal matrix, ``y = Q x`` with ``Q Q^T = I``, the same for all blocks.

    Lengths and angles of blocks stay as they are, so distances between blocks are public.

    Source: Kiya, SCAT report (2023), step (c); Aso, Chuman and Kiya, arXiv 2301.03843.

    Args:
        block_size: Side of a block in pixels.
    """

    block_size: int
    name: str = "orthogonal-mixing"

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> AffinePlan:
        """Return the plan; see `Step.plan`."""
        lanes = block_grid(shape, block_size=self.block_size).lanes
        matrices = material.stream(role).orthogonal(lanes)
        matrix = matrices[0] if material.count == 1 else matrices[:, None]
        return AffinePlan(matrix=matrix, channels=shape[2])

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return 256: the matrix is only as secret as the key of its stream."""
        block_grid(shape, block_size=self.block_size)
        return _STREAM_KEY_BITS
