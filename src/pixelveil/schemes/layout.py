"""How images lie before the plan works on them: padded to whole blocks, planes interleaved or side by side."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from pixelveil.steps import ImageShape

__all__ = ["Planes", "laid_out_shape", "lay_back", "lay_out"]

Planes = Literal["interleaved", "side by side"]


def laid_out_shape(shape: ImageShape, *, block: int, planes: Planes) -> ImageShape:
    """Return (H, W, C) of padded and laid-out images.

    Args:
        shape: Of the plain images.
        block: Side in pixels that height and width are rounded up to multiples of.
        planes: "side by side" puts the C planes next to each other in one image of one channel.

    >>> laid_out_shape((30, 30, 3), block=8, planes="side by side")
    (32, 96, 1)
    """
    height, width, channels = shape
    height, width = -(-height // block) * block, -(-width // block) * block
    return (height, width * channels, 1) if planes == "side by side" else (height, width, channels)


def lay_out(images: Any, *, block: int, planes: Planes) -> Any:
    """Repeat the last column and row until blocks fit, then lay the planes out.

    Args:
        images: Array (N, H, W, C), or tensor (N, C, H, W) of an accelerator.
        block: Side of a block in pixels.
        planes: See `laid_out_shape`.
    """
    array = isinstance(images, np.ndarray)
    height, width = images.shape[1:3] if array else images.shape[2:4]
    below, right = -height % block, -width % block
    if below or right:
        images = _pad(images, below=below, right=right)
    if planes == "interleaved":
        return images
    if array:
        count, height, width, channels = images.shape
        return np.ascontiguousarray(images.transpose(0, 1, 3, 2)).reshape(count, height, channels * width, 1)
    count, channels, height, width = images.shape
    return images.permute(0, 2, 1, 3).reshape(count, 1, height, channels * width).contiguous()


def lay_back(images: Any, *, shape: ImageShape, planes: Planes) -> Any:
    """Undo `lay_out`.

    Args:
        images: What it returned.
        shape: (H, W, C) of the plain images, which padding is cropped to.
        planes: As there.
    """
    height, width, channels = shape
    array = isinstance(images, np.ndarray)
    if planes == "side by side":
        if array:
            count, tall, wide, _ = images.shape
            images = images.reshape(count, tall, channels, wide // channels).transpose(0, 1, 3, 2)
        else:
            count, _, tall, wide = images.shape
            images = images.reshape(count, tall, channels, wide // channels).permute(0, 2, 1, 3)
    return np.ascontiguousarray(images[:, :height, :width]) if array else images[:, :, :height, :width].contiguous()


def _pad(images: Any, *, below: int, right: int) -> Any:
    if isinstance(images, np.ndarray):
        return np.pad(images, ((0, 0), (0, below), (0, right), (0, 0)), mode="edge")
    from torch.nn.functional import pad

    # PyTorch pads no bytes this way, but floats hold them exactly.
    values = images if images.dtype.is_floating_point else images.float()
    return pad(values, (0, right, 0, below), mode="replicate").to(images.dtype)
