"""Key files on the disk: who may read them, and one writer at a time."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pixelveil.atomic import write_atomic
from pixelveil.errors import KeyFileError
from pixelveil.keys.epoch import Epoch
from pixelveil.keys.keyfile import MAX_FILE_BYTES, Header, Wrapping, parse, seal, unseal

__all__ = ["locked", "open_epochs", "read_epochs", "read_header", "write_epochs"]

_MODE = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_header(source: Path | bytes) -> Header:
    """Read what a key file tells without its passphrase. Nothing of it is authenticated until the file is opened.

    Args:
        source: The file, or its content.

    Returns:
        The public header.

    Raises:
        KeyFileError: There is no such file, or it is not a key file, damaged, or of an unknown version.
    """
    if isinstance(source, bytes):
        return parse(source)[0]
    return parse(_read(source, private=False), name=str(source))[0]


def open_epochs(path: Path, *, passphrase: str) -> tuple[tuple[Epoch, ...], Wrapping]:
    """Open a key file with its passphrase.

    Args:
        path: The file.
        passphrase: What it was sealed under.

    Returns:
        All epochs, oldest first, and what is needed to read and write the file again.

    Raises:
        KeyFileError: The file cannot be read, others may read it, it is damaged, or the passphrase is another.
        UsageError: The passphrase is empty.
    """
    content = _read(path, private=True)
    header, _ = parse(content, name=str(path))
    wrapping = Wrapping.of(header, passphrase)
    return unseal(content, wrapping=wrapping, name=str(path)), wrapping


def read_epochs(path: Path, *, wrapping: Wrapping) -> tuple[Epoch, ...]:
    """Read an opened key file again.

    Args:
        path: The file.
        wrapping: What `open_epochs` returned.

    Returns:
        All epochs, oldest first.

    Raises:
        KeyFileError: The file cannot be read any more, or has another passphrase now.
    """
    return unseal(_read(path, private=True), wrapping=wrapping, name=str(path))


def write_epochs(path: Path, epochs: Sequence[Epoch], *, wrapping: Wrapping) -> None:
    """Write a key file whole, readable by its owner only; it is on the disk when this returns.

    Args:
        path: The file; the caller holds its lock.
        epochs: All epochs, oldest first.
        wrapping: What the passphrase gives.

    Raises:
        KeyFileError: The file cannot be written.
    """
    content = seal(epochs, wrapping=wrapping)
    try:
        write_atomic(path, content, mode=_MODE)
    except OSError as error:
        raise _unwritable(path, error) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a key file, waiting for it.

    The lock is a file of its own, ``NAME.lock``, which stays. The key file cannot carry the lock: each writing
    replaces it. A lock on the folder would leave no file behind, but any user who may list the folder could hold it,
    and network file systems do not lock folders. flock, not POSIX record locks: it also keeps two `Key` objects of one
    process apart, and the kernel drops it when its holder is killed.

    Args:
        path: The key file; it need not exist yet.

    Yields:
        Nothing; the lock is held inside the block.

    Raises:
        KeyFileError: The lock file cannot be made.
    """
    lock = path.with_name(path.name + ".lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _MODE)
    except OSError as error:
        raise _unwritable(lock if path.parent.is_dir() else path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        # Unlock before closing: a process forked meanwhile has a copy of the descriptor, which would keep the lock.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _read(path: Path, *, private: bool) -> bytes:
    """Read a file that may be a key file; if ``private``, only when nobody but its owner may."""
    try:
        # Not blocking: opening a named pipe would otherwise wait for a writer.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise KeyFileError(f"{path}: is not a file", hint="give the file that pixelveil keygen wrote")
            if private and mode & _OTHERS:
                raise KeyFileError(
                    f"{path}: other users may read or write it (mode {stat.S_IMODE(mode):o})",
                    hint=f"chmod 600 {path}",
                )
            return file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise KeyFileError(f"{path}: no such key file", hint="make one: pixelveil keygen FILE") from error
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read: {error.strerror}", hint="check the path and its owner") from error


def _unwritable(path: Path, error: OSError) -> KeyFileError:
    return KeyFileError(
        f"{path}: cannot be written: {error.strerror}",
        hint="images are counted in the key file: its folder must exist and be writable",
    )
