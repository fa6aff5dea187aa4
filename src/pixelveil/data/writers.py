"""How encrypted images lie in files: PNG and JPEG files, shards of one array, WebDataset shards.

Everything here is a pure function of the images: the same images give the same bytes on every machine (PNG: with the
same zlib, JPEG: with the same libjpeg), with no time, user or machine name in them.
"""

from __future__ import annotations

import io
import tarfile
import zlib
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pixelveil.data.manifest import Storage
from pixelveil.errors import IntegrityError, UsageError

__all__ = ["Content", "Shard", "decode_stored", "encode_stored", "frame", "shard_end", "shard_start", "suffix"]

Content = bytes | memoryview

_NPY_HEADER = 128
_TAR_BLOCK = 512
_CHANNELS = {"png": (1, 3, 4), "jpeg": (1, 3)}

ONE_FILE_EACH: tuple[Storage, ...] = ("png", "jpeg")
"""Storage in which every image has a file of its own."""

JPEG_SIDE = 65_500
"""Longest side in pixels that the JPEG library writes."""


def suffix(storage: Storage, *, shape: tuple[int, ...], dtype: str) -> str:
    """Return the file suffix of one stored image: "jpg" for JPEG, "png" where PNG can hold it, else "npy".

    Args:
        storage: How it is stored.
        shape: (H, W, C) of the encrypted image.
        dtype: "uint8" or "float16".

    Raises:
        UsageError: The storage is "png" or "jpeg", and that format cannot hold it.

    >>> suffix("wds", shape=(8, 8, 3), dtype="float16")
    'npy'
    """
    fits = dtype == "uint8" and shape[-1] in _CHANNELS.get(storage, _CHANNELS["png"])
    if storage in ONE_FILE_EACH and not fits:
        raise UsageError(
            f"{storage.upper()} cannot hold encrypted images of {shape[-1]} channels and type {dtype}",
            hint="use --format npy or --format wds",
        )
    if storage == "jpeg":
        return "jpg"
    return "png" if fits and storage != "npy" else "npy"


def encode_stored(
    image: NDArray[Any], *, storage: Storage, quality: int | None = None, subsampling: str | None = None
) -> Content:
    """Return the bytes that stand for one image: a PNG, JPEG or NPY file, or bare values within an NPY shard.

    Args:
        image: (H, W, C), uint8 or float16.
        storage: How it is stored.
        quality: Of JPEG, 1 to 100.
        subsampling: Of color JPEG, "4:4:4" or "4:2:0".
    """
    if suffix(storage, shape=image.shape, dtype=image.dtype.name) == "npy":
        values = np.ascontiguousarray(image, image.dtype.newbyteorder("<")).data.cast("B")
        return values if storage == "npy" else _npy_header(image.shape, dtype=image.dtype.name) + values
    buffer = io.BytesIO()
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    if storage == "jpeg":
        color = {} if subsampling is None else {"subsampling": subsampling}
        picture.save(buffer, "JPEG", quality=quality, **color)
        return buffer.getvalue()
    # Ciphertext has no repeated strings to search for: Huffman coding alone loses nothing and takes a third less time.
    picture.save(buffer, "PNG", compress_level=1, compress_type=zlib.Z_HUFFMAN_ONLY)
    return buffer.getvalue()


def decode_stored(content: bytes, *, storage: Storage, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """Return the image that ``encode_stored`` wrote, as near as JPEG keeps it.

    Args:
        content: All its bytes.
        storage: How it is stored.
        shape: (H, W, C) that it must have.
        dtype: "uint8" or "float16".

    Raises:
        IntegrityError: The content is something else.

    >>> image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    >>> stored = encode_stored(image, storage="wds")
    >>> np.array_equal(decode_stored(stored, storage="wds", shape=(2, 2, 3), dtype="uint8"), image)
    True
    """
    kind = {"png": "PNG", "jpg": "JPEG", "npy": None}[suffix(storage, shape=shape, dtype=dtype)]
    if kind is not None:
        try:
            with Image.open(io.BytesIO(content), formats=(kind,)) as picture:
                if (picture.height, picture.width) != shape[:2]:
                    raise IntegrityError(f"image is {picture.height}x{picture.width}, not {shape[0]}x{shape[1]}")
                image = np.asarray(picture)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise IntegrityError(f"image is not a readable {kind}") from error
        image = image[..., None] if image.ndim == 2 else image
        if image.shape != shape or image.dtype != np.uint8:
            raise IntegrityError(f"image is {image.dtype} {image.shape}, not uint8 {shape}")
        return image
    header = b"" if storage == "npy" else _npy_header(shape, dtype=dtype)
    count = int(np.prod(shape))
    if not content.startswith(header) or len(content) != len(header) + count * np.dtype(dtype).itemsize:
        raise IntegrityError(f"image is not {dtype} {shape}")
    return np.frombuffer(content, np.dtype(dtype).newbyteorder("<"), count, len(header)).reshape(shape)


def shard_start(storage: Storage, *, count: int, shape: tuple[int, ...], dtype: str) -> bytes:
    """Return what comes before the first image of a shard; its length does not depend on ``count``."""
    return _npy_header((count, *shape), dtype=dtype) if storage == "npy" else b""


def frame(storage: Storage, *, name: str, label: int | None, size: int) -> tuple[bytes, bytes]:
    """Return what stands directly before and after one image of a shard.

    Args:
        storage: How it is stored.
        name: Name of the image with its suffix.
        label: Its class, None if it has none.
        size: Bytes of the image.
    """
    if storage != "wds":
        return b"", b""
    after = bytes(-size % _TAR_BLOCK)
    if label is not None:
        content = str(label).encode()
        stem = name.rsplit(".", 1)[0]
        after += _tar_header(f"{stem}.cls", size=len(content)) + content + bytes(-len(content) % _TAR_BLOCK)
    return _tar_header(name, size=size), after


def shard_end(storage: Storage) -> bytes:
    """Return what comes after the last image of a shard: a tar archive ends with two empty blocks."""
    return bytes(2 * _TAR_BLOCK) if storage == "wds" else b""


class Shard:
    """A shard being written: images are added, then it is finished.

    Args:
        file: Empty file, open for writing.
        storage: "npy" or "wds".
        shape: (H, W, C) of its first encrypted image, which all others of an "npy" shard share.
        dtype: "uint8" or "float16".
    """

    def __init__(self, file: BinaryIO, *, storage: Storage, shape: tuple[int, ...], dtype: str) -> None:
        self._file, self._storage, self._shape, self._dtype = file, storage, shape, dtype
        self._count = 0
        self._offset = file.write(shard_start(storage, count=0, shape=shape, dtype=dtype))

    def add(self, content: Content, *, name: str, label: int | None) -> tuple[int, int]:
        """Append one image; return its index and the offset of its first byte."""
        before, after = frame(self._storage, name=name, label=label, size=len(content))
        index, offset = self._count, self._offset + len(before)
        for part in (before, content, after):
            self._offset += self._file.write(part)
        self._count += 1
        return index, offset

    def finish(self) -> None:
        """Write the end, and the count into the start."""
        self._file.write(shard_end(self._storage))
        self._file.seek(0)
        self._file.write(shard_start(self._storage, count=self._count, shape=self._shape, dtype=self._dtype))


def _npy_header(shape: tuple[int, ...], *, dtype: str) -> bytes:
    """Return the header of an NPY file, version 1.0, always 128 bytes: NumPy's own length varies with its version."""
    described = {"uint8": "|u1", "float16": "<f2"}[dtype]
    text = f"{{'descr': '{described}', 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00" + (_NPY_HEADER - 10).to_bytes(2, "little") + f"{text:<{_NPY_HEADER - 11}}\n".encode()


def _tar_header(name: str, *, size: int) -> bytes:
    member = tarfile.TarInfo(name)  # time, user and group are zero or empty unless set
    member.size = size
    return member.tobuf(tarfile.USTAR_FORMAT)
