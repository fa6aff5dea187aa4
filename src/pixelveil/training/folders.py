"""Folders of images as training and test sets: encrypted ones and plain class folders alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.data.manifest import MANIFEST, Manifest
from pixelveil.data.reader import ImageSet, open_images
from pixelveil.data.splits import difference_hash, near_groups
from pixelveil.errors import ImageError, UsageError
from pixelveil.schemes import Scheme, create_scheme
from pixelveil.training.dataset import ImageSource, ImageSubset, in_memory
from pixelveil.training.holdout import hold_out
from pixelveil.training.models import ModelSpec

__all__ = ["TrainingImages", "open_test", "open_training"]

_TRAIN = frozenset({"train", "training"})
_VALIDATION = frozenset({"val", "valid", "validation"})
_TEST = frozenset({"test", "testing"})
_DEFAULT_SIZE = 224
_NEAR = 2  # bits of 64 in which the difference hashes of near copies differ


@dataclass(frozen=True)
class TrainingImages:
    """What a training run reads.

    Args:
        training: Images to learn from.
        validation: Images that choose the best epoch.
        classes: Names or codes in the order of the labels.
        image_size: Side in pixels; of one plane where the scheme lays planes side by side.
        rejected: A line for each file that cannot be read; the others are used.
        scheme: What encrypted the images; None for plain ones.
    """

    training: ImageSource
    validation: ImageSource
    classes: tuple[str, ...]
    image_size: int
    rejected: tuple[str, ...] = ()
    scheme: Scheme | None = None


def open_training(folder: Path, *, size: int | None = None, seed: int = 0) -> TrainingImages:
    """Open a folder for training.

    Images in folders named train are learned from, those in val (or validation) choose the best epoch, those in test
    are left alone. Without a train folder everything else is learned from; without a val folder a tenth of it is held
    out, near copies of plain images together.

    Args:
        folder: Encrypted folder, or class folders of plain images.
        size: Side in pixels; None: that of the encrypted images, 224 for plain ones.
        seed: Decides what is held out.

    Raises:
        UsageError: An image has no class, there are fewer than two classes, or images are not square.
    """
    images, side = _open(folder, size=size)
    if len(images.classes) < 2 or (images.labels < 0).any():
        raise UsageError(
            f"{folder}: {len(images.classes)} classes, {np.count_nonzero(images.labels < 0)} images without one",
            hint="training needs one folder of images per class",
        )
    rejected: list[str] = []
    kind = [_kind(group) for group in images.groups]
    learn = _places(kind, "train") if "train" in kind else _places(kind, "")
    validation = _places(kind, "validation")
    source: ImageSource = in_memory(ImageSubset(images, indices=learn), rejected=rejected)
    if len(validation):
        chosen: ImageSource = in_memory(ImageSubset(images, indices=validation), rejected=rejected)
    else:
        everything = np.arange(len(source))
        held = hold_out(everything, labels=source.labels, groups=_groups(source, folder=folder), share=0.1, seed=seed)
        chosen = ImageSubset(source, indices=held)
        source = ImageSubset(source, indices=np.setdiff1d(everything, held))
    if not len(source) or not len(chosen):
        raise UsageError(f"{folder}: too few images to learn from and to validate", hint="add images, or a val folder")
    return TrainingImages(
        training=source,
        validation=chosen,
        classes=images.classes,
        image_size=side,
        rejected=tuple(rejected),
        scheme=_scheme(folder),
    )


def open_test(
    folder: Path, *, spec: ModelSpec, group: str | None = None, rejected: list[str] | None = None
) -> ImageSource:
    """Open a folder for evaluation, with labels in the order of the model's classes.

    Args:
        folder: Encrypted folder, or class folders of plain images.
        spec: The model.
        group: Folder above the class folders; None: the test folder if there is one, else all images.
        rejected: Takes a line for each file that cannot be read, which is then left out; None: the first one raises.

    Raises:
        UsageError: The classes or the size are not the model's, or images have no class.
    """
    encrypted = (folder / MANIFEST).exists()
    images, side = _open(folder, size=None if encrypted else spec.image_size)
    if side != spec.image_size:
        raise UsageError(f"{folder}: images of {side} pixels; the model takes {spec.image_size}")
    if group is not None:
        images = images.select(group=group)
    kind = [_kind(name) for name in images.groups]
    places = _places(kind, "test") if group is None and "test" in kind else np.arange(len(images))
    strangers = [name for name in images.classes if name not in spec.classes]
    if strangers or (images.labels[places] < 0).any():
        what = f"class {strangers[0]!r} is none of the model's" if strangers else "some images have no class"
        raise UsageError(f"{folder}: {what}", hint=f"the model knows: {', '.join(spec.classes) or 'no names'}")
    order = np.array([spec.classes.index(name) for name in images.classes], np.int64)
    chosen = ImageSubset(images, indices=places, labels=order[images.labels[places]])
    return in_memory(chosen, rejected=rejected)


def _open(folder: Path, *, size: int | None) -> tuple[ImageSet, int]:
    """Open a folder; return its images and their side."""
    encrypted = (folder / MANIFEST).exists()
    images = open_images(folder, size=size if encrypted else size or _DEFAULT_SIZE)
    if not len(images):
        raise UsageError(f"{folder}: holds no images")
    height, width, channels = _first_readable(images).shape[1:]
    beside = channels == 1 and width == 3 * height  # three square planes side by side
    if height != width and not beside:
        raise UsageError(f"{folder}: images of {height}x{width} are not square", hint="encrypt with --size")
    return images, int(height)


def _scheme(folder: Path) -> Scheme | None:
    """Return what encrypted a folder, as its manifest names it; None for a plain one."""
    if not (folder / MANIFEST).exists():
        return None
    header = Manifest.open(folder).header
    return create_scheme(header.scheme, **header.parameters)


def _first_readable(images: ImageSet) -> NDArray[Any]:
    """Return the first image that can be read, as a batch of one; raise for the last if none can."""
    for place in range(len(images) - 1):
        try:
            return images.read([place])
        except ImageError:
            continue
    return images.read([len(images) - 1])


def _kind(group: str) -> str:
    """Tell what a folder above the class folders is for."""
    name = group.rpartition("/")[2].lower()
    if name in _TRAIN:
        return "train"
    return "validation" if name in _VALIDATION else "test" if name in _TEST else ""


def _places(kinds: Sequence[str], kind: str) -> NDArray[np.int64]:
    """Return where a kind stands."""
    return np.array([place for place, name in enumerate(kinds) if name == kind], np.int64)


def _groups(source: ImageSource, *, folder: Path) -> NDArray[np.int64]:
    """Number the groups of near copies; encrypted images cannot be compared, each is its own group."""
    if (folder / MANIFEST).exists():
        return np.arange(len(source))
    hashes: list[Any] = [difference_hash(source.read([place])[0]) for place in range(len(source))]
    return near_groups(np.array(hashes, np.uint64), distance=_NEAR)
