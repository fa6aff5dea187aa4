"""Encrypt a folder of images into a folder that can be handed over."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pixelveil.atomic import write_atomic
from pixelveil.data.chunk import ChunkWriter
from pixelveil.data.decode import image_shape
from pixelveil.data.discover import Listing, list_images
from pixelveil.data.files import sweep
from pixelveil.data.job import Item, Job, begin, locked, new_header
from pixelveil.data.manifest import MANIFEST, NAMES, Footer, Header, Manifest, Storage, to_line, write_manifest
from pixelveil.data.names import seal_names
from pixelveil.data.pipeline import ordered_map
from pixelveil.data.storing import choose_storing
from pixelveil.data.verify_folder import mac_key, verify_folder
from pixelveil.data.worker import Rejected, Shape, Worker
from pixelveil.data.writers import suffix
from pixelveil.errors import BudgetError, ImageError, UsageError
from pixelveil.keys import Epoch, Key
from pixelveil.plans.threads import processors
from pixelveil.schemes import Scheme

__all__ = ["FolderReport", "encrypt_folder"]

# Images that one thread takes at a time: enough to be quick, few enough to keep them in the cache and memory small.
_BLOCK_IMAGES = 8
_BLOCK_BYTES = 4 << 20

# Encrypted images that may wait while a shard is flushed to the disk, so that the threads go on.
_WAITING_BYTES = 16 << 20

# Images whose headers are read to see whether a folder has one size; what differs among the others is listed as bad.
_SAMPLE = 100

Advance = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class FolderReport:
    """What an encryption job did.

    Args:
        out: The encrypted folder.
        images: Encrypted images in it.
        finished_before: How many of them earlier runs of the job had finished.
        rejected: Source files that could not be encrypted.
        rejected_file: Where these are listed with their reasons; None if there are none.
        ignored: Files that do not have the suffix of an image.
    """

    out: Path
    images: int
    finished_before: int
    rejected: int
    rejected_file: Path | None
    ignored: int


def encrypt_folder(
    source: Path,
    out: Path,
    *,
    key: Key,
    scheme: Scheme,
    size: int | None = None,
    storage: str = "png",
    dtype: str | None = None,
    quality: int | None = None,
    subsampling: str | None = None,
    shard_size: int = 1000,
    hide_classes: bool = False,
    workers: int | None = None,
    rejected: Path | None = None,
    advance: Advance | None = None,
) -> FolderReport:
    """Encrypt all images of a folder; the folders they are in become class and group.

    The result holds no plain image, no original file name and no metadata. The same call again takes up a job that
    was stopped, and leaves the bytes that an undisturbed job would have left (with a shared or derived key and a scheme
    that draws nothing anew; an ephemeral key, noise and mixing are new in every run). Files that are not readable
    images are listed in ``rejected``; the rest goes on.

    Args:
        source: Folder of images; class folders, splits of class folders, or neither.
        out: New folder, or one with an unfinished job.
        key: Its active epoch encrypts, and counts the images.
        scheme: How to encrypt.
        size: Scale and crop all images to a square of this side, in pixels, before encryption.
        storage: "png" or "jpeg" (class folders), "npy" (shards of one array) or "wds" (WebDataset shards).
        dtype: How to store what a scheme gives as floats: "float16" (the default) or "scaled8", bytes with a scale of
            their own for each image.
        quality: Of JPEG, 1 to 100; None: 90.
        subsampling: Of the color of JPEG, "4:4:4" (the default) or "4:2:0".
        shard_size: Most images in a shard; also what a stopped job loses at most.
        hide_classes: Replace class names by codes.
        workers: Threads; as many as there are processors if not given.
        rejected: Where to list bad files, by default beside ``out`` with the suffix ".rejected.jsonl".
        advance: Called with the number of images that are done and of all.

    Returns:
        Counts, and where the list of bad files is.

    Raises:
        UsageError: A folder or parameter does not fit, ``out`` holds something else, or the encrypted images would
            not survive JPEG.
        BudgetError: The key may not encrypt that many images; none is encrypted then.
        IntegrityError: ``out`` was finished and is not what it was, or the key has been rotated meanwhile.
    """
    rejected = out.with_name(f"{out.name}.rejected.jsonl") if rejected is None else rejected
    _check_places(source, out, rejected=rejected)
    epoch, listing = key.active, list_images(source)
    if not listing.sources:
        raise UsageError(f"{source}: holds no images")
    storing = choose_storing(scheme, storage=storage, dtype=dtype, quality=quality, subsampling=subsampling)
    header = new_header(
        listing,
        scheme=scheme,
        epoch=epoch,
        storing=storing,
        size=size,
        shard_size=shard_size,
        hide_classes=hide_classes,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")  # a bad image is listed; what its decoder mutters is not
        shape = _common_shape(source, listing, scheme=scheme, header=header)
        with locked(out):
            job = begin(out, listing, header=header, epoch=epoch)
            was_complete = job.is_complete
            finished_before = sum(1 for _ in job.journal_lines(rejected=False))
            if not was_complete:
                worker = Worker(
                    source=source, out=out, header=job.header, epoch=epoch, key=key, scheme=scheme, shape=shape
                )
                _encrypt_chunks(worker, job, workers=workers or processors(), advance=advance)
                _finish(job, listing, epoch=epoch, rejected=rejected)
    if was_complete:
        finished_before = verify_folder(out, key=key, contents=False)
    footer = Manifest.open(out).footer()
    return FolderReport(
        out=out,
        images=footer.images,
        finished_before=finished_before,
        rejected=footer.rejected,
        rejected_file=rejected if footer.rejected else None,
        ignored=listing.ignored,
    )


def _check_places(source: Path, out: Path, *, rejected: Path) -> None:
    inner, outer = out.resolve(), source.resolve()
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise UsageError(f"{out}: lies inside {source}, or the other way round", hint="name a folder beside it")
    if rejected.resolve().is_relative_to(inner):
        raise UsageError(f"{rejected}: lists original names and must not lie in the encrypted folder")


def _common_shape(source: Path, listing: Listing, *, scheme: Scheme, header: Header) -> Shape | None:
    """Return the shape that all images must have, None if any will do; see early whether scheme and storage fit."""
    storage = cast(Storage, header.storage)
    if header.size is not None:
        shape = (header.size, header.size, 3)
        suffix(storage, shape=scheme.encrypted_shape(shape), dtype=header.stored_dtype)
        return shape
    first: tuple[str, Shape] | None = None
    for path in (one.path for one in listing.sources[:: 1 + len(listing.sources) // _SAMPLE]):
        try:
            shape = image_shape(source / path)
            encrypted = scheme.encrypted_shape(shape)
        except (ImageError, UsageError):
            continue  # this image will be listed with its reason
        suffix(storage, shape=encrypted, dtype=header.stored_dtype)
        if storage != "npy":
            return None
        first = first or (path, shape)
        if shape != first[1]:
            raise UsageError(
                f"{first[0]} has shape {first[1]} and {path} has {shape}, but a shard is one array",
                hint="use --size to bring all images to one size, or --format png or wds",
            )
    return first[1] if first else None


def _encrypt_chunks(worker: Worker, job: Job, *, workers: int, advance: Advance | None) -> None:
    """Encrypt all chunks that are not finished, several blocks of images at a time."""
    todo = [chunk for chunk in job.chunks if not job.is_finished(chunk)]
    left, total = (sum(len(chunk.items) for chunk in chunks) for chunks in (todo, job.chunks))
    if job.header.keeps_keys and left > worker.key.remaining:
        raise BudgetError(
            f"{left} images are to be encrypted, and the key may encrypt {worker.key.remaining} more",
            hint="open a new epoch (pixelveil rotate) and encrypt into a new folder",
        )
    by_bytes = worker.header.size is None
    blocks = ((chunk, block) for chunk in todo for block in _blocks(chunk.items, by_bytes=by_bytes))
    ahead = 4 * workers
    if worker.shape is not None:
        ahead = max(ahead, _WAITING_BYTES // (_BLOCK_IMAGES * math.prod(worker.scheme.encrypted_shape(worker.shape))))
    with ThreadPoolExecutor(workers) as pool:
        results = ordered_map(lambda work: (work[0], worker(work[1])), blocks, pool=pool, ahead=ahead)
        for chunk, images in itertools.groupby(results, key=lambda result: result[0]):
            lines = []
            with ChunkWriter(job.out, chunk, header=job.header) as writer:
                for image in itertools.chain.from_iterable(block for _, block in images):
                    lines.append(_rejected_line(image) if isinstance(image, Rejected) else to_line(writer.add(image)))
                    left -= 1
                    if advance is not None:
                        advance(total - left, total)
            write_atomic(job.journal(chunk), b"".join(lines))


def _blocks(items: tuple[Item, ...], *, by_bytes: bool) -> Iterator[list[Item]]:
    """Cut items into blocks that fit the memory of one thread; whole images of any size may need small blocks."""
    block: list[Item] = []
    for item in items:
        block.append(item)
        if len(block) == _BLOCK_IMAGES or (by_bytes and sum(one.size for one in block) >= _BLOCK_BYTES):
            yield block
            block = []
    if block:
        yield block


def _rejected_line(image: Rejected) -> bytes:
    """Return the journal's line for a bad image. It lies in the output until the job ends, so it names no file."""
    return json.dumps({"rejected": image.item.name, "reason": image.reason}).encode() + b"\n"


def _finish(job: Job, listing: Listing, *, epoch: Epoch, rejected: Path) -> None:
    """Write what all chunks share; the manifest comes last, for its existence says that the job is complete."""
    paths = {item.name: item.path for item in job.items}
    bad = [json.loads(line) for line in job.journal_lines(rejected=True)]
    reasons = [*listing.refused, *sorted((paths[line["rejected"]], line["reason"]) for line in bad)]
    if reasons:
        listed = (json.dumps({"path": path, "reason": reason}) + "\n" for path, reason in reasons)
        write_atomic(rejected, "".join(listed).encode())
    sealed = seal_names(paths, epoch=epoch, salt=bytes.fromhex(job.header.salt))
    write_atomic(job.out / NAMES, sealed)
    footer = Footer(
        images=sum(1 for _ in job.journal_lines(rejected=False)),
        rejected=len(reasons),
        names_sha256=hashlib.sha256(sealed).hexdigest(),
    )
    sweep(job.out)
    lines = itertools.chain([to_line(job.header)], job.journal_lines(rejected=False), [to_line(footer)])
    write_manifest(job.out / MANIFEST, lines, key=mac_key(epoch))
