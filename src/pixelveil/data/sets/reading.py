"""Read a data set from local files: an npz, or class folders with a list of groups beside them."""

from __future__ import annotations

import csv
import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.data.decode import decode_image
from pixelveil.data.discover import list_images
from pixelveil.data.sets.catalogue import DataSet
from pixelveil.errors import IntegrityError, UsageError

__all__ = ["ArraysOfSet", "FilesOfSet", "find_data", "read_files", "read_npz"]

_NAMES = (("x_train", "y_train", "x_test", "y_test"), ("train_images", "train_labels", "test_images", "test_labels"))
_TRAIN = frozenset({"train", "training"})
_TEST = frozenset({"test", "testing", "val", "valid", "validation"})


@dataclass(frozen=True)
class ArraysOfSet:
    """Both sides of a set that is one file.

    Args:
        train: uint8 (n, H, W, 3).
        train_labels: int64 (n,).
        test: uint8 (m, H, W, 3).
        test_labels: int64 (m,).
    """

    train: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test: NDArray[np.uint8]
    test_labels: NDArray[np.int64]


@dataclass(frozen=True)
class FilesOfSet:
    """The files of a set that is class folders.

    Args:
        folder: Above them.
        paths: Relative to it, sorted.
        labels: int64 (n,).
        classes: Names in the order of the labels.
        sides: "train", "test" or empty, by the folders above the class folders.
        groups: Which pictures are copies of one, by a list; None where there is none.
    """

    folder: Path
    paths: tuple[str, ...]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    sides: NDArray[np.str_]
    groups: NDArray[np.str_] | None

    def read(self, places: NDArray[np.int64], *, size: int) -> NDArray[np.uint8]:
        """Return these images, scaled and cropped to squares, uint8 (n, size, size, 3)."""
        images = [decode_image(self.folder / self.paths[place], size=size) for place in places.tolist()]
        return np.stack(images) if images else np.zeros((0, size, size, 3), np.uint8)


def find_data(kind: DataSet, data: Path) -> Path:
    """Return where a set lies: what is given, or the file or folder of its name below it.

    Raises:
        UsageError: There is nothing.
    """
    named = data / kind.folder if kind.folder else data
    place = named if data.is_dir() and named.exists() else data
    if not place.exists():
        raise UsageError(f"{place}: there is no {kind.title}", hint=kind.origin)
    if place.is_dir() and kind.folder.endswith(".npz"):
        raise UsageError(f"{place}: holds no {kind.folder}", hint=kind.origin)
    return place


def read_npz(path: Path, *, checksums: Mapping[str, str]) -> ArraysOfSet:
    """Read an npz with x_train, y_train, x_test, y_test, or with MedMNIST's names; gray images become color.

    Args:
        path: The file.
        checksums: MD5 by name of file; a file of another name is not checked.

    Raises:
        IntegrityError: It is not the official file of its name, or damaged.
        UsageError: It holds something else.
    """
    wanted = checksums.get(path.name)
    if wanted is not None and hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() != wanted:
        raise IntegrityError(f"{path}: is not the official {path.name}", hint="get it again, or give it another name")
    try:
        with np.load(path, allow_pickle=False) as content:
            names = next((names for names in _NAMES if set(names) <= set(content.files)), None)
            if names is None:
                raise UsageError(f"{path}: lacks {', '.join(_NAMES[0])}", hint="arrays of images and of class numbers")
            train, train_labels, test, test_labels = (content[name] for name in names)
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        if isinstance(error, UsageError):
            raise
        raise IntegrityError(f"{path}: not a whole npz file ({error})") from error
    sides = [
        (_color(images, path), _numbers(labels, path))
        for images, labels in ((train, train_labels), (test, test_labels))
    ]
    if any(len(images) != len(labels) for images, labels in sides):
        raise UsageError(f"{path}: images and labels differ in number")
    return ArraysOfSet(*sides[0], *sides[1])


def read_files(kind: DataSet, folder: Path, *, groups: Path | None) -> FilesOfSet:
    """List the images of class folders, with what a CSV says of copies.

    Args:
        kind: The set.
        folder: Holds class folders, perhaps below train and test folders.
        groups: CSV with the columns ``file`` and the set's own; None: beside the folder, of its name, if it is there.

    Raises:
        UsageError: There are no images in class folders, or the list does not fit.
    """
    listing = list_images(folder)
    sources = [source for source in listing.sources if source.label is not None]
    if not sources:
        raise UsageError(f"{folder}: holds no class folders of images", hint=kind.origin)
    classes = tuple(sorted({str(source.label) for source in sources}))
    beside = folder.with_name(f"{folder.name}.csv")
    file = groups or (beside if kind.group_column and beside.is_file() else None)
    paths = tuple(source.path for source in sources)
    return FilesOfSet(
        folder=folder,
        paths=paths,
        labels=np.array([classes.index(str(source.label)) for source in sources], np.int64),
        classes=classes,
        sides=np.array([_side(source.group) for source in sources]),
        groups=None if file is None else _groups(file, column=kind.group_column or "group", paths=paths),
    )


def _side(group: str) -> str:
    name = group.rpartition("/")[2].lower()
    return "train" if name in _TRAIN else "test" if name in _TEST else ""


def _groups(file: Path, *, column: str, paths: Sequence[str]) -> NDArray[np.str_]:
    """Return the group of every image, as a CSV has them."""
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    if not rows or not {"file", column} <= rows[0].keys():
        raise UsageError(f"{file}: has no columns file and {column}")
    known = {row["file"]: row[column] for row in rows}
    missing = [path for path in paths if path not in known]
    if missing:
        raise UsageError(f"{file}: says nothing of {missing[0]}", hint="give the list that was made for these images")
    return np.array([known[path] for path in paths])


def _color(images: NDArray[Any], path: Path) -> NDArray[np.uint8]:
    """Return images (n, H, W, 3) of images with or without a channel axis."""
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[3] not in (1, 3) or images.dtype != np.uint8:
        raise UsageError(f"{path}: images are {images.dtype} {images.shape}, not uint8 (n, H, W, 3)")
    return np.repeat(images, 3, axis=3) if images.shape[3] == 1 else images


def _numbers(labels: NDArray[Any], path: Path) -> NDArray[np.int64]:
    """Return one class number for each image."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or (len(labels) and labels.min() < 0):
        raise UsageError(f"{path}: labels are {labels.dtype} {labels.shape}, not one class number for each image")
    return labels.astype(np.int64)
