"""Edge noise: Laplace noise on every value, less of it on the pixels of edges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.keys import KeyMaterial
from pixelveil.plans import ForwardPlan, Operation
from pixelveil.steps.choice import draw_laplace
from pixelveil.steps.step import ImageShape

__all__ = ["EdgeNoise", "find_features"]

# Smaller slopes, in grey levels, are what rounding leaves of none.
_FLAT = 1e-9


@dataclass(frozen=True, kw_only=True)
class EdgeNoise:
    """Add ``z / e`` to every value, z Laplace noise of scale one, e larger on feature pixels than elsewhere.

    1. Add noise of scale ``1 / mask_epsilon`` to a copy of the image and find the feature pixels of that copy, which is
       then thrown away.
    2. Add noise of scale ``1 / feature_epsilon`` to the values of feature pixels, ``1 / epsilon`` to all others.

    Both are the Laplace mechanism for the distance ``d(x, x') = sum |x - x'|`` in grey levels, so together

        P[y(x) in S] <= exp((mask_epsilon + feature_epsilon) d(x, x')) P[y(x') in S]

    for all images x, x' of a size and all sets S. Rounding and clipping what comes out changes nothing about it. With
    ``mask_epsilon`` 0 the features are found on the image itself; the inequality then holds only between images with
    the same feature pixels. Source of the mechanism: Chatzikokolakis et al., PETS (2013); Dwork et al., TCC (2006).

    Args:
        epsilon: Per grey level, for values that are no feature.
        feature_epsilon: Per grey level, for values of feature pixels; at least ``epsilon``.
        mask_epsilon: Per grey level, for finding the features; 0 finds them without noise.
        feature_share: Share of the pixels that are features, 0 to 1.
        smoothing: Standard deviation in pixels of the Gaussian before edges are looked for.
    """

    epsilon: float
    feature_epsilon: float
    mask_epsilon: float
    feature_share: float
    smoothing: float
    name: str = "edge-noise"

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> ForwardPlan:
        """Return the plan; see `Step.plan`."""
        height, width, channels = shape
        size = height * width * channels
        noise = draw_laplace(material.stream(f"{role}/noise"), size).reshape(-1, *shape)
        blur: NDArray[np.float64] | float = 0.0
        if self.mask_epsilon > 0:
            blur = draw_laplace(material.stream(f"{role}/mask"), size).reshape(-1, *shape) / self.mask_epsilon

        def add(images: NDArray[Any]) -> NDArray[np.float64]:
            features = find_features(images + blur, share=self.feature_share, smoothing=self.smoothing)
            return images + noise / np.where(features, self.feature_epsilon, self.epsilon)[..., None]

        return ForwardPlan(parts=(Operation(self.name, add, count=material.count),))

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return 0: there is no key."""
        del shape
        return 0.0


def find_features(images: NDArray[Any], *, share: float, smoothing: float) -> NDArray[np.bool_]:
    """Find the pixels of edges: those where the Sobel gradient of the smoothed gray image is largest.

    Args:
        images: (n, H, W, C), grey levels; the gray image is the mean of the channels.
        share: Share of the pixels that are found, rounded up to whole pixels; fewer where the image is flat.
        smoothing: Standard deviation of the Gaussian, in pixels.

    Returns:
        bool (n, H, W).

    >>> step = np.repeat([0.0, 0.0, 0.0, 90.0, 90.0, 90.0], 6).reshape(1, 6, 6, 1)
    >>> find_features(step, share=1 / 3, smoothing=0.5)[0, :, 0].tolist()
    [False, False, True, True, False, False]
    """
    from scipy import ndimage

    gray = images.mean(axis=3, dtype=np.float64)
    smooth = ndimage.gaussian_filter(gray, sigma=(0, smoothing, smoothing), mode="nearest")
    # Not scipy.ndimage.sobel, which would smooth over the images of the batch too.
    down, right = (
        ndimage.correlate1d(
            ndimage.correlate1d(smooth, (-1, 0, 1), axis=axis, mode="nearest"), (1, 2, 1), axis=3 - axis, mode="nearest"
        )
        for axis in (1, 2)
    )
    steepness = np.hypot(down, right)
    pixels = gray.shape[1] * gray.shape[2]
    wanted = max(1, math.ceil(share * pixels))
    threshold = np.partition(steepness.reshape(-1, pixels), -wanted, axis=1)[:, -wanted]
    found: NDArray[np.bool_] = (steepness >= threshold[:, None, None]) & (steepness > _FLAT)
    return found
