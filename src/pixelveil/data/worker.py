"""What one thread does with a few images of a job: read, encrypt, and give them the form in which they are stored."""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pixelveil.data.decode import Pixels, decode_image
from pixelveil.data.files import replacing
from pixelveil.data.job import Item
from pixelveil.data.manifest import Header, Storage
from pixelveil.data.quantize import quantize
from pixelveil.data.writers import JPEG_SIDE, ONE_FILE_EACH, Content, encode_stored, suffix
from pixelveil.errors import ImageError, IntegrityError, UsageError
from pixelveil.keys import Epoch, Key
from pixelveil.schemes import Scheme

__all__ = ["Rejected", "Shape", "Stored", "Worker"]

Shape = tuple[int, int, int]

_NONCE_BYTES = 16


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An encrypted image in the form in which it is stored.

    Args:
        item: Which image.
        content: All its bytes; None where the worker has written them to a file of their own.
        size: Number of bytes.
        sha256: Their digest, hexadecimal.
        nonce: Hexadecimal, for a derived key.
        shape: (H, W, C) before encryption.
        encrypted_shape: (H', W', C') after it.
        file: Name of the image with its suffix.
        unit: Grey levels per step of a stored byte, for "scaled8".
        zero: Grey level of the byte 0, for "scaled8".
    """

    item: Item
    content: Content | None
    size: int
    sha256: str
    nonce: str | None
    shape: Shape
    encrypted_shape: Shape
    file: str
    unit: float | None
    zero: float | None


@dataclass(frozen=True)
class Rejected:
    """An image that was not encrypted, and why, without its name."""

    item: Item
    reason: str


@dataclass(frozen=True, kw_only=True)
class Worker:
    """Encrypts images of one job; may be called from several threads.

    Args:
        source: Folder of the plain images.
        out: Folder for images that get files of their own.
        header: What the job does.
        epoch: Which epoch does it.
        key: Counts the images.
        scheme: Encrypts them.
        shape: The (H, W, C) that all images must have; None if any will do.
        memory: What each thread keeps from call to call.
    """

    source: Path
    out: Path
    header: Header
    epoch: Epoch
    key: Key
    scheme: Scheme
    shape: Shape | None
    memory: threading.local = field(default_factory=threading.local, repr=False, compare=False)

    def __call__(self, items: Sequence[Item]) -> list[Stored | Rejected]:
        """Read, encrypt and store images.

        Args:
            items: A few images; those of one shape are encrypted together.

        Returns:
            One result per item, in their order.

        Raises:
            BudgetError: The key may not encrypt as many.
            IntegrityError: The key has been rotated since the job began.
        """
        results: dict[str, Stored | Rejected] = {}
        by_shape: dict[Shape, list[tuple[Item, Pixels]]] = {}
        for item in items:
            try:
                pixels = self._read(item)
                by_shape.setdefault(cast(Shape, pixels.shape), []).append((item, pixels))
            except ImageError as error:
                results[item.name] = Rejected(item, error.message.removeprefix(f"{self.source / item.path}: "))
        for batch in by_shape.values():
            results |= {stored.item.name: stored for stored in self._encrypt(batch)}
        return [results[item.name] for item in items]

    def _read(self, item: Item) -> Pixels:
        path = self.source / item.path
        pixels = decode_image(path, size=self.header.size)
        if self.shape is not None and pixels.shape != self.shape:
            raise ImageError(f"{path}: has shape {pixels.shape}, not {self.shape} as the others")
        if self.header.size is None:
            try:
                shape = self.scheme.encrypted_shape(cast(Shape, pixels.shape))
            except UsageError as error:
                raise ImageError(f"{path}: {error.message}") from error
            if self.header.storage == "jpeg" and max(shape[:2]) > JPEG_SIDE:
                raise ImageError(
                    f"{path}: would be {shape[0]}x{shape[1]}; JPEG holds at most {JPEG_SIDE} pixels a side"
                )
        return pixels

    def _encrypt(self, batch: list[tuple[Item, Pixels]]) -> list[Stored]:
        items = [item for item, _ in batch]
        nonces = self._nonces(items) if self.header.key_policy == "derived" else None
        plain = self._stack([pixels for _, pixels in batch])
        encrypted = self.scheme.encrypt(plain, key=self.key, nonces=nonces)
        if self.header.keeps_keys and encrypted.fingerprint != self.header.fingerprint:
            raise IntegrityError("the key was rotated while the job ran", hint="encrypt into a new folder")
        shape = cast(Shape, batch[0][1].shape)
        images = _as_stored(encrypted.images, dtype=self.header.dtype)
        return [
            self._store(item, image, shape=shape, nonce=None if nonces is None else nonces[place].tobytes().hex())
            for place, (item, image) in enumerate(zip(items, images, strict=True))
        ]

    def _stack(self, images: Sequence[Pixels]) -> Pixels:
        """Return images of one shape as one array, in memory of this thread that the next call takes again.

        Fresh memory of this size would cost more than the copy: the system hands it out page by page.
        """
        shape = (len(images), *images[0].shape)
        stacked: Pixels | None = getattr(self.memory, "stacked", None)
        if stacked is None or stacked.shape[0] < shape[0] or stacked.shape[1:] != shape[1:]:
            stacked = self.memory.stacked = np.empty(shape, np.uint8)
        return np.stack(images, out=stacked[: shape[0]])

    def _nonces(self, items: Sequence[Item]) -> NDArray[np.uint8]:
        """Return one nonce per image: a resumed job must give each image the nonce that it had before.

        ``HMAC-SHA256(subkey("nonce"), salt || time || path)``, first 16 bytes. The salt is new in every job; the time
        (of the file's last change, 8 bytes, nanoseconds) gives a file that was replaced between a kill and the next
        start another nonce, for what was written before may have been seen.
        """
        key, salt = self.epoch.subkey(purpose="nonce"), bytes.fromhex(self.header.salt)
        digests = []
        for item in items:
            changed = (self.source / item.path).stat().st_mtime_ns.to_bytes(8, "big", signed=True)
            digests.append(hmac.digest(key, salt + changed + os.fsencode(item.path), "sha256"))
        joined = b"".join(digest[:_NONCE_BYTES] for digest in digests)
        return np.frombuffer(joined, np.uint8).reshape(-1, _NONCE_BYTES)

    def _store(self, item: Item, image: NDArray[Any], *, shape: Shape, nonce: str | None) -> Stored:
        storage = cast(Storage, self.header.storage)
        unit = zero = None
        if self.header.dtype == "scaled8":
            image, unit, zero = quantize(image)
        content = encode_stored(
            image, storage=storage, quality=self.header.quality, subsampling=self.header.subsampling
        )
        name = f"{item.name}.{suffix(storage, shape=image.shape, dtype=self.header.stored_dtype)}"
        own_file = storage in ONE_FILE_EACH
        if own_file:
            name = "/".join(part for part in (item.group, self._class(item), name) if part)
            (self.out / name).parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.out / name) as file:
                file.write(content)
        return Stored(
            item=item,
            content=None if own_file else content,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            nonce=nonce,
            shape=shape,
            encrypted_shape=cast(Shape, image.shape),
            file=name,
            unit=unit,
            zero=zero,
        )

    def _class(self, item: Item) -> str:
        return "" if item.label is None else self.header.classes[item.label]


def _as_stored(images: NDArray[Any], *, dtype: str) -> NDArray[Any]:
    """Return the images in the type that is stored; values that it cannot hold are an error, never clipped."""
    if dtype in (images.dtype, "scaled8"):  # each image is scaled on its own
        return images
    with np.errstate(over="ignore"):
        stored = images.astype(dtype)
    if not np.isfinite(stored).all():
        raise UsageError(
            f"encrypted values up to {np.abs(images).max():.0f} do not fit {dtype}", hint="use smaller blocks"
        )
    return stored
