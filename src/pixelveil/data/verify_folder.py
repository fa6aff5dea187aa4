"""Check an encrypted folder against its manifest, byte for byte, and the manifest against the key."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from pixelveil.data.manifest import MANIFEST, NAMES, Header, Manifest, Row, Storage
from pixelveil.data.writers import frame, shard_end, shard_start, suffix
from pixelveil.errors import IntegrityError
from pixelveil.keys import Epoch, Key

__all__ = ["epoch_of", "find_faults", "mac_key", "verify_folder"]


def epoch_of(manifest: Manifest, *, key: Key) -> Epoch:
    """Return the epoch of a key that made a data set.

    Raises:
        IntegrityError: None of its epochs did.
    """
    try:
        return key.epoch(fingerprint=manifest.header.fingerprint)
    except IntegrityError as error:
        raise IntegrityError(f"{manifest.path.parent}: {error.message}", hint=error.hint) from error


def mac_key(epoch: Epoch) -> bytes:
    """Return the key of the manifest's MAC."""
    return epoch.subkey(purpose="manifest-mac")


def verify_folder(
    folder: Path,
    *,
    key: Key | None = None,
    contents: bool = True,
    advance: Callable[[int, int], None] | None = None,
) -> int:
    """Raise unless an encrypted folder is exactly what its manifest says.

    Args:
        folder: The encrypted folder.
        key: Checks the manifest's MAC too. Without it, only damage is found: who alters images on purpose can write
            a manifest to match.
        contents: Read all files; False only compares their names and sizes.
        advance: Called with the number of images that are done and of all.

    Returns:
        Number of images.

    Raises:
        IntegrityError: Something is missing, altered or extra; the message names the first such file.
        UsageError: The folder has no manifest.
    """
    faults = find_faults(folder, key=key, contents=contents, advance=advance)
    if faults:
        more = f"; {len(faults) - 1} more" if len(faults) > 1 else ""
        raise IntegrityError(f"{faults[0]}{more}", hint="list all: pixelveil verify")
    return Manifest.open(folder).footer().images


def find_faults(
    folder: Path,
    *,
    key: Key | None = None,
    contents: bool = True,
    advance: Callable[[int, int], None] | None = None,
) -> tuple[str, ...]:
    """Return one line for each file of an encrypted folder that is missing, altered or extra.

    Args:
        folder: The encrypted folder.
        key: Checks the manifest's MAC too.
        contents: Read all files; False only compares their names and sizes.
        advance: Called with the number of images that are done and of all.

    Returns:
        Lines that name the file first; empty if all is well.

    Raises:
        UsageError: The folder has no manifest.
    """
    return tuple(_faults(folder, key=key, contents=contents, advance=advance))


def _faults(
    folder: Path, *, key: Key | None, contents: bool, advance: Callable[[int, int], None] | None
) -> Iterator[str]:
    seen = {MANIFEST, NAMES}
    try:
        manifest = Manifest.open(folder)
        if key is not None:
            manifest.check_mac(key=mac_key(epoch_of(manifest, key=key)))
        footer = manifest.footer()
        names = folder / NAMES
        if names.is_file() and hashlib.sha256(names.read_bytes()).hexdigest() != footer.names_sha256:
            yield f"{names}: was altered"
        done = 0
        for file, rows in itertools.groupby(manifest.rows(), key=lambda row: row.file):
            if file in seen:
                yield f"{folder / file}: is listed twice"
            seen.add(file)
            batch = list(rows)
            yield from _file_faults(folder / file, batch, header=manifest.header, contents=contents)
            done += len(batch)
            if advance is not None:
                advance(done, footer.images)
    except IntegrityError as error:
        yield error.message
        return
    for path in sorted(folder.rglob("*")):
        if (path.is_symlink() or not path.is_dir()) and path.relative_to(folder).as_posix() not in seen:
            yield f"{path}: is not in the manifest"


def _file_faults(path: Path, rows: list[Row], *, header: Header, contents: bool) -> Iterator[str]:
    """Compare one file with its rows: every byte of it is either of an image or follows from the manifest."""
    parts = list(_parts(rows, header=header))
    expected = sum(len(part) if isinstance(part, bytes) else part.size for part in parts)
    if path.is_symlink() or not path.is_file():
        yield f"{path}: is missing"
    elif path.stat().st_size != expected:
        yield f"{path}: has {path.stat().st_size} bytes, not {expected}"
    elif contents:
        with path.open("rb") as file:
            for part in parts:
                if isinstance(part, bytes):
                    altered = file.read(len(part)) != part
                else:
                    altered = file.tell() != part.offset or _digest(file, part.size) != part.sha256
                if altered:
                    yield f"{path}: was altered" + ("" if isinstance(part, bytes) else f" at image {part.name}")
                    return


def _parts(rows: list[Row], *, header: Header) -> Iterator[bytes | Row]:
    """Yield what a file consists of, from its first byte to its last: fixed bytes, and images by their rows."""
    storage = cast(Storage, header.storage)
    yield shard_start(storage, count=len(rows), shape=rows[0].encrypted_shape, dtype=header.stored_dtype)
    for row in rows:
        name = f"{row.name}.{suffix(storage, shape=row.encrypted_shape, dtype=header.stored_dtype)}"
        before, after = frame(storage, name=name, label=row.label, size=row.size)
        yield before
        yield row
        yield after
    yield shard_end(storage)


def _digest(file: BinaryIO, size: int) -> str:
    return hashlib.sha256(file.read(size)).hexdigest()
