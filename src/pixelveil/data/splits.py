"""Train and test images that share nothing: copies and near copies go to the same side.

Public medical sets are full of copies and augmented copies; with a random split, a test image then often has its twin
in the training set, and the accuracy means little. Here, images with equal pixels, or with difference hashes
that differ in a few of 64 bits, form one group, and groups are never divided.

The difference hash is Krawetz's (N. Krawetz, "Kind of Like That", 2013, https://www.hackerfactor.com/blog/): the
image in gray at 9x8 pixels, one bit for each pair of neighbors in a row. It sees scaling, recompression and changes of
brightness as the same image; rotated or mirrored copies it does not see.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pixelveil.data.decode import Pixels, decode_image
from pixelveil.data.discover import Source, list_images
from pixelveil.data.pipeline import ordered_map
from pixelveil.errors import ImageError, UsageError
from pixelveil.plans.threads import processors

__all__ = ["Split", "difference_hash", "near_groups", "split_images"]


@dataclass(frozen=True, kw_only=True)
class Split:
    """Two sides of a set of image files.

    Args:
        train: Paths relative to the folder, sorted.
        test: Likewise.
        exact_duplicates: Images whose pixels equal those of an image before them.
        near_duplicates: Further images that were kept beside another one because they are nearly alike.
        largest_group: Images in the largest group that was kept together.
        rejected: (path, reason) of files that could not be read; they are on neither side.
    """

    train: tuple[str, ...]
    test: tuple[str, ...]
    exact_duplicates: int
    near_duplicates: int
    largest_group: int
    rejected: tuple[tuple[str, str], ...]


def split_images(
    folder: Path,
    *,
    test: float = 0.2,
    distance: int = 2,
    workers: int | None = None,
    advance: Callable[[int, int], None] | None = None,
) -> Split:
    """Split the images of a folder into train and test, without a copy or near copy across the border.

    Classes (parent folders) keep their proportions as well as groups allow. Existing splits in the folder are not
    looked at. The result depends on the images only: a digest of the pixels takes the place of a random number.

    Args:
        folder: Folder of plain images.
        test: Share of images on the test side, above 0 and below 1.
        distance: Most bits, 0..64, in which the hashes of near duplicates differ.
        workers: Threads; as many as there are processors if not given.
        advance: Called with the number of images that are done and of all.

    Raises:
        UsageError: A number is out of its range, or the folder holds no image that can be read.
    """
    if not 0 < test < 1:
        raise UsageError(f"test share {test} is not between 0 and 1")
    if not 0 <= distance <= 64:
        raise UsageError(f"distance {distance} is not between 0 and 64 bits")
    sources = list_images(folder).sources
    prints: list[tuple[Source, bytes, int]] = []
    rejected: list[tuple[str, str]] = []
    threads = workers or processors()
    with ThreadPoolExecutor(threads) as pool:
        results = ordered_map(lambda one: _fingerprint(folder, one), sources, pool=pool, ahead=4 * threads)
        for done, (source, result) in enumerate(zip(sources, results, strict=True), start=1):
            if isinstance(result, str):
                rejected.append((source.path, result))
            else:
                prints.append((source, *result))
            if advance is not None:
                advance(done, len(sources))
    if not prints:
        raise UsageError(f"{folder}: holds no image that can be read")
    exact = len(prints) - len({digest for _, digest, _ in prints})
    group_of = near_groups(np.array([value for *_, value in prints], np.uint64), distance=distance)
    groups: defaultdict[int, list[tuple[Source, bytes]]] = defaultdict(list)
    for number, (source, digest, _) in zip(group_of.tolist(), prints, strict=True):
        groups[number].append((source, digest))
    on_test = _choose(list(groups.values()), share=test)
    return Split(
        train=tuple(sorted(source.path for source, *_ in prints if source.path not in on_test)),
        test=tuple(sorted(on_test)),
        exact_duplicates=exact,
        near_duplicates=len(prints) - exact - len(groups),
        largest_group=max(len(group) for group in groups.values()),
        rejected=tuple(rejected),
    )


def difference_hash(pixels: Pixels) -> int:
    """Return 64 bits that similar images share: bit ``8 r + c`` says whether pixel c of row r is darker than its right.

    Args:
        pixels: (H, W, 3), uint8.

    >>> ramp = np.tile(np.arange(0, 90, 10, dtype=np.uint8)[None, :, None], (8, 1, 3))
    >>> difference_hash(ramp) == 2**64 - 1, difference_hash(ramp[:, ::-1])
    (True, 0)
    """
    small = np.asarray(Image.fromarray(pixels).convert("L").resize((9, 8), Image.Resampling.BOX))
    bits = np.packbits((small[:, :-1] < small[:, 1:]).ravel(), bitorder="little")
    return int.from_bytes(bits.tobytes(), "little")


def near_groups(hashes: NDArray[np.uint64], *, distance: int) -> NDArray[np.int64]:
    """Number the connected groups of hashes, where two are connected if they differ in at most ``distance`` bits.

    Args:
        hashes: uint64 (N,).
        distance: 0..64.

    Returns:
        int64 (N,): the smallest index of the group that each hash is in.

    >>> near_groups(np.array([0b0000, 0b1111, 0b0001, 0b0011], np.uint64), distance=1).tolist()
    [0, 1, 0, 0]
    """
    unique, places = np.unique(hashes, return_inverse=True)
    group = np.arange(len(unique))
    waiting = np.ones(len(unique), bool)
    for seed in range(len(unique)):
        if not waiting[seed]:
            continue
        waiting[seed] = False
        border = [seed]
        while border:  # breadth first; every hash is compared with those that still wait, once
            one = border.pop()
            left = np.flatnonzero(waiting)
            near = left[_bit_count(unique[left] ^ unique[one]) <= distance]
            waiting[near] = False
            group[near] = seed
            border.extend(near.tolist())
    first = np.full(len(unique), len(hashes))
    np.minimum.at(first, group[places], np.arange(len(hashes)))
    return first[group[places]].astype(np.int64)


def _bit_count(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Count set bits (H. S. Warren, "Hacker's Delight", 2nd edition, section 5-1)."""
    one, two, four = (np.uint64(mask) for mask in (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F))
    values = values - ((values >> np.uint64(1)) & one)
    values = (values & two) + ((values >> np.uint64(2)) & two)
    values = (values + (values >> np.uint64(4))) & four
    return (values * np.uint64(0x0101010101010101)) >> np.uint64(56)


def _fingerprint(folder: Path, source: Source) -> tuple[bytes, int] | str:
    """Return digest and difference hash of the pixels, or why they cannot be read."""
    path = folder / source.path
    try:
        pixels = decode_image(path)
    except ImageError as error:
        return error.message.removeprefix(f"{path}: ")
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest(), difference_hash(pixels)


def _choose(groups: Sequence[Sequence[tuple[Source, bytes]]], *, share: float) -> set[str]:
    """Return the paths of the test side: large groups first, each to the side that lacks more of its classes."""
    total = Counter(source.label for group in groups for source, _ in group)
    test_count: Counter[str | None] = Counter()
    train_count: Counter[str | None] = Counter()
    test: set[str] = set()
    for group in sorted(groups, key=lambda group: (-len(group), min(digest for _, digest in group))):
        counts = Counter(source.label for source, _ in group)
        filled = [
            sum(count * side[label] / (part * total[label]) for label, count in counts.items())
            for side, part in ((test_count, share), (train_count, 1 - share))
        ]
        fits = (
            sum(count * (share * total[label] - test_count[label] - count / 2) for label, count in counts.items()) > 0
        )
        if fits and filled[0] < filled[1]:
            test.update(source.path for source, _ in group)
            test_count += counts
        else:
            train_count += counts
    return test
