"""Every scheme of the catalogue, as a user calls it, beside published code and a Rust package; one core.

Every rate is megabytes of plain image per second on one core, all contestants of a size in turn in one run:

* "encrypt": ``scheme.encrypt`` under the scheme's own key policy: new memory, budget and, with a key per image, key
  derivation included;
* "published": the algorithm as the authors' programs run it, rendered in NumPy (``tests/reference/public_code.py``);
* "pyscramble": the PyPI package of that name, image by image, for what it has (its own algorithms, not these schemes).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.timing import on_cores, rates, time_in_turn
from pixelveil import Key, create_scheme
from pixelveil.schemes import SCHEMES, Scheme

__all__ = ["run"]

Bytes = NDArray[np.uint8]
Contestant = Callable[[], Any]

REFERENCE = Path(__file__).resolve().parents[1] / "tests" / "reference"

# Enough that a call takes some tens of milliseconds; floats, filters and published loops get fewer.
BATCH_BYTES = 24_000_000
SLOW_BYTES = 3_000_000
ONE_BY_ONE_BYTES = 600_000
SLOW_FAMILIES = ("filtered", "matrix", "mixing", "decrepit")


def run() -> dict[str, Any]:
    """Return megabytes per second of each contestant at 32x32 and 224x224, and ratios to published code."""
    results: dict[str, Any] = {}
    for size in (32, 224):
        with on_cores(1):
            results[f"{size}x{size}"] = _compare(size)
    return results


def _compare(size: int) -> dict[str, Any]:
    contestants = _catalogue(size) | _published(size) | _pyscramble(size)
    seconds = time_in_turn({label: run for label, (_, run) in contestants.items()}, rounds=5)
    found: dict[str, Any] = {}
    for label, (images, _) in contestants.items():
        found |= rates({label: seconds[label]}, work=images.nbytes / 1e6, unit="megabytes_per_second")
    for label, published in PUBLISHED_OF.items():
        ours, theirs = found.get(f"encrypt: {label}"), found.get(f"published: {published}")
        if ours and theirs:
            ratio = ours["median_megabytes_per_second"] / theirs["median_megabytes_per_second"]
            found[f"encrypt: {label}"]["times_published"] = round(ratio, 1)
    return found


PUBLISHED_OF = {
    "tanaka-le (block_size=4)": "LE, whole batch",
    "madono-ele (block_size=4)": "ELE",
    "etc-color (block_size=4)": "EtC",
    "smkk": "PE",
    "skk": "PE",
    "vit-permutation": "ViT blocks",
}


def _catalogue(size: int) -> dict[str, tuple[Bytes, Contestant]]:
    """Return every scheme that needs no asset, under its own key policy and under the others that it takes."""
    key = Key.generate(budget=2**52)
    found: dict[str, tuple[Bytes, Contestant]] = {}
    for name, kind in SCHEMES.items():
        if kind.needs_asset:
            continue
        slow = kind.family in SLOW_FAMILIES or kind.output_dtype != "uint8"
        images = _images(size, SLOW_BYTES if slow else BATCH_BYTES)
        variants: dict[str, Scheme] = {name: kind()}
        if "block_size" in kind.__dataclass_fields__:
            side = kind.__dataclass_fields__["block_size"].default
            variants = {f"{name} (block_size={side})" if side != 16 else name: kind()}
            if name == "etc-color":
                variants["etc-color (block_size=4)"] = create_scheme(name, block_size=4)
        for label, scheme in variants.items():
            found[f"encrypt: {label}"] = (images, _encryptor(scheme, key, images))
    return found


def _published(size: int) -> dict[str, tuple[Bytes, Contestant]]:
    """Return the renderings of published programs, with key material of their own kind."""
    sys.path.insert(0, str(REFERENCE))
    try:
        import public_code as code
        import public_vit_code as vit
    finally:
        sys.path.remove(str(REFERENCE))
    batch, few = _images(size, SLOW_BYTES), _images(size, ONE_BY_ONE_BYTES)
    blocks = (size // 4) ** 2
    key = code.le_key(96, 0)
    keys, order = code.ele_keys(blocks, 96, 0), code.ele_order(blocks, 30)
    drawn = code.etc_parameters(blocks, 30)
    pixels = code.pe_key(size, size, 0)
    key_1, key_2 = vit.vit_keys(16, size, size, 0)
    return {
        "published: LE, whole batch": (batch, lambda: code.le_scramble(batch, key)),
        "published: ELE": (few, lambda: code.ele_scramble(few, keys, order)),
        "published: EtC": (few, lambda: code.etc_scramble(few, drawn)),
        "published: PE": (few, lambda: code.pe_scramble_all(few, *pixels)),
        "published: ViT blocks": (batch, lambda: vit.vit_scramble(batch, key_1, key_2)),
    }


def _pyscramble(size: int) -> dict[str, tuple[Bytes, Contestant]]:
    """Return two algorithms of pyscramble, image by image as it works; nothing where it is not installed."""
    try:
        import pyscramble
    except ImportError:
        return {}
    images = _images(size, ONE_BY_ONE_BYTES)
    alpha = np.full((*images.shape[:3], 1), 255, np.uint8)
    pictures = list(np.concatenate([images, alpha], axis=3))

    def pixels() -> None:
        for picture in pictures:
            pyscramble.per_pixel_md5_encrypt(picture, "key")

    def curve() -> None:
        for picture in pictures:
            pyscramble.tomato_scramble_encrypt(picture, 0.5)

    return {
        "pyscramble: pixels of an image": (images, pixels),
        "pyscramble: along a curve": (images, curve),
    }


def _encryptor(scheme: Scheme, key: Key, images: Bytes) -> Contestant:
    return lambda: scheme.encrypt(images, key=key)


def _images(size: int, total: int) -> Bytes:
    count = max(1, total // (size * size * 3))
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)
