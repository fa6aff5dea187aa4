"""Pictures of images: PNG bytes, data URIs, labeled strips, and what an attacker sees."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pixelveil.audit.pictures import data_uri, for_display, png
from pixelveil.errors import UsageError

__all__ = ["data_uri", "for_display", "leading_bit_fold", "png", "strip"]


def leading_bit_fold(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ``2 |v - 127.5|``, averaged over the color components: the ciphertext-only attack on skk.

    Neither the negative-positive transformation ``v -> 255 - v`` nor a shuffle of a pixel's components changes it, so
    the picture is the same for an image and for its ciphertext under any key (Chang and Case 2020, arXiv 2004.13263).

    Args:
        image: uint8, shape (H, W, C).

    Returns:
        uint8, shape (H, W, 3), gray.

    >>> image = np.array([[[3, 200, 90]]], np.uint8)
    >>> shuffled_and_negated = np.array([[[255 - 90, 3, 200]]], np.uint8)
    >>> bool((leading_bit_fold(image) == leading_bit_fold(shuffled_and_negated)).all())
    True
    """
    fold = np.abs(2 * image.astype(np.int64) - 255).sum(axis=2) // image.shape[2]
    return np.repeat(fold.astype(np.uint8)[..., None], 3, axis=2)


def strip(images: Sequence[NDArray[Any]], *, labels: Sequence[str], gap: int = 12) -> bytes:
    """Return a PNG with images side by side, each with its label below, on white.

    Args:
        images: uint8 or float, all of one shape (H, W, 3).
        labels: One line each.
        gap: Pixels between and around them.

    Raises:
        UsageError: The numbers or shapes differ.
    """
    if not images or len(images) != len(labels) or len({image.shape for image in images}) != 1:
        raise UsageError("a strip needs images of one shape and one label for each")
    height, width = images[0].shape[:2]
    line = 22
    canvas = Image.new("RGB", (gap + len(images) * (width + gap), gap + height + line + gap), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(size=14)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        left = gap + number * (width + gap)
        canvas.paste(Image.fromarray(for_display(image)), (left, gap))
        draw.text((left + width / 2, gap + height + line / 2 + 2), label, fill="#333333", font=font, anchor="mm")
    file = io.BytesIO()
    canvas.save(file, format="PNG", optimize=True)
    return file.getvalue()
