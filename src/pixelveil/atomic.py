"""Write files so that a reader sees the old one or the new one, never half of either."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["replacing", "write_atomic"]


def write_atomic(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write ``content`` to a temporary name beside ``path``, flush it to the disk, then rename it over ``path``.

    Args:
        path: Where the content shall stand; its folder must exist.
        content: The whole file.
        mode: Permission bits of the new file, set before the first byte is written.

    Raises:
        OSError: The folder is missing or the disk is full; ``path`` is then as it was, and nothing is left beside it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomic(Path(folder) / "a", b"x")
    ...     (Path(folder) / "a").read_bytes()
    b'x'
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with replacing(path, temporary=temporary, mode=mode) as file:
        file.write(content)


@contextmanager
def replacing(path: Path, *, temporary: Path, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Open a temporary file; when the block ends well, flush it to the disk and rename it over ``path``.

    Args:
        path: Where the content shall stand.
        temporary: A name in the same folder that nobody else writes; must not exist.
        mode: Permission bits of the new file, set before the first byte is written.

    Yields:
        The temporary file, open for writing.

    Raises:
        OSError: The folder is missing or the disk is full; ``path`` is then as it was, and nothing is left beside it.
    """
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable (a crash may otherwise bring the old name back)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
