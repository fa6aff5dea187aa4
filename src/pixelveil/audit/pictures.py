"""Pictures of the report: PNG files as ``data:`` addresses, kept beside the cells so that a resumed audit has them."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pixelveil.atomic import write_atomic
from pixelveil.attacks.attack import Images

__all__ = ["COLUMNS", "Row", "Strip", "data_uri", "for_display", "png", "read_pictures", "write_pictures"]

COLUMNS = ("plain", "encrypted", "best reconstruction", "the same attack on noise")
"""What the pictures of a row show."""

Row = tuple[str, tuple[str, ...]]
"""Label of a victim, and the addresses of its pictures."""

# Noise does not compress: larger pictures would make reports of many megabytes.
_LARGEST_SIDE = 112
_PREFIX = "data:image/png;base64,"


@dataclass(frozen=True, kw_only=True, eq=False)
class Strip:
    """One victim in pictures.

    Args:
        label: Which one: best, median, worst.
        images: Plain, encrypted, reconstruction, the same attack on noise; (H, W, C) each.
    """

    label: str
    images: tuple[Images, ...] = field(repr=False)


def for_display(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return an image that a screen can show: 8-bit images as they are, float images scaled.

    The first percentile of the values becomes black and the 99th white; a few extreme values would leave all gray.

    Args:
        image: uint8, or float of any range, shape (H, W, C).

    >>> shown = for_display(np.linspace(-300, 700, 300).reshape(10, 10, 3))
    >>> int(shown.min()), int(shown.max())
    (0, 255)
    """
    if image.dtype == np.uint8:
        return image
    low, high = np.percentile(image, [1, 99])
    scaled = np.rint((image - low) * (255 / max(high - low, 1e-9)))
    return np.asarray(np.clip(scaled, 0, 255), np.uint8)


def png(image: NDArray[Any], *, scale: int = 1) -> bytes:
    """Return an image as a PNG file.

    Args:
        image: uint8 or float, shape (H, W, 3); float images are scaled for display.
        scale: Every pixel becomes a square of this side.
    """
    pixels = for_display(image).repeat(scale, axis=0).repeat(scale, axis=1)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", optimize=True)
    return file.getvalue()


def data_uri(image: NDArray[Any], *, scale: int = 1) -> str:
    """Return an image as a ``data:`` address, for a page that needs nothing beside it."""
    return _PREFIX + base64.b64encode(png(image, scale=scale)).decode("ascii")


def write_pictures(path: Path, strips: Sequence[Strip]) -> None:
    """Write the pictures of a cell; only their owner may read them.

    Args:
        path: A JSON file; its folder must exist.
        strips: Some victims.
    """
    rows = [[strip.label, [data_uri(_shrunk(image)) for image in strip.images]] for strip in strips]
    write_atomic(path, json.dumps(rows).encode(), mode=0o600)


def read_pictures(path: Path) -> tuple[Row, ...]:
    """Return what `write_pictures` wrote; nothing where it did not, or something else stands there.

    Args:
        path: The JSON file.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        found = tuple((str(label), tuple(str(address) for address in addresses)) for label, addresses in rows)
    except (OSError, ValueError, TypeError):
        return ()
    return found if all(one.startswith(_PREFIX) for _, addresses in found for one in addresses) else ()


def _shrunk(image: Images) -> NDArray[np.uint8]:
    """Return an image for the screen: three channels, no side longer than the report needs."""
    pixels = for_display(image)
    if pixels.shape[2] not in (1, 3):
        pixels = pixels[..., :3] if pixels.shape[2] > 3 else pixels[..., :1]
    pixels = pixels if pixels.shape[2] == 3 else np.repeat(pixels, 3, axis=2)
    if max(pixels.shape[:2]) <= _LARGEST_SIDE:
        return pixels
    picture = Image.fromarray(pixels)
    picture.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
    return np.asarray(picture)
