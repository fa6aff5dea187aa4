"""Whitening: the values of a block lose what is known of their covariance, so that a mixture of them shows less."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import AffinePlan
from pixelveil.plans.geometry import split_blocks
from pixelveil.steps.step import ImageShape, block_grid

__all__ = ["Whitening", "fit_whitening"]

Floats = NDArray[np.float64]

# Added to all variances, in mean ones: the weakest directions of natural blocks hold little but rounding, and a model
# in single precision must take back what is multiplied here.
_FLOOR = 1e-3

# Blocks that covariances are taken from at once.
_ROWS = 65_536


@dataclass(frozen=True, kw_only=True, eq=False)
class Whitening:
    """Take the mean from each block and multiply it by ``W = s (Sigma + f I)^-1/2``, the same for all blocks; no key.

    Multiplied by a secret orthogonal matrix, whitened blocks have the same variance in all directions: principal
    components tell nothing about the matrix. Neighboring blocks still do. An affine map like any other: a patch
    embedding absorbs it.

    Source: the design study of this project; Kessy, Lewin and Strimmer, The American Statistician 72 (2018).

    Args:
        block_size: Side of a block in pixels.
        matrix: float64 (L, L), W. None where it is only named.
        mean: float64 (L,), in grey levels; comes with the matrix.
    """

    block_size: int
    matrix: Floats | None = field(default=None, repr=False)
    mean: Floats | None = field(default=None, repr=False)
    name: str = "whitening"

    def __post_init__(self) -> None:
        if (self.matrix is None) != (self.mean is None):
            raise UsageError("a whitening comes with its mean")
        if self.matrix is None or self.mean is None:
            return
        lanes = len(self.mean)
        if self.matrix.shape != (lanes, lanes) or lanes not in (self.block_size**2, 3 * self.block_size**2):
            raise UsageError(
                f"a whitening {self.matrix.shape} is not for blocks of {self.block_size}x{self.block_size}",
                hint="fit one with the same parameters",
            )

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> AffinePlan:
        """Return the plan; see `Step.plan`. It reads no key."""
        lanes = block_grid(shape, block_size=self.block_size).lanes
        if self.matrix is None or self.mean is None:
            raise UsageError("the whitening is not at hand", hint="give the asset's file")
        if len(self.mean) != lanes:
            raise UsageError(f"the whitening is for blocks of {len(self.mean)} values, not {lanes}")
        return AffinePlan(matrix=self.matrix, offset=-self.matrix @ self.mean, channels=shape[2])

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return 0: it is public."""
        block_grid(shape, block_size=self.block_size)
        return 0.0


def fit_whitening(images: NDArray[Any], *, block_size: int) -> dict[str, Floats]:
    """Return "matrix" and "mean" of the whitening of blocks like those of some images.

    The matrix is symmetric and keeps the mean variance of values.

    Args:
        images: uint8 (n, H, W, C), whose sides are multiples of the block; public ones do.
        block_size: Side of a block in pixels.

    Raises:
        UsageError: There are fewer blocks than a block has values, or all are alike.
    """
    lanes = block_grid(images.shape[1:], block_size=block_size).lanes
    blocks = split_blocks(images, block=(block_size, block_size)).reshape(-1, lanes)
    if len(blocks) <= lanes:
        raise UsageError(f"{len(blocks)} blocks are too few to whiten {lanes} values", hint="give more images")
    mean = blocks.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((lanes, lanes))
    for start in range(0, len(blocks), _ROWS):
        part = blocks[start : start + _ROWS] - mean
        covariance += part.T @ part
    covariance /= len(blocks)
    average = float(np.trace(covariance)) / lanes
    if average <= 0:
        raise UsageError("images that are all alike cannot be whitened", hint="give other images")
    variances, vectors = np.linalg.eigh(covariance)
    gains = np.sqrt(average / (np.maximum(variances, 0) + _FLOOR * average))
    matrix: Floats = (vectors * gains) @ vectors.T
    return {"matrix": (matrix + matrix.T) / 2, "mean": mean}
