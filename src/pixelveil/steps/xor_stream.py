"""XOR with a key stream: classical encryption, as a yardstick."""

from __future__ import annotations

from dataclasses import dataclass

from pixelveil.keys import KeyMaterial
from pixelveil.plans import LanePlan
from pixelveil.steps.step import ImageShape, block_grid

__all__ = ["XorStream"]

# The stream is as long as the image, but no more secret than its key.
_STREAM_KEY_BITS = 256.0


@dataclass(frozen=True, kw_only=True)
class XorStream:
    """XOR every value with its byte of an AES-256-CTR key stream, ``y[i] = x[i] XOR k[i]``; whole images, any size.

    Source: NIST SP 800-38A (2001), section 6.5, counter mode.
    """

    name: str = "xor-stream"

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> LanePlan:
        """Return the plan; see `Step.plan`."""
        grid = block_grid(shape, block_size=1)
        return LanePlan(flip=material.stream(role).bytes(grid.blocks * grid.lanes)[:, None])

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return 256, the key of the stream."""
        block_grid(shape, block_size=1)
        return _STREAM_KEY_BITS
