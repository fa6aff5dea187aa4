"""Gaussian filter: every pixel becomes a weighted mean of the window around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import ForwardPlan, Operation
from pixelveil.steps.planes import float_type
from pixelveil.steps.sliding_filter import check_kernel, check_window
from pixelveil.steps.step import ImageShape

__all__ = ["GaussianFilter"]

# Below, the image stays as it is; above, all weights are equal. The square of what is far beyond is zero or infinite.
_SIGMAS = (0.01, 1000.0)


@dataclass(frozen=True, kw_only=True)
class GaussianFilter:
    """Blur each channel, ``y[i, c] = sum_j g_j x[i + j, c]`` down the columns, then along the rows.

    ``g_j = exp(-j^2 / (2 sigma^2)) / sum``, ``|j| <= (kernel - 1) / 2``. Beyond the edge the image is mirrored without
    repeating the outermost pixels. Results are floats.

    Source: Lin, thesis, NCCU (2025), section 2.2.2; any text on image processing.

    Args:
        kernel: Side of the window in pixels, odd.
        sigma: Standard deviation in pixels, 0.01 to 1000.
    """

    kernel: int
    sigma: float
    name: str = "gaussian-filter"

    def __post_init__(self) -> None:
        check_kernel(self.kernel)
        if not _SIGMAS[0] <= self.sigma <= _SIGMAS[1]:
            raise UsageError(f"sigma must be {_SIGMAS[0]} to {_SIGMAS[1]:,} pixels, not {self.sigma}")

    @property
    def weights(self) -> NDArray[np.float64]:
        """The weights ``g_j``, float64 (kernel,), which add up to one.

        >>> [round(float(weight), 4) for weight in GaussianFilter(kernel=3, sigma=0.8).weights]
        [0.239, 0.522, 0.239]
        """
        places = np.arange(self.kernel) - self.kernel // 2
        weights = np.exp(-(places**2) / (2 * self.sigma**2))
        return np.asarray(weights / weights.sum())

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> ForwardPlan:
        """Return the plan; see `Step.plan`. It reads no key."""
        check_window(shape, kernel=self.kernel)
        return ForwardPlan(parts=(Operation(self.name, self._filter),))

    def output_shape(self, shape: ImageShape) -> ImageShape:
        """Return the same shape.

        Raises:
            UsageError: The window does not fit into the image.
        """
        return check_window(shape, kernel=self.kernel)

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return 0: there is no key."""
        return 0.0

    def _filter(self, images: NDArray[Any]) -> NDArray[Any]:
        from scipy import ndimage

        values: NDArray[Any] = images
        for axis in (1, 2):
            values = ndimage.correlate1d(values, self.weights, axis=axis, mode="mirror", output=float_type(images))
        return values
