"""Read images back as arrays, encrypted or plain, without any key: what a training loop needs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from pixelveil.data.decode import decode_image
from pixelveil.data.discover import list_images
from pixelveil.data.manifest import MANIFEST, Header, Manifest, Row, Storage
from pixelveil.data.quantize import dequantize
from pixelveil.data.writers import decode_stored
from pixelveil.errors import IntegrityError, UsageError

__all__ = ["ImageSet", "open_images", "read_stored"]


class ImageSet:
    """The images of a folder, read when they are asked for.

    Args:
        source: Where the images are.
        classes: Names or codes of the classes.
        labels: int64 (N,): index of the class; -1 for images without one.
        groups: Group of each image, such as "train"; empty text for images without one.

    Raises:
        UsageError: The lengths differ.
    """

    def __init__(
        self, source: _Source, *, classes: Sequence[str], labels: NDArray[np.int64], groups: Sequence[str]
    ) -> None:
        if not len(labels) == len(groups) == len(source):
            raise UsageError(f"{len(source)} images, {len(labels)} labels and {len(groups)} groups do not fit")
        self.source = source
        self.classes = tuple(classes)
        self.labels = labels
        self.groups = tuple(groups)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.source)

    def read(self, indices: Iterable[int]) -> NDArray[Any]:
        """Return images of one shape.

        Args:
            indices: Which, in which order.

        Returns:
            Array (n, H, W, C): uint8, or float32 grey levels where the encrypted images are not 8-bit.

        Raises:
            UsageError: The images differ in shape, or there are none.
            IntegrityError: An encrypted image is missing or damaged.
            ImageError: A plain image cannot be read.
        """
        images = self.source.read([int(index) for index in indices])
        shapes = {image.shape for image in images}
        if len(shapes) != 1:
            raise UsageError(f"images of shapes {sorted(shapes)} do not make one array", hint="use size, or read one")
        stacked = np.stack(images)
        return stacked if stacked.dtype == np.uint8 else stacked.astype(np.float32)

    def select(self, *, group: str) -> ImageSet:
        """Return the images of one group.

        Args:
            group: Such as "train".

        Raises:
            UsageError: There is no such group.
        """
        chosen = [place for place, name in enumerate(self.groups) if name == group]
        if not chosen:
            known = ", ".join(sorted({name or "(none)" for name in self.groups}))
            raise UsageError(f"there is no group {group!r}", hint=f"choose one of: {known}")
        return ImageSet(
            self.source.select(chosen),
            classes=self.classes,
            labels=self.labels[chosen],
            groups=[group] * len(chosen),
        )


def open_images(folder: Path, *, size: int | None = None) -> ImageSet:
    """Open an encrypted folder, or a plain folder of class folders; no key is needed.

    Args:
        folder: The folder.
        size: Scale and crop plain images to a square of this side, in pixels. Encrypted images keep theirs.

    Returns:
        The images: encrypted ones in the order of the manifest, plain ones sorted by path.

    Raises:
        UsageError: It is not such a folder, or ``size`` is given for encrypted images of another size.
        IntegrityError: The manifest is damaged. What it says is believed: ``verify_folder`` checks that.
    """
    if (folder / MANIFEST).exists():
        return _open_encrypted(folder, size=size)
    if (folder / ".job").exists():
        Manifest.open(folder)  # says that the job is unfinished
    listing = list_images(folder)
    if not listing.sources:
        raise UsageError(f"{folder}: holds no images")
    number = {name: place for place, name in enumerate(listing.classes)}
    return ImageSet(
        _PlainFiles(folder=folder, paths=tuple(source.path for source in listing.sources), size=size),
        classes=listing.classes,
        labels=np.array([-1 if one.label is None else number[one.label] for one in listing.sources], np.int64),
        groups=[one.group for one in listing.sources],
    )


def read_stored(folder: Path, row: Row, *, header: Header) -> NDArray[Any]:
    """Return one encrypted image.

    Args:
        folder: The encrypted folder.
        row: Where the image lies.
        header: How it is stored.

    Returns:
        Array (H', W', C'): uint8; float16, or float32 with the row's scale applied, for what is not 8-bit.

    Raises:
        IntegrityError: It is missing, cut off, or something else than the row says.
    """
    try:
        with (folder / row.file).open("rb") as file:
            if os.fstat(file.fileno()).st_size < row.offset + row.size:  # else the memory for it would be asked for
                raise IntegrityError("the file ends before the image does")
            file.seek(row.offset)
            content = file.read(row.size)
        storage = cast(Storage, header.storage)
        image = decode_stored(content, storage=storage, shape=row.encrypted_shape, dtype=header.stored_dtype)
    except OSError as error:
        raise IntegrityError(f"{folder / row.file}: cannot be read: {error.strerror}") from error
    except IntegrityError as error:
        raise IntegrityError(f"{folder / row.file}: {row.name}: {error.message}") from error
    if row.unit is None or row.zero is None:
        return image
    return dequantize(image, unit=row.unit, zero=row.zero)


class _Source(Protocol):
    def __len__(self) -> int: ...

    def read(self, indices: Sequence[int]) -> list[NDArray[Any]]: ...

    def select(self, indices: Sequence[int]) -> _Source: ...


@dataclass(frozen=True)
class _PlainFiles:
    """Plain image files below a folder."""

    folder: Path
    paths: tuple[str, ...]
    size: int | None

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, indices: Sequence[int]) -> list[NDArray[Any]]:
        return [decode_image(self.folder / self.paths[index], size=self.size) for index in indices]

    def select(self, indices: Sequence[int]) -> _PlainFiles:
        return _PlainFiles(folder=self.folder, paths=tuple(self.paths[index] for index in indices), size=self.size)


@dataclass(frozen=True)
class _StoredImages:
    """Images of an encrypted folder."""

    folder: Path
    header: Header
    rows: tuple[Row, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, indices: Sequence[int]) -> list[NDArray[Any]]:
        return [read_stored(self.folder, self.rows[index], header=self.header) for index in indices]

    def select(self, indices: Sequence[int]) -> _StoredImages:
        return _StoredImages(self.folder, self.header, tuple(self.rows[index] for index in indices))


def _open_encrypted(folder: Path, *, size: int | None) -> ImageSet:
    manifest = Manifest.open(folder)
    rows = tuple(manifest.rows())
    if size is not None and any(row.shape[:2] != (size, size) for row in rows):
        raise UsageError(f"{folder}: encrypted images cannot be brought to size {size}", hint="encrypt with --size")
    return ImageSet(
        _StoredImages(folder, manifest.header, rows),
        classes=manifest.header.classes,
        labels=np.array([-1 if row.label is None else row.label for row in rows], np.int64),
        groups=[row.group for row in rows],
    )
