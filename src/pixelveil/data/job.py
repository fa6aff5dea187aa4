"""An encryption job: what it will write, decided before the first image is read, and what it has finished.

All that decides the output is the header and the list of sources; both are fixed when the job begins, and the header
is kept in ``.job/job.json``. Each finished chunk of images leaves its rows in ``.job/chunk-00007.jsonl``. Whatever
stops the job, the same command goes on with the first chunk that has no such file.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hmac
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pixelveil.atomic import write_atomic
from pixelveil.data.decode import check_size
from pixelveil.data.discover import Listing
from pixelveil.data.manifest import FORMAT, MANIFEST, Header, Manifest, parse_header, to_line
from pixelveil.data.names import class_code, pseudonym, pseudonym_key, public_group
from pixelveil.data.storing import Storing
from pixelveil.errors import UsageError
from pixelveil.keys import Epoch
from pixelveil.schemes import Scheme

__all__ = ["JOB", "Chunk", "Item", "Job", "begin", "locked", "new_header"]

JOB = ".job"
_HEADER_FILE = "job.json"


@dataclass(frozen=True, slots=True)
class Item:
    """One image to be encrypted.

    Args:
        name: Pseudonym.
        path: Relative path of the source file.
        size: Bytes of the source file.
        group: Group as the manifest shows it.
        label: Index of its class, None if it has none.
    """

    name: str
    path: str
    size: int
    group: str
    label: int | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Images of one group that are finished together: a shard, or that many PNG or JPEG files.

    Args:
        number: Place among all chunks.
        shard: Place among the chunks of its group.
        items: Sorted by name.
    """

    number: int
    shard: int
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Job:
    """A job that has begun.

    Args:
        out: The encrypted folder.
        header: First line of its manifest.
        chunks: Everything that is to be done.
    """

    out: Path
    header: Header
    chunks: tuple[Chunk, ...]

    @property
    def folder(self) -> Path:
        """Where the job keeps its state."""
        return self.out / JOB

    @property
    def is_complete(self) -> bool:
        """Whether the manifest has been written, which is done last."""
        return (self.out / MANIFEST).exists()

    @property
    def items(self) -> Iterator[Item]:
        """All images, in the order of the manifest."""
        return (item for chunk in self.chunks for item in chunk.items)

    def journal(self, chunk: Chunk) -> Path:
        """Return the file whose existence says that a chunk is finished."""
        return self.folder / f"chunk-{chunk.number:05}.jsonl"

    def is_finished(self, chunk: Chunk) -> bool:
        """Whether all images of a chunk are written."""
        return self.journal(chunk).exists()

    def journal_lines(self, *, rejected: bool) -> Iterator[bytes]:
        """Yield the lines of all finished chunks: those of bad images, or the rows of the others."""
        for chunk in filter(self.is_finished, self.chunks):
            with self.journal(chunk).open("rb") as file:
                yield from (line for line in file if line.startswith(b'{"rejected"') == rejected)


def new_header(
    listing: Listing,
    *,
    scheme: Scheme,
    epoch: Epoch,
    storing: Storing,
    size: int | None,
    shard_size: int,
    hide_classes: bool,
) -> Header:
    """Return the header of a new job, with a fresh salt.

    Raises:
        UsageError: A number is out of its range.
    """
    if size is not None:
        check_size(size)
    if shard_size < 1:
        raise UsageError(f"shard size {shard_size} is below one")
    classes = [_public_class(name, epoch=epoch, hide_classes=hide_classes) for name in listing.classes]
    return Header(
        format=FORMAT,
        tool=_tool(),
        scheme=scheme.name,
        parameters=json.loads(json.dumps(dict(scheme.parameters))),
        digest=scheme.digest,
        key_policy=scheme.key_policy,
        fingerprint=epoch.fingerprint,
        epoch=epoch.number,
        size=size,
        storage=storing.storage,
        dtype=storing.dtype,
        quality=storing.quality,
        subsampling=storing.subsampling,
        shard_size=shard_size,
        classes=tuple(sorted(classes)),
        classes_hidden=hide_classes,
        salt=secrets.token_hex(16),
        source=_source_digest(listing, epoch=epoch),
    )


def begin(out: Path, listing: Listing, *, header: Header, epoch: Epoch) -> Job:
    """Begin a job in ``out``, or take up the one that is there.

    Args:
        out: The encrypted folder; made if missing.
        listing: The source files.
        header: From ``new_header``; an earlier job's salt replaces its salt.
        epoch: The epoch that encrypts.

    Raises:
        UsageError: ``out`` holds something else, or a job that differs in anything but salt and tool.
    """
    state = out / JOB / _HEADER_FILE
    if (out / MANIFEST).exists():
        header = _same_job(Manifest.open(out).header, header, out=out)
    elif state.exists():
        header = _same_job(parse_header(state.read_bytes(), where=str(state)), header, out=out)
    else:
        write_atomic(state, to_line(header))
    return Job(out=out, header=header, chunks=tuple(_chunks(listing, header=header, epoch=epoch)))


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Make ``out`` if it is missing, and keep other processes from working in it.

    The system frees the lock of a process that dies. The job's state does not outlive the block where nobody needs it:
    in a finished data set, which a refused command leaves as it was, and where nothing was begun.

    Raises:
        UsageError: ``out`` holds other things, cannot be made, or another process is working in it.
    """
    try:
        if out.exists() and any(out.iterdir()) and not (out / JOB).is_dir() and not (out / MANIFEST).exists():
            raise UsageError(f"{out}: is not empty", hint="name a new folder")
        (out / JOB).mkdir(parents=True, exist_ok=True)
        lock = out / JOB / "lock"
        file = lock.open("w")
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The lock of a process that has just tidied up is no longer the one that the next process finds.
            if not os.path.samestat(os.fstat(file.fileno()), lock.stat()):
                raise BlockingIOError
        except (BlockingIOError, FileNotFoundError) as error:
            raise UsageError(f"{out}: another process is working in it", hint="wait until it has ended") from error
        try:
            yield
        finally:
            if (out / MANIFEST).exists() or _is_untouched(out):
                shutil.rmtree(out / JOB, ignore_errors=True)


def _is_untouched(out: Path) -> bool:
    """Whether a job has written nothing but its header."""
    return {path.name for path in out.iterdir()} <= {JOB} and not any((out / JOB).glob("*chunk-*"))


def _same_job(old: Header, new: Header, *, out: Path) -> Header:
    for field in dataclasses.fields(Header):
        if field.name not in ("tool", "salt") and getattr(old, field.name) != getattr(new, field.name):
            raise UsageError(
                f"{out}: holds a job with another {field.name.replace('_', ' ')}",
                hint="repeat the command that began it, or name a new folder",
            )
    return old


def _chunks(listing: Listing, *, header: Header, epoch: Epoch) -> Iterator[Chunk]:
    """Yield chunks, images in the order of their pseudonyms: shuffled, and without the order of the original names."""
    key = pseudonym_key(epoch, salt=bytes.fromhex(header.salt))
    labels = {
        name: header.classes.index(_public_class(name, epoch=epoch, hide_classes=header.classes_hidden))
        for name in listing.classes
    }
    public = {group: public_group(group, epoch=epoch) for group in {source.group for source in listing.sources}}
    groups: dict[str, list[Item]] = {group: [] for group in public.values()}
    for source in listing.sources:
        label = None if source.label is None else labels[source.label]
        group = public[source.group]
        groups[group].append(Item(pseudonym(source.path, key=key), source.path, source.size, group, label))
    number = 0
    for group in sorted(groups):
        items = sorted(groups[group], key=lambda item: item.name)
        for shard, start in enumerate(range(0, len(items), header.shard_size)):
            yield Chunk(number=number, shard=shard, items=tuple(items[start : start + header.shard_size]))
            number += 1


def _tool() -> str:
    from pixelveil import __version__

    return f"pixelveil {__version__}"


def _public_class(name: str, *, epoch: Epoch, hide_classes: bool) -> str:
    return class_code(name, epoch=epoch) if hide_classes else name


def _source_digest(listing: Listing, *, epoch: Epoch) -> str:
    """Digest the list of sources under a sub-key: it tells the owner only whether two lists are the same."""
    lines = "\n".join(json.dumps([source.path, source.size]) for source in listing.sources)
    return hmac.digest(epoch.subkey(purpose="data-source"), lines.encode(), "sha256").hex()
