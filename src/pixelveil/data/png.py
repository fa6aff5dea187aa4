"""A PNG writer for ciphertext, four times as fast as a general one.

PNG compresses differences of neighbors and repeated strings; ciphertext has neither, so searching for them is lost
time. What is left is that grey levels are not equally frequent: rows are written as they are (filter 0) and
Huffman-coded. Files come out within a few percent of those of a general writer at its fastest level.

Format: W3C, "Portable Network Graphics (PNG) Specification (Second Edition)", 2003; RFC 1951 for the coding.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["PNG_CHANNELS", "encode_png"]

_COLOR_TYPES = {1: 0, 3: 2, 4: 6}
PNG_CHANNELS = tuple(_COLOR_TYPES)
"""Channels of the images that can be written: gray, RGB, RGBA."""


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Return an image as a PNG file.

    Args:
        image: uint8 (H, W, C) with 1, 3 or 4 channels.

    >>> import io
    >>> from PIL import Image
    >>> image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    >>> np.array_equal(np.asarray(Image.open(io.BytesIO(encode_png(image)))), image)
    True
    """
    height, width, channels = image.shape
    rows = np.zeros((height, 1 + width * channels), np.uint8)  # each row begins with the number of its filter
    rows[:, 1:] = image.reshape(height, -1)
    coder = zlib.compressobj(level=1, memLevel=9, strategy=zlib.Z_HUFFMAN_ONLY)
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOR_TYPES[channels], 0, 0, 0)
    data = coder.compress(rows.data) + coder.flush()
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
