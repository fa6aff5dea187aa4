"""A user's own class folders, decoded, and separated so that no test image has a twin among the training images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pixelveil.data.decode import decode_image
from pixelveil.data.discover import Source, list_images
from pixelveil.data.manifest import MANIFEST
from pixelveil.data.pipeline import ordered_map
from pixelveil.data.splits import difference_hash, near_groups
from pixelveil.demo.result import DataFacts
from pixelveil.demo.samples import DemoData, Photograph
from pixelveil.errors import ImageError, UsageError
from pixelveil.plans.threads import processors
from pixelveil.training.dataset import ArrayImages
from pixelveil.training.holdout import hold_out

__all__ = ["folder_data"]

_TRAIN = frozenset({"train", "training"})
_TEST = frozenset({"test", "testing"})
_MOST_IMAGES = 12_000
_NEAR = 2  # bits of 64 in which the difference hashes of near copies differ
_FEW = 30


@dataclass(frozen=True)
class _Loaded:
    """Decoded images; ``given`` is "train", "test" or "" for each, as the folders say."""

    sources: tuple[Source, ...]
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    given: NDArray[np.str_]
    classes: tuple[str, ...]
    rejected: int
    found: int


def folder_data(folder: Path, *, size: int, advance: Callable[[int, int], None] | None = None) -> DemoData:
    """Read class folders of plain images and separate them.

    Folders named train and test (or Training and Testing) above the class folders are respected, but test images that
    have a copy or near copy among the training images are set aside.

    Args:
        folder: Class folders, perhaps inside train and test folders.
        size: Side of the square that every image is scaled and cropped to, in pixels.
        advance: Called with the images read and the images in all.

    Raises:
        UsageError: The folder holds fewer than two classes, or too few images.
    """
    loaded = _load(folder, size=size, advance=advance)
    groups = near_groups(loaded.hashes, distance=_NEAR)
    train, test, given_test, words = _separate(loaded, groups)
    validation = hold_out(train, groups=groups, labels=loaded.labels, share=0.1)
    train = np.setdiff1d(train, validation)
    if min(len(train), len(validation), len(test)) < len(loaded.classes):
        raise UsageError(
            f"{folder}: {len(train)} training, {len(validation)} validation and {len(test)} test images are too few",
            hint="images that are near copies of each other are kept together; add different ones",
        )
    facts = DataFacts(
        name=folder.resolve().name,
        classes=loaded.classes,
        image_size=size,
        training=len(train),
        validation=len(validation),
        test=len(test),
        split=words,
        left_out=loaded.rejected,
        moved=0 if given_test is None else len(given_test) - len(test),
    )
    return DemoData(
        facts=facts,
        training=_part(loaded, train),
        validation=_part(loaded, validation),
        test=_part(loaded, test),
        given_test=None if given_test is None else _part(loaded, given_test),
        shown=_shown(folder, loaded, test),
    )


def _load(folder: Path, *, size: int, advance: Callable[[int, int], None] | None) -> _Loaded:
    """Decode all images, or an even choice of them where there are very many."""
    if (folder / MANIFEST).exists():
        raise UsageError(f"{folder}: is encrypted already", hint="give the demo plain images; it encrypts them itself")
    labeled = [source for source in list_images(folder).sources if source.label is not None]
    step = -(-len(labeled) // _MOST_IMAGES) if labeled else 1
    sources = labeled[::step]
    kept: list[Source] = []
    images: list[NDArray[np.uint8]] = []
    threads = processors()

    def read(source: Source) -> NDArray[np.uint8] | None:
        try:
            return decode_image(folder / source.path, size=size)
        except ImageError:
            return None

    with ThreadPoolExecutor(threads) as pool:
        results = ordered_map(read, sources, pool=pool, ahead=4 * threads)
        for done, (source, pixels) in enumerate(zip(sources, results, strict=True), start=1):
            if pixels is not None:
                kept.append(source)
                images.append(pixels)
            if advance is not None:
                advance(done, len(sources))
    classes = tuple(sorted({str(source.label) for source in kept}))
    if len(classes) < 2:
        raise UsageError(f"{folder}: holds {len(classes)} classes of images", hint="one folder of images per class")
    return _Loaded(
        sources=tuple(kept),
        images=np.stack(images),
        labels=np.array([classes.index(str(source.label)) for source in kept], np.int64),
        hashes=np.array([difference_hash(image) for image in images], np.uint64),
        given=np.array([_side(source) for source in kept]),
        classes=classes,
        rejected=len(sources) - len(kept),
        found=len(labeled),
    )


def _side(source: Source) -> str:
    """Tell from the folder above the class folder whether an image is meant for training or for testing."""
    name = source.group.rpartition("/")[2].lower()
    return "train" if name in _TRAIN else "test" if name in _TEST else ""


def _separate(
    loaded: _Loaded, groups: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64] | None, str]:
    """Return training images, test images, the test images as given if some were set aside, and how it was done."""
    everything = np.arange(len(loaded.labels))
    chosen = ""
    if loaded.found > len(everything) + loaded.rejected:
        chosen = f" Of {loaded.found:,} images every {-(-loaded.found // _MOST_IMAGES)}th was taken, to save time."
    caution = (
        " Turned, mirrored or otherwise augmented copies, and different images of one person, are not recognized as "
        "related; where a set holds such, its accuracies flatter, and only their comparison counts."
    )
    given_train, given_test = (everything[loaded.given == side] for side in ("train", "test"))
    if len(given_train) and len(given_test):
        clean = given_test[~np.isin(groups[given_test], groups[given_train])]
        if len(clean) == len(given_test):
            return given_train, clean, None, f"Train and test are as given; they share no near copies.{chosen}{caution}"
        if len(clean) >= max(_FEW, 0.1 * len(given_test)):
            return given_train, clean, given_test, f"Train and test are as given, but for near copies.{chosen}{caution}"
        words = (
            f"The given test set is of no use: {len(given_test) - len(clean):,} of its {len(given_test):,} images have "
            f"a copy or near copy among the training images. All were pooled and separated anew.{chosen}{caution}"
        )
    else:
        words = f"They were separated so that copies and near copies stay together.{chosen}{caution}"
    test = hold_out(everything, groups=groups, labels=loaded.labels, share=0.2)
    return np.setdiff1d(everything, test), test, None, words


def _part(loaded: _Loaded, indices: NDArray[np.int64]) -> ArrayImages:
    """Return some of the images."""
    return ArrayImages(loaded.images[indices], labels=loaded.labels[indices])


def _shown(folder: Path, loaded: _Loaded, test: Sequence[int] | NDArray[np.int64]) -> tuple[Photograph, ...]:
    """Return one test image of each of the first three classes, at a size worth looking at."""
    firsts = [next((place for place in test if loaded.labels[place] == label), None) for label in range(3)]
    return tuple(
        Photograph(
            title=loaded.classes[loaded.labels[place]],
            credit="",
            pixels=decode_image(folder / loaded.sources[place].path, size=224),
        )
        for place in firsts
        if place is not None
    )
