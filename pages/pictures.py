"""Pictures for the pages of schemes: a photograph plain and encrypted, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pixelveil.atomic import write_atomic
from pixelveil.demo.pictures import png
from pixelveil.demo.samples import photographs
from pixelveil.keys import Key
from pixelveil.schemes import SCHEMES, Scheme
from pixelveil.schemes.fitting import fit_asset

__all__ = ["scheme_picture", "write_scheme_pictures"]

SIDE = 128
_GAP = 4


def write_scheme_pictures(folder: Path) -> None:
    """Write one picture for each scheme; schemes that need a trained network are left out.

    Args:
        folder: Where to; made if missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    others = np.stack([part for one in photographs() for part in _quarters(one.pixels)])
    plain = next(_small(one.pixels) for one in photographs() if one.title == "astronaut")
    for name, kind in SCHEMES.items():
        scheme = kind()
        if "weights" in kind.asset_kinds:
            continue
        if kind.needs_asset:
            scheme = scheme.bind(fit_asset(scheme, images=others))
        write_atomic(folder / f"{name}.png", png(scheme_picture(scheme, plain)))


def scheme_picture(scheme: Scheme, plain: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return plain and encrypted next to each other; floats are stretched to what a screen can show.

    Args:
        scheme: With its asset, where it needs one.
        plain: uint8 (H, W, 3).
    """
    encrypted = scheme.encrypt(plain, key=Key.generate()).images
    shown = _showable(np.asarray(encrypted))
    height = max(len(plain), len(shown))
    white = np.full((height, _GAP, 3), 255, np.uint8)
    return np.concatenate([_filled(plain, height), white, _filled(shown, height)], axis=1)


def _showable(image: NDArray[Any]) -> NDArray[np.uint8]:
    if image.dtype != np.uint8:
        low, high = np.percentile(image, (0.5, 99.5))
        image = np.clip((image - low) / max(high - low, 1e-9) * 255, 0, 255).astype(np.uint8)
    if image.shape[2] == 1:
        return np.repeat(image, 3, axis=2)
    if image.shape[2] != 3:
        # A set of vectors: one row of pixels for each.
        rows = image.reshape(-1, image.shape[2])[:, :256]
        return np.repeat(np.repeat(rows[..., None], 3, axis=2), max(1, SIDE // len(rows)), axis=0)
    return image


def _filled(image: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    below = np.full((height - len(image), image.shape[1], 3), 255, np.uint8)
    return np.concatenate([image, below])


def _quarters(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Return the four quarters of a photograph, each as a small square."""
    down, right = pixels.shape[0] // 2, pixels.shape[1] // 2
    return [_small(pixels[y : y + down, x : x + right]) for y in (0, down) for x in (0, right)]


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    side = min(pixels.shape[:2])
    square = Image.fromarray(pixels[:side, :side]).convert("RGB")
    return np.asarray(square.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
