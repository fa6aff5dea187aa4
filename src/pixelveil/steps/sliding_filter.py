"""Sliding filter: every pixel becomes a statistic of the window around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import ForwardPlan, Operation
from pixelveil.steps.block_statistic import Statistic, check_statistic
from pixelveil.steps.planes import float_type
from pixelveil.steps.step import ImageShape

__all__ = ["SlidingFilter", "check_kernel", "check_window"]


def check_kernel(kernel: int) -> None:
    """Raise unless a window has a middle.

    Raises:
        UsageError: Its side is even or not positive.
    """
    if kernel < 1 or kernel % 2 == 0:
        raise UsageError(f"kernel must be odd, as a window around a pixel is, not {kernel}")


def check_window(shape: ImageShape, *, kernel: int) -> ImageShape:
    """Return the shape of images that a window fits into.

    Raises:
        UsageError: A side of the image is smaller than the window, which mirrored pixels cannot fill then.
    """
    height, width, _ = shape
    if min(height, width) < kernel:
        raise UsageError(
            f"images of {height}x{width} pixels are smaller than the window of {kernel}x{kernel}",
            hint="enlarge the images, or choose a smaller window",
        )
    return shape


@dataclass(frozen=True, kw_only=True)
class SlidingFilter:
    """Replace each value by the median, mean, maximum or minimum of the window around it, in its channel.

    Beyond the edge the image is mirrored without repeating the outermost pixels. Results are floats.

    Source: Huang, Yap, Chiu and Sun, IEEE Access 10, 66345-66355 (2022), read as sliding windows.

    Args:
        statistic: "median", "mean", "max" or "min".
        kernel: Side of the window in pixels, odd.
    """

    statistic: Statistic
    kernel: int
    name: str = "sliding-filter"

    def __post_init__(self) -> None:
        check_statistic(self.statistic)
        check_kernel(self.kernel)

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

        kind, window = float_type(images), (1, self.kernel, self.kernel, 1)
        if self.statistic == "mean":
            # Sums that wander along a row: in double precision, so that no rounding of theirs is ever seen.
            mean = ndimage.uniform_filter(images, size=window, mode="mirror", output=np.float64)
            return np.asarray(mean, dtype=kind)
        chosen = {"median": ndimage.median_filter, "max": ndimage.maximum_filter, "min": ndimage.minimum_filter}
        return np.asarray(chosen[self.statistic](images, size=window, mode="mirror"), dtype=kind)
