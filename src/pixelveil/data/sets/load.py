"""Load a data set as two sides: without leaks between them, or as published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.data.sets.catalogue import DataSet, data_set
from pixelveil.data.sets.leaks import find_leaks
from pixelveil.data.sets.reading import FilesOfSet, find_data, read_files, read_npz
from pixelveil.errors import UsageError

__all__ = ["SPLITS", "SetImages", "load_set"]

SPLITS = ("clean", "published")
_TEST_SHARE = 0.2
_DEFAULT_SIZE = 224


@dataclass(frozen=True, kw_only=True)
class SetImages:
    """A data set in the memory.

    Args:
        train: uint8 (n, H, W, 3).
        train_labels: int64 (n,).
        train_groups: int64 (n,): images of one number are copies of one picture, as far as a list tells it.
        test: uint8 (m, H, W, 3).
        test_labels: int64 (m,).
        classes: Names in the order of the labels.
        facts: What is to be said of the split: JSON values.
    """

    train: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    train_groups: NDArray[np.int64]
    test: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    classes: tuple[str, ...]
    facts: Mapping[str, Any]


def load_set(
    name: str,
    *,
    data: Path,
    split: str = "clean",
    size: int | None = None,
    train_images: int = 0,
    test_images: int = 0,
    groups: Path | None = None,
    seed: int = 0,
    distance: int = 2,
) -> SetImages:
    """Load a data set.

    Both splits have the same test images. "clean" leaves out the training images that have a copy or near copy among
    them (`find_leaks`), "published" only counts them. Where a set is known to consist of few pictures, "clean" holds
    out whole pictures, as the catalogue names them.

    Args:
        name: One of `DATA_SETS`.
        data: Its file or folder, or the folder above.
        split: "clean" or "published".
        size: Side of the images in pixels, of class folders; 224 if not given.
        train_images: Most training images, chosen by the seed; 0: all.
        test_images: Most test images; 0: all.
        groups: CSV that tells copies; None: beside the folder, of its name, if it is there.
        seed: Decides what is chosen, and which images test where the set does not say it.
        distance: Most bits in which difference hashes of near copies differ.

    Raises:
        UsageError: Something does not exist or does not fit, or a side is empty.
        IntegrityError: A file is damaged.
    """
    kind = data_set(name)
    if split not in SPLITS:
        raise UsageError(f"there is no split {split!r}", hint=f"one of: {', '.join(SPLITS)}")
    place = find_data(kind, data)
    most = (train_images, test_images)
    if place.is_dir():
        files = read_files(kind, place, groups=groups)
        train_at, test_at, how = _sides(kind, files, split=split, seed=seed)
        train_at, test_at = _some(train_at, files.labels, most[0], seed), _some(test_at, files.labels, most[1], seed)
        sides = [(files.read(at, size=size or _DEFAULT_SIZE), files.labels[at]) for at in (train_at, test_at)]
        classes, of_picture = files.classes, files.groups
    else:
        arrays = read_npz(place, checksums=kind.checksums)
        if size not in (None, arrays.train.shape[1]):
            raise UsageError(f"{place}: images of {arrays.train.shape[1]} pixels, not {size}")
        train_at = _some(np.arange(len(arrays.train)), arrays.train_labels, most[0], seed)
        test_at = _some(np.arange(len(arrays.test)), arrays.test_labels, most[1], seed)
        sides = [
            (arrays.train[train_at], arrays.train_labels[train_at]),
            (arrays.test[test_at], arrays.test_labels[test_at]),
        ]
        how, of_picture = "as the file has it", None
        count = 1 + max(int(labels.max(initial=0)) for _, labels in sides)
        classes = kind.classes or tuple(str(number) for number in range(count))
    (train, train_labels), (test, test_labels) = sides
    if not len(train) or not len(test):
        raise UsageError(f"{place}: {len(train)} training and {len(test)} test images", hint="both sides need some")
    leaks = find_leaks(
        train,
        test,
        distance=distance,
        train_groups=None if of_picture is None else of_picture[train_at],
        test_groups=None if of_picture is None else of_picture[test_at],
    )
    keep = ~leaks.train if split == "clean" else np.ones(len(train), bool)
    if not keep.any():
        raise UsageError(f"{place}: every training image has a copy among the test images")
    numbers = np.arange(len(train)) if of_picture is None else np.unique(of_picture[train_at], return_inverse=True)[1]
    facts = {
        "split": split,
        "sides": how,
        "copies_by": f"pixels, difference hash within {distance} bits"
        + ("" if of_picture is None else f", {kind.group_column or 'group'}"),
        "train_images": int(keep.sum()),
        "test_images": len(test),
        "exact_copies_in_train": leaks.exact,
        "near_copies_in_train": leaks.near,
        "test_images_with_copies": 0 if split == "clean" else leaks.test,
        "test_images_with_copies_as_given": leaks.test,
        "left_out": int((~keep).sum()),
        "weakness": kind.weakness if split == "published" else "",
    }
    return SetImages(
        train=train[keep],
        train_labels=train_labels[keep],
        train_groups=numbers[keep].astype(np.int64),
        test=test,
        test_labels=test_labels,
        classes=classes,
        facts=facts,
    )


def _sides(
    kind: DataSet, files: FilesOfSet, *, split: str, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], str]:
    """Return which files train and which test, and how that was decided."""
    if kind.held_out and split == "clean" and files.groups is not None:
        testing = np.isin(files.groups, kind.held_out)
        named = ", ".join(kind.held_out)
        return np.flatnonzero(~testing), np.flatnonzero(testing), f"{kind.group_column} {named} held out"
    train, test = (np.flatnonzero(files.sides == side) for side in ("train", "test"))
    if len(train) and len(test):
        return train, test, "as the folders have it"
    # One side alone, or none: images are drawn, groups of copies together where a list tells them.
    alone = split == "published" or files.groups is None
    members = np.arange(len(files.paths))
    unit = members if alone or files.groups is None else np.unique(files.groups, return_inverse=True)[1]
    order = np.random.default_rng(seed).permutation(np.unique(unit))
    wanted = {label: _TEST_SHARE * np.count_nonzero(files.labels == label) for label in np.unique(files.labels)}
    testing = np.zeros(len(members), bool)
    places: dict[int, list[int]] = {}
    for place, number in enumerate(unit.tolist()):
        places.setdefault(number, []).append(place)
    for number in order.tolist():
        label = files.labels[places[number][0]]
        if wanted[label] >= 1:
            testing[places[number]] = True
            wanted[label] -= len(places[number])
    how = "a fifth drawn at random" + ("" if alone else f", by {kind.group_column or 'group'}")
    return np.flatnonzero(~testing), np.flatnonzero(testing), how


def _some(places: NDArray[np.int64], labels: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    """Return at most so many, drawn by the seed, classes in turn; in their order."""
    if not most or len(places) <= most:
        return places
    drawn = np.random.default_rng([seed, 1]).permutation(places)
    rank = np.empty(len(drawn), np.int64)
    for label in np.unique(labels[drawn]):
        at = np.flatnonzero(labels[drawn] == label)
        rank[at] = np.arange(len(at))
    return np.sort(drawn[np.argsort(rank, kind="stable")][:most])
