"""Pixel-based encryption as published programs do it: a mask over all values, a color code for every pixel."""

from __future__ import annotations

import numpy as np

from pixelveil.errors import UsageError
from pixelveil.plans import LanePlan
from pixelveil.schemes.legacy.arrays import LegacyArrays
from pixelveil.schemes.legacy.colors import PIXEL_CODES, PIXEL_DUPLICATES, color_table

__all__ = ["pixel_plan"]

_PLACES = np.arange(3)


def pixel_plan(material: LegacyArrays) -> LanePlan:
    """Return the plan: ``y[i, c] = v[i, T(c)] XOR 255 f[i, T(c)]`` with T the table of pixel i's code.

    One map for each of the 6 x 8 pairs of a code and a mask. Source: Sirichotedumrong et al., ICIP (2019); published
    code of SIA-GAN and ScrambleMix.

    Args:
        material: "mask" (H W C,), 1 where a value is inverted, in (row, column, channel) order; and, where the scheme
            shuffles, "colors" (H W,), codes 0..5.
    """
    height, width, channels = material.shape
    mask = material.bits("mask", shape=(height * width, channels))
    shuffle = material.parameters["shuffle"]
    if shuffle == "per_image":
        raise UsageError("no published code has one color code for an image", hint="-p shuffle=per_pixel or none")
    hint = "with codes: -p shuffle=per_pixel; without: -p shuffle=none"
    if not material.expects("colors", wanted=shuffle == "per_pixel", hint=hint):
        return LanePlan(flip=mask.reshape(-1) * np.uint8(255))
    table = color_table(material, meant=PIXEL_CODES, done=PIXEL_DUPLICATES)
    codes = material.codes("colors", shape=(height * width,), below=len(table))
    patterns = (np.arange(8)[:, None] >> _PLACES) & 1
    return LanePlan(
        source=np.repeat(table, len(patterns), axis=0),
        flip=patterns[:, table].swapaxes(0, 1).reshape(-1, channels) * 255,
        block_size=1,
        choice=codes * len(patterns) + mask @ (1 << _PLACES),
        grid=(height, width),
    )
