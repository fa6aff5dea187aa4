"""The images of an audit: read from a folder or an array file, without copies, divided into roles."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.verdict import RULES
from pixelveil.data.decode import decode_image
from pixelveil.data.discover import list_images
from pixelveil.data.manifest import MANIFEST
from pixelveil.data.splits import difference_hash, near_groups
from pixelveil.errors import ImageError, UsageError

__all__ = ["FOLDER_SIZE", "AuditImages", "ReadImages", "divide", "read_images"]

Pixels = NDArray[np.uint8]
Advance = Callable[[int, int], None]

FOLDER_SIZE = 64
"""Side in pixels to which the images of a folder are brought, unless told otherwise."""

# Bits in which the difference hashes of near copies differ, as in data/splits.
_DISTANCE = 2

# Fewer images than this cannot be divided into four roles.
_FEWEST = 12
_MOST_PAIRS = 100
_SMALLEST = 7  # the window of SSIM
_FEW_HELPERS = 300  # from so many ciphertexts on, the statistics of scrambled blocks are known to be read


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadImages:
    """What was read.

    Args:
        images: uint8 (H, W, C) each.
        labels: Of each, a number; None where there are none.
        rejected: Files that could not be read.
    """

    images: Sequence[Pixels] = field(repr=False)
    labels: Sequence[int] | None = field(default=None, repr=False)
    rejected: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class AuditImages:
    """Plain images in four roles, none of them a copy or near copy of another one in any role.

    Args:
        victims: uint8 (n, H, W, C): are to be read.
        helpers: uint8 (h, H, W, C): their ciphertexts are seen too, under the same key.
        public: uint8 (m, H, W, C): of the same kind, known to the attacker.
        pairs: uint8 (q, H, W, C): known to the attacker with their ciphertexts.
        labels: Integers (n + h,), of victims and helpers; None where the images have none.
        public_labels: Integers (m,), of the public images, likewise.
        set_aside: Images that were left out because they are copies or near copies.
        rejected: Files that could not be read.
    """

    victims: Pixels = field(repr=False)
    helpers: Pixels = field(repr=False)
    public: Pixels = field(repr=False)
    pairs: Pixels = field(repr=False)
    labels: NDArray[np.int64] | None = field(default=None, repr=False)
    public_labels: NDArray[np.int64] | None = field(default=None, repr=False)
    set_aside: int = 0
    rejected: int = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of all of them."""
        height, width, channels = self.victims.shape[1:]
        return height, width, channels

    @property
    def encrypted(self) -> Pixels:
        """Victims, then helpers: what is encrypted under one key."""
        return np.concatenate([self.victims, self.helpers])

    @property
    def digest(self) -> str:
        """SHA-256 over shapes and pixels of all roles, hex."""
        total = hashlib.sha256()
        for role in (self.victims, self.helpers, self.public, self.pairs):
            total.update(repr(role.shape).encode())
            total.update(np.ascontiguousarray(role).data.cast("B") if role.size else b"")
        total.update(b"" if self.labels is None else self.labels.astype("<i8").tobytes())
        return total.hexdigest()

    @property
    def facts(self) -> dict[str, Any]:
        """Sizes, as JSON values."""
        return {
            "shape": list(self.shape),
            "victims": len(self.victims),
            "helpers": len(self.helpers),
            "public": len(self.public),
            "pairs": len(self.pairs),
            "classes": 0 if self.labels is None else len(np.unique(self.labels)),
            "set_aside": self.set_aside,
            "rejected": self.rejected,
            "digest": self.digest,
        }

    @property
    def warnings(self) -> list[str]:
        """What is too few for what; empty where all suffices."""
        found = []
        if len(self.victims) < RULES.victims:
            found.append(
                f"{len(self.victims)} victims: what attacks read is judged from {RULES.victims} on, here INCONCLUSIVE; "
                "give more images"
            )
        if len(self.helpers) + len(self.victims) < _FEW_HELPERS:
            found.append(
                f"{len(self.helpers) + len(self.victims)} ciphertexts under one key: attacks that live on statistics "
                f"need some {_FEW_HELPERS} of them; that they find nothing here says little"
            )
        return found

    def gallery(self, places: NDArray[np.intp]) -> Pixels:
        """Return all images, with some of the encrypted ones first: those that are to be recognized among all.

        Args:
            places: Integers (n,), among victims and helpers.
        """
        encrypted = self.encrypted
        others = np.setdiff1d(np.arange(len(encrypted)), places)
        return np.concatenate([encrypted[places], encrypted[others], self.public, self.pairs])


def read_images(
    data: Path, *, count: int, size: int | None = None, seed: int = 0, advance: Advance | None = None
) -> ReadImages:
    """Read plain images of one shape: which ones, the seed decides.

    Args:
        data: A folder of images, in class folders or not; or an .npz file with uint8 arrays (n, H, W, C) or (n, H, W),
            such as ``x_train`` and ``x_test``, perhaps with labels ``y_train`` and ``y_test``.
        count: How many at most.
        size: Side in pixels of the square that each is scaled and cropped to; `FOLDER_SIZE` for folders and the
            arrays' own size if not given.
        seed: Of the choice.
        advance: Called with how many are read, and of how many.

    Raises:
        UsageError: There are no such images there, or they are encrypted ones.
    """
    if data.is_dir():
        return _from_folder(data, count=count, size=size or FOLDER_SIZE, seed=seed, advance=advance)
    if data.suffix == ".npz":
        return _from_arrays(data, count=count, size=size, seed=seed)
    raise UsageError(f"{data}: is neither a folder of images nor an .npz file of arrays")


def divide(read: ReadImages, *, victims: int, seed: int = 0) -> AuditImages:
    """Divide images into roles, without copies.

    Of images with equal pixels, or with difference hashes that differ in two bits or less, one is kept. The rest are
    ordered by a digest of seed and pixels, so that neither names nor order decide: first the victims (at most a
    quarter), then pairs (a twentieth, at most 100), and the others in halves as helpers and public images.

    Args:
        read: Images of one shape.
        victims: How many at most.
        seed: Of the order.

    Raises:
        UsageError: They are too few, too small, or differ in shape.
    """
    images = read.images
    if len({image.shape for image in images}) > 1:
        raise UsageError("images of several shapes cannot be audited together", hint="bring them to one: --size")
    order = sorted(range(len(images)), key=lambda place: _digest(images[place], seed=seed))
    hashes = np.array([difference_hash(_three_channels(images[place])) for place in order], np.uint64)
    groups = near_groups(hashes, distance=_DISTANCE) if order else np.zeros(0, np.int64)
    places = [place for rank, (place, group) in enumerate(zip(order, groups, strict=True)) if group == rank]
    kept = [images[place] for place in places]
    if len(kept) < _FEWEST:
        raise UsageError(
            f"{len(kept)} images without copies among {len(images)} are too few to audit",
            hint=f"give {_FEWEST} or more; verdicts need {4 * RULES.victims}",
        )
    if min(kept[0].shape[:2]) < _SMALLEST:
        raise UsageError(f"images of {kept[0].shape[:2]} pixels are too small to compare", hint="give a larger --size")
    chosen = min(victims, len(kept) // 4)
    pairs = min(_MOST_PAIRS, len(kept) // 20)
    stacked = np.stack(kept)
    first, second, rest = np.split(stacked, [chosen, chosen + pairs])
    helpers, public = np.array_split(rest, 2)
    labels = public_labels = None
    if read.labels is not None:
        known, _, others = np.split(
            np.array([read.labels[place] for place in places], np.int64), [chosen, chosen + pairs]
        )
        labels, public_labels = np.concatenate([known, others[: len(helpers)]]), others[len(helpers) :]
    return AuditImages(
        victims=first,
        helpers=helpers,
        public=public,
        pairs=second,
        labels=labels,
        public_labels=public_labels,
        set_aside=len(images) - len(kept),
        rejected=read.rejected,
    )


def _from_folder(folder: Path, *, count: int, size: int, seed: int, advance: Advance | None) -> ReadImages:
    """Read images of a folder until there are enough; what cannot be read is counted."""
    if (folder / MANIFEST).exists() or (folder / ".job").exists():
        raise UsageError(f"{folder}: holds encrypted images", hint="an audit encrypts by itself: give the plain ones")
    listing = list_images(folder)
    sources, numbers = listing.sources, {name: place for place, name in enumerate(listing.classes)}
    images: list[Pixels] = []
    labels: list[int] = []
    rejected = 0
    for place in np.random.default_rng(seed).permutation(len(sources)):
        if len(images) == count:
            break
        source = sources[place]
        try:
            images.append(decode_image(folder / source.path, size=size))
            labels.append(-1 if source.label is None else numbers[source.label])
        except ImageError:
            rejected += 1
        if advance is not None:
            advance(len(images) + rejected, min(count, len(sources)))
    if not images:
        raise UsageError(f"{folder}: holds no image that can be read")
    known = len(numbers) > 1 and min(labels) >= 0
    return ReadImages(images=images, labels=labels if known else None, rejected=rejected)


def _from_arrays(path: Path, *, count: int, size: int | None, seed: int) -> ReadImages:
    """Read the images of an array file, and their labels: for an array ``x...`` of images the array ``y...``."""
    found: list[Pixels] = []
    labels: list[NDArray[Any] | None] = []
    try:
        with np.load(path, allow_pickle=False) as archive:
            for name in archive.files:
                array = archive[name]
                if array.dtype == np.uint8 and array.ndim in (3, 4):
                    found.append(array if array.ndim == 4 else array[..., None])
                    labels.append(_labels(archive, f"y{name[1:]}", count=len(array)))
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path}: is no .npz file of plain arrays") from error
    if not found or len({array.shape[1:] for array in found}) > 1 or found[0].shape[3] not in (1, 3):
        raise UsageError(
            f"{path}: holds no uint8 arrays (n, H, W, C) of one shape, C = 1 or 3", hint="such as x_train and x_test"
        )
    if size is not None and found[0].shape[1:3] != (size, size):
        raise UsageError(f"{path}: its images are {found[0].shape[1]}x{found[0].shape[2]}; --size is for folders")
    starts = np.cumsum([0, *(len(array) for array in found)])
    chosen = np.random.default_rng(seed).permutation(starts[-1])[:count]
    owners = np.searchsorted(starts, chosen, side="right") - 1
    places = list(zip(owners.tolist(), (chosen - starts[owners]).tolist(), strict=True))
    given = [one for one in labels if one is not None]
    return ReadImages(
        images=[found[owner][place] for owner, place in places],
        labels=[int(given[owner][place]) for owner, place in places] if len(given) == len(found) else None,
    )


def _labels(archive: Any, name: str, *, count: int) -> NDArray[Any] | None:
    """Return the labels of an array of images, where the file has them."""
    if name not in archive.files:
        return None
    labels: NDArray[Any] = archive[name]
    return labels if labels.shape == (count,) and labels.dtype.kind in "iu" else None


def _digest(image: Pixels, *, seed: int) -> bytes:
    return hashlib.sha256(f"{seed} {image.shape}".encode() + image.tobytes()).digest()


def _three_channels(image: Pixels) -> Pixels:
    return image if image.shape[2] == 3 else np.repeat(image, 3, axis=2)
