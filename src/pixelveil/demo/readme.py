"""Write the four pictures of the README: ``python -m pixelveil.demo.readme docs/pictures``."""

from __future__ import annotations

import sys
from pathlib import Path

from pixelveil.atomic import write_atomic
from pixelveil.demo.gallery import scheme_gallery
from pixelveil.demo.pictures import png
from pixelveil.demo.samples import photographs
from pixelveil.schemes import create_scheme

__all__ = ["write_pictures"]

_NAMES = ("plain.png", "encrypted.png", "decrypted.png", "wrong-key.png")


def write_pictures(folder: Path, *, title: str = "astronaut", scheme: str = "vit-permutation") -> tuple[Path, ...]:
    """Write a photograph plain, encrypted, decrypted, and decrypted with a wrong key.

    Keys are drawn anew and thrown away, so the encrypted pictures differ from call to call.

    Args:
        folder: Where to; made if missing.
        title: One of the demo's photographs; this one is in the public domain.
        scheme: The scheme.

    Returns:
        The four files.
    """
    chosen = [photograph for photograph in photographs() if photograph.title == title]
    (row,) = scheme_gallery(create_scheme(scheme), photographs=chosen).rows
    folder.mkdir(parents=True, exist_ok=True)
    files = tuple(folder / name for name in _NAMES)
    for file, (_, pixels) in zip(files, row.views, strict=True):
        write_atomic(file, png(pixels))
    return files


if __name__ == "__main__":
    write_pictures(Path(sys.argv[1]))
