"""Which files of a folder are images, and what their folders say about group and class."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from pixelveil.data.decode import IMAGE_SUFFIXES
from pixelveil.errors import UsageError

__all__ = ["Listing", "Source", "list_images"]


@dataclass(frozen=True, order=True, slots=True)
class Source:
    """One image file of a folder.

    Args:
        path: Relative to the folder, with forward slashes.
        size: Bytes of the file.

    >>> source = Source(path="site-a/train/cat/7.jpg", size=1)
    >>> source.group, source.label
    ('site-a/train', 'cat')
    >>> Source(path="7.jpg", size=1).label is None
    True
    """

    path: str
    size: int

    @property
    def group(self) -> str:
        """The folders above the class folder, such as "train"; empty where there are none."""
        return "/".join(self.path.split("/")[:-2])

    @property
    def label(self) -> str | None:
        """The class: the name of the parent folder, or None for a file of the top folder."""
        parts = self.path.split("/")
        return parts[-2] if len(parts) > 1 else None


@dataclass(frozen=True)
class Listing:
    """What a folder holds.

    Args:
        sources: Image files, sorted by path.
        refused: (path, reason) of links that are not followed, sorted.
        ignored: Number of other files, told apart by their suffix.
    """

    sources: tuple[Source, ...]
    refused: tuple[tuple[str, str], ...] = ()
    ignored: int = 0

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, sorted."""
        return tuple(sorted({source.label for source in self.sources if source.label is not None}))


def list_images(folder: Path) -> Listing:
    """List the image files of a folder and of all folders in it, the same way on every machine.

    Hidden files and folders are skipped. A link to a file is followed only where the file lies inside the folder; a
    link to a folder never is (it could lead in circles).

    Args:
        folder: The folder.

    Raises:
        UsageError: It, or a folder in it, cannot be listed.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     (Path(name) / "cat").mkdir()
    ...     for file in ("cat/b.png", "cat/a.JPG", "cat/notes.txt", "cat/.hidden.png"):
    ...         (Path(name) / file).touch()
    ...     listing = list_images(Path(name))
    >>> [source.path for source in listing.sources], listing.classes, listing.ignored
    (['cat/a.JPG', 'cat/b.png'], ('cat',), 1)
    """
    root = folder.resolve()
    prefix = f"{root}{os.sep}" if root.name else str(root)
    sources: list[Source] = []
    refused: list[tuple[str, str]] = []
    ignored = 0
    for entry in _entries(root):
        path = entry.path.removeprefix(prefix).replace(os.sep, "/")
        if entry.is_symlink() and entry.is_dir():
            refused.append((path, "is a link to a folder"))
        elif PurePath(entry.name).suffix.lower() not in IMAGE_SUFFIXES:
            ignored += 1
        elif entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(root):
            refused.append((path, "is a link that leaves the folder"))
        elif entry.is_file():
            sources.append(Source(path=path, size=entry.stat().st_size))
        else:
            refused.append((path, "is not a regular file"))
    return Listing(sources=tuple(sorted(sources)), refused=tuple(sorted(refused)), ignored=ignored)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield everything below a folder that is neither hidden nor a folder of its own."""
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise UsageError(f"{folder}: cannot be listed: {error.strerror}") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(Path(entry.path))
        else:
            yield entry
