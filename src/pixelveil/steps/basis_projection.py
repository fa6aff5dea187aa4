"""Basis projection: the rows of every color plane in coordinates of a secret basis, fitted on private images."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import ForwardPlan, Operation
from pixelveil.steps.planes import as_images, as_planes
from pixelveil.steps.step import ImageShape
from pixelveil.steps.truncated_svd import peak_signs

__all__ = ["BasisProjection", "fit_basis"]


@dataclass(frozen=True, kw_only=True, eq=False)
class BasisProjection:
    """Replace each row of a color plane by its first k coordinates, ``Y = (X - mean) V_k``; results are floats.

    Source: Popescu et al., MED 2023, arXiv 2308.16530.

    Args:
        components: How many coordinates, k.
        basis: float64 (C, W, K), K >= k: the columns of a channel's matrix are orthonormal. None where it is only
            named: sizes are told, but nothing is projected.
        mean: float64 (C, W), the mean row of each channel.
    """

    components: int
    basis: NDArray[np.float64] | None = field(default=None, repr=False)
    mean: NDArray[np.float64] | None = field(default=None, repr=False)
    name: str = "basis-projection"

    def __post_init__(self) -> None:
        if self.components < 1:
            raise UsageError(f"components must be positive, not {self.components}")
        if (self.basis is None) != (self.mean is None):
            raise UsageError("a basis comes with its mean")
        if self.basis is None or self.mean is None:
            return
        if self.basis.ndim != 3 or self.mean.shape != self.basis.shape[:2]:
            raise UsageError(f"a basis (C, W, K) with a mean (C, W), not {self.basis.shape} with {self.mean.shape}")
        if self.basis.shape[2] < self.components:
            raise UsageError(
                f"the basis has {self.basis.shape[2]} components, not {self.components}",
                hint="ask for fewer, or fit one with more",
            )

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> ForwardPlan:
        """Return the plan; see `Step.plan`. It reads no key: the basis is the secret."""
        self.output_shape(shape)
        if self.basis is None or self.mean is None:
            raise UsageError("the basis is not at hand", hint="give the asset's file")
        # A product of its own for these columns: one of more columns might sum in another order.
        basis, mean = np.ascontiguousarray(self.basis[:, :, : self.components]), self.mean[:, None, :]

        def project(images: NDArray[Any]) -> NDArray[Any]:
            return as_images((as_planes(images) - mean) @ basis, like=images)

        return ForwardPlan(parts=(Operation(self.name, project),))

    def output_shape(self, shape: ImageShape) -> ImageShape:
        """Return (H, k, C).

        Raises:
            UsageError: The basis is for images of another width or of other channels.
        """
        height, width, channels = shape
        if self.basis is not None and self.basis.shape[:2] != (channels, width):
            raise UsageError(
                f"the basis is for images {self.basis.shape[1]} pixels wide of {self.basis.shape[0]} channels, "
                f"not {width} of {channels}",
                hint="resize the images, or fit a basis on images of this width",
            )
        return (height, self.components, channels)

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return 0: no key stream decides anything."""
        return 0.0


def fit_basis(images: NDArray[Any], *, components: int) -> dict[str, NDArray[np.float64]]:
    """Return the principal components of the rows of images: right singular vectors of the stacked, centered rows.

    The sign of each vector is the one that makes its entry of largest magnitude positive (the first where several
    are).

    Args:
        images: uint8 or float (n, H, W, C) in grey levels; some hundred are enough.
        components: How many vectors, k; the values that they leave out are lost.

    Returns:
        "basis", float64 (C, W, k), by descending variance, and "mean", float64 (C, W).

    Raises:
        UsageError: Fewer rows or columns than components.
    """
    if images.ndim != 4:
        raise UsageError(f"images must be (n, H, W, C), not {images.shape}")
    count, height, width, channels = images.shape
    if not 1 <= components <= min(count * height - 1, width):
        raise UsageError(
            f"{count} images of {height}x{width} pixels have no {components} components",
            hint=f"ask for at most {min(count * height - 1, width)}, or give more images",
        )
    basis, means = np.empty((channels, width, components)), np.empty((channels, width))
    for channel in range(channels):
        rows = images[..., channel].reshape(-1, width).astype(np.float64)
        means[channel] = rows.mean(axis=0)
        rows -= means[channel]
        # The eigenvectors of the small scatter matrix are the right singular vectors of the tall one.
        vectors = np.linalg.eigh(rows.T @ rows)[1][:, ::-1][:, :components]
        basis[channel] = vectors * peak_signs(vectors)
    return {"basis": basis, "mean": means}
