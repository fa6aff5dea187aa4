"""Files that appear whole or not at all, written piece by piece."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pixelveil import atomic

__all__ = ["TEMPORARY", "replacing", "sweep"]

TEMPORARY = ".pixelveil-part"


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a hidden file beside ``path``; when the block ends well, flush it to the disk and rename it to ``path``.

    For content that is too large for ``pixelveil.atomic.write_atomic``. One job writes one path, so the hidden name
    is fixed, and what a killed job leaves behind is overwritten or found by ``sweep``.

    Args:
        path: Where the content shall stand; its folder must exist.

    Yields:
        The hidden file, open for writing.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "a") as file:
    ...         _ = file.write(b"x")
    ...     (Path(folder) / "a").read_bytes()
    b'x'
    """
    # A name of its own length: with something added, a name as long as file systems allow would be too long.
    temporary = path.with_name(f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:32]}{TEMPORARY}")
    temporary.unlink(missing_ok=True)
    with atomic.replacing(path, temporary=temporary, mode=0o666) as file:  # the user's umask decides, as for any output
        yield file


def sweep(folder: Path) -> None:
    """Remove what killed jobs left behind under hidden names."""
    for left in folder.rglob(f".*{TEMPORARY}"):
        left.unlink(missing_ok=True)
