"""The U-Net as a function of images and weights (Ronneberger, Fischer and Brox, MICCAI 2015)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["unet", "unet_shapes"]

_CHANNELS = 3


def unet_shapes(*, width: int = 64, levels: int = 5) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array of a U-Net, by name.

    ``down0/0/kernel`` is the first convolution of the first level, (out, in, 3, 3); beside it are ``scale``, ``shift``,
    ``mean`` and ``variance`` of its batch normalization. ``up0/widen`` (in, out, 2, 2) is the transposed convolution
    that leads back to level 0, ``last`` the 1x1 convolution to three channels.

    Args:
        width: Channels of the first level; each further level has twice as many.
        levels: Number of levels.

    >>> shapes = unet_shapes(width=4, levels=2)
    >>> shapes["down1/0/kernel"], shapes["up0/widen/kernel"], shapes["up0/0/kernel"], shapes["last/kernel"]
    ((8, 4, 3, 3), (8, 4, 2, 2), (4, 8, 3, 3), (3, 4, 1, 1))
    """
    widths = [width << level for level in range(levels)]
    shapes: dict[str, tuple[int, ...]] = {}
    for level, wide in enumerate(widths):
        shapes |= _pair(f"down{level}", widths[level - 1] if level else _CHANNELS, wide)
    for level in reversed(range(levels - 1)):
        wide = widths[level]
        shapes |= {f"up{level}/widen/kernel": (2 * wide, wide, 2, 2), f"up{level}/widen/bias": (wide,)}
        shapes |= _pair(f"up{level}", 2 * wide, wide)
    return shapes | {"last/kernel": (_CHANNELS, width, 1, 1), "last/bias": (_CHANNELS,)}


def unet(images: Tensor, weights: Mapping[str, Tensor], *, training: bool = False) -> Tensor:
    """Return ``sigmoid(h(x))``: what a U-Net makes of images, any size.

    Every level is twice (3x3 convolution, batch normalization, ReLU); levels are joined by 2x2 maximum pooling on the
    way down, and by a transposed convolution and the skipped features, those first, on the way up.

    Args:
        images: (n, 3, H, W), in [0, 1]. Sides that 2^(levels - 1) does not divide are padded by repeating the last row
            and column; the result is cropped.
        weights: Arrays of `unet_shapes`.
        training: Normalize by the statistics of the batch, and update the running ones.

    Returns:
        (n, 3, H, W), in [0, 1].
    """
    from torch import cat
    from torch.nn import functional

    levels = sum(name.startswith("down") and name.endswith("0/kernel") for name in weights)
    height, width = images.shape[2:]
    unit = 1 << (levels - 1)
    features = functional.pad(images, (0, -width % unit, 0, -height % unit), mode="replicate")
    skipped: list[Tensor] = []
    for level in range(levels):
        if level:
            skipped.append(features)
            features = functional.max_pool2d(features, 2)
        features = _twice(features, weights, f"down{level}", training=training)
    for level in reversed(range(levels - 1)):
        kernel, bias = weights[f"up{level}/widen/kernel"], weights[f"up{level}/widen/bias"]
        features = functional.conv_transpose2d(features, kernel, bias, stride=2)
        features = _twice(cat([skipped.pop(), features], dim=1), weights, f"up{level}", training=training)
    features = functional.conv2d(features, weights["last/kernel"], weights["last/bias"])
    return features.sigmoid()[:, :, :height, :width]


def _twice(features: Tensor, weights: Mapping[str, Tensor], name: str, *, training: bool) -> Tensor:
    """Convolve, normalize and rectify, two times."""
    from torch.nn import functional

    for part in (f"{name}/0", f"{name}/1"):
        features = functional.conv2d(features, weights[f"{part}/kernel"], padding=1)
        features = functional.batch_norm(
            features,
            weights[f"{part}/mean"],
            weights[f"{part}/variance"],
            weights[f"{part}/scale"],
            weights[f"{part}/shift"],
            training=training,
        ).relu()
    return features


def _pair(name: str, given: int, wide: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of two convolutions with their normalization."""
    shapes: dict[str, tuple[int, ...]] = {}
    for part, channels in (("0", given), ("1", wide)):
        shapes[f"{name}/{part}/kernel"] = (wide, channels, 3, 3)
        shapes |= {f"{name}/{part}/{what}": (wide,) for what in ("scale", "shift", "mean", "variance")}
    return shapes
