"""The generator of CycleGAN as a function of images and weights (Zhu, Park, Isola and Efros, ICCV 2017, section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["generator", "generator_shapes"]

_CHANNELS = 3

# The 7x7 convolution mirrors three pixels of the border, and the residual blocks one of a quarter-size image.
_SMALLEST_SIDE = 8
_UNIT = 4


def generator_shapes(*, width: int = 64, blocks: int = 6) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array of a generator, by name.

    Args:
        width: Channels after the first convolution.
        blocks: Number of residual blocks; the paper has 6 at 128 pixels a side and 9 above.

    >>> shapes = generator_shapes(width=4, blocks=1)
    >>> shapes["first/kernel"], shapes["block0/1/kernel"], shapes["up1/kernel"], shapes["last/kernel"]
    ((4, 3, 7, 7), (16, 16, 3, 3), (8, 4, 3, 3), (3, 4, 7, 7))
    """
    kernels = {
        "first": (width, _CHANNELS, 7, 7),
        "down0": (2 * width, width, 3, 3),
        "down1": (4 * width, 2 * width, 3, 3),
        **{f"block{block}/{half}": (4 * width, 4 * width, 3, 3) for block in range(blocks) for half in range(2)},
        "up0": (4 * width, 2 * width, 3, 3),
        "up1": (2 * width, width, 3, 3),
        "last": (_CHANNELS, width, 7, 7),
    }
    shapes: dict[str, tuple[int, ...]] = {}
    for name, kernel in kernels.items():
        shapes |= {f"{name}/kernel": kernel, f"{name}/bias": (kernel[1 if name.startswith("up") else 0],)}
    return shapes


def generator(images: Tensor, weights: Mapping[str, Tensor], *, training: bool = False) -> Tensor:
    """Return what a generator makes of images, any size: c7s1, two d, residual blocks, two u, c7s1 of the paper.

    Every convolution but the last is followed by instance normalization; ReLU everywhere but at the end of a residual
    block; the result is ``(tanh + 1) / 2``.

    Args:
        images: (n, 3, H, W), in [0, 1]; inside they run from -1 to 1. Sides are padded to multiples of 4, at least 8,
            by repeating the last row and column; the result is cropped.
        weights: Arrays of `generator_shapes`.
        training: Makes no difference: instance normalization has no running statistics.

    Returns:
        (n, 3, H, W), in [0, 1].
    """
    from torch.nn import functional

    del training

    def convolve(features: Tensor, name: str, *, mirrored: int = 0, stride: int = 1) -> Tensor:
        if mirrored:
            features = functional.pad(features, (mirrored,) * 4, mode="reflect")
        kernel, bias = weights[f"{name}/kernel"], weights[f"{name}/bias"]
        return functional.conv2d(features, kernel, bias, stride=stride, padding=0 if mirrored else 1)

    def widen(features: Tensor, name: str) -> Tensor:
        kernel, bias = weights[f"{name}/kernel"], weights[f"{name}/bias"]
        return functional.conv_transpose2d(features, kernel, bias, stride=2, padding=1, output_padding=1)

    height, width = images.shape[2:]
    below, right = (max(-side % _UNIT, _SMALLEST_SIDE - side) for side in (height, width))
    features = functional.pad(2 * images - 1, (0, right, 0, below), mode="replicate")
    normal = functional.instance_norm
    features = normal(convolve(features, "first", mirrored=3)).relu()
    for name in ("down0", "down1"):
        features = normal(convolve(features, name, stride=2)).relu()
    for block in range(sum(name.startswith("block") and name.endswith("/0/kernel") for name in weights)):
        change = normal(convolve(features, f"block{block}/0", mirrored=1)).relu()
        features = features + normal(convolve(change, f"block{block}/1", mirrored=1))
    for name in ("up0", "up1"):
        features = normal(widen(features, name)).relu()
    result = (convolve(features, "last", mirrored=3).tanh() + 1) / 2
    return result[:, :, :height, :width]
