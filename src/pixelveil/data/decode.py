"""One image file to one array: RGB, eight bits, upright, without metadata.

What is done, in this order, and why it is said here: an encrypted data set can only be as good as the pixels that
went in, and nobody can look at the result to see what went wrong.

* Only pixels are kept. EXIF, ICC profiles, comments and thumbnails are dropped; no color profile is applied.
* The EXIF orientation is applied first, so that images stand upright without it.
* Gray, palette, CMYK, YCbCr, Lab and HSV images become RGB by Pillow's conversion.
* Transparent pixels are laid on white.
* 16-bit gray values ``v`` become ``round(v / 257)``: full scale stays full scale, no contrast is stretched.
* Floating-point and 32-bit images, and files with several frames, are refused: which values or frames matter is a
  decision that only their owner can make.
* ``size`` scales the shorter side to ``size`` (bicubic, with antialiasing), then crops the center, as
  torchvision's ``Resize`` and ``CenterCrop`` do. Large JPEG files are read at a reduced scale of at least twice
  ``size`` first, which is several times faster.
"""

from __future__ import annotations

import functools
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from pixelveil.errors import ImageError, UsageError

__all__ = ["IMAGE_SUFFIXES", "MAX_PIXELS", "Pixels", "check_size", "decode_image", "image_shape"]

Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]

MAX_PIXELS = 1 << 26  # a header may promise more pixels than the memory holds

# Formats that are decoded in this process by maintained code; EPS, say, would start Ghostscript. They are tried in this
# order: frequent ones first, last those that are hard to tell. MPO (two views of a telephone) is read as JPEG.
_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "AVIF", "JPEG2000", "GIF", "BMP", "DIB", "PPM", "SGI", "PCX", "TGA")

IMAGE_SUFFIXES = frozenset(
    (
        *(".apng", ".avif", ".avifs", ".bmp", ".dib", ".gif", ".j2c", ".j2k", ".jfif", ".jp2", ".jpc", ".jpe"),
        *(".jpeg", ".jpf", ".jpg", ".jpx", ".mpo", ".pbm", ".pcx", ".pgm", ".png", ".pnm", ".ppm", ".rgb", ".rgba"),
        *(".sgi", ".tga", ".tif", ".tiff", ".webp"),
    )
)

# What decoders are known to raise on bytes that are not what they promise; the fuzz test finds no more.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    EOFError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
)

_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)  # EXIF tag, and its values that swap height and width
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N", "I")
_TRANSPARENT = ("RGBA", "RGBa", "LA", "La", "PA")


def decode_image(path: Path, *, size: int | None = None, max_pixels: int = MAX_PIXELS) -> Pixels:
    """Read an image file as upright 8-bit RGB pixels and nothing else.

    Args:
        path: The file, in any of the usual raster formats.
        size: Side of the square to return, in pixels; None keeps height and width.
        max_pixels: Largest height times width that is decoded.

    Returns:
        Array (H, W, 3), uint8.

    Raises:
        ImageError: The file cannot be read, is larger than ``max_pixels``, or holds something else than one picture.
        UsageError: ``size`` is below one, or its square has more than ``max_pixels``.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "a.png"
    ...     Image.new("LA", (6, 4), (0, 0)).save(file)  # black, fully transparent
    ...     pixels = decode_image(file, size=2)
    >>> pixels.shape, int(pixels.min())
    ((2, 2, 3), 255)
    """
    if size is not None:
        check_size(size, max_pixels=max_pixels)
    with _opened(path, max_pixels=max_pixels) as image:
        if size is not None:
            image.draft("RGB", (2 * size, 2 * size))
        ImageOps.exif_transpose(image, in_place=True)
        upright = _rgb(image, path=path)
        return np.asarray(upright if size is None else _resized(upright, size=size))


def check_size(size: int, *, max_pixels: int = MAX_PIXELS) -> None:
    """Raise unless a square of this side is an image.

    Args:
        size: Side in pixels.
        max_pixels: Largest number of pixels of an image.

    Raises:
        UsageError: The side is below one or too large.
    """
    if not 1 <= size <= math.isqrt(max_pixels):
        raise UsageError(f"size {size} is not between 1 and {math.isqrt(max_pixels)} pixels")


def image_shape(path: Path, *, max_pixels: int = MAX_PIXELS) -> tuple[int, int, int]:
    """Return the (H, W, 3) that ``decode_image`` without a size would give, from the file's header alone.

    Args:
        path: The file.
        max_pixels: Largest height times width that is accepted.

    Raises:
        ImageError: As ``decode_image`` where the header tells; damage further on is not seen.
    """
    with _opened(path, max_pixels=max_pixels) as image:
        if image.getexif().get(_ORIENTATION, 1) not in _TURNED:
            return image.height, image.width, 3
    height, width, channels = decode_image(path, max_pixels=max_pixels).shape  # formats differ in what width means here
    return height, width, channels


@contextmanager
def _opened(path: Path, *, max_pixels: int) -> Iterator[Image.Image]:
    """Open an image; what its decoder raises, now or in the block, becomes an ImageError."""
    try:
        with Image.open(path, formats=_formats()) as image:
            _check_frame(image, path=path, max_pixels=max_pixels)
            yield image
    except UnidentifiedImageError:
        raise ImageError(f"{path}: is not an image in a known format") from None
    except Image.DecompressionBombError:
        raise ImageError(f"{path}: has more than the limit of {max_pixels} pixels") from None
    except _DECODER_ERRORS as error:
        raise ImageError(f"{path}: cannot be decoded: {_one_line(error)}") from error


@functools.cache
def _formats() -> tuple[str, ...]:
    """Return those of the formats that this installation of Pillow can read."""
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _check_frame(image: Image.Image, *, path: Path, max_pixels: int) -> None:
    """Refuse what is too large or holds several pictures; of an MPO the first view is taken."""
    if image.width * image.height > max_pixels:
        raise ImageError(f"{path}: has {image.width}x{image.height}, more than the limit of {max_pixels} pixels")
    if getattr(image, "is_animated", False) and image.format != "MPO":
        raise ImageError(f"{path}: holds several frames", hint="write each frame to its own file first")


def _rgb(image: Image.Image, *, path: Path) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode in _SIXTEEN_BITS:
        gray = np.asarray(image).astype(np.int64)
        if gray.min() < 0 or gray.max() > 65535:
            raise ImageError(f"{path}: holds 32-bit values", hint="convert it to 8 or 16 bits first")
        return Image.fromarray(((gray + 128) // 257).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ImageError(f"{path}: holds floating-point values", hint="convert it to 8 or 16 bits first")
    if image.mode in _TRANSPARENT or "transparency" in image.info:
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _resized(image: Image.Image, *, size: int) -> Image.Image:
    short = min(image.size)
    if short != size:
        width, height = (int(size * side / short) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = round((image.width - size) / 2), round((image.height - size) / 2)
    return image if image.size == (size, size) else image.crop((left, top, left + size, top + size))


def _one_line(error: BaseException) -> str:
    """Return what the decoder says, without the path or the memory address that some messages carry."""
    text = type(error).__name__ if isinstance(error, OSError) and error.filename is not None else str(error)
    return " ".join(text.split(" <")[0].split()) or type(error).__name__
