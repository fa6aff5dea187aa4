"""Attacks on single bytes as they were published, on whatever a scheme gives; a negative PSNR made and unmade."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.claims_rows import interval
from pixelveil import Key
from pixelveil.attacks.controls import aes_noise
from pixelveil.attacks.intervals import of_mean
from pixelveil.attacks.measures import affinely_aligned, edge_correlation, float_psnr, psnr, ssim
from pixelveil.schemes import Scheme

__all__ = ["as_published", "bytes_of", "literal_leading_bit", "literal_minimum_difference"]

Values = NDArray[Any]
Row = dict[str, Any]

_ORDERS = np.array(list(permutations(range(3))))
_FLIPS = np.array(list(product((False, True), repeat=3)))


def literal_leading_bit(values: Values) -> Values:
    """Return ``v`` where it is at most 127, ``255 - v`` elsewhere: as published, whatever the values are.

    Args:
        values: (n, H, W, C), real numbers.
    """
    return np.where(values <= 127, values, 255 - values)


def literal_minimum_difference(values: Values) -> Values:
    """Return images in which each pixel is the nearest of its 48 readings to the one above it, or left of it.

    As published, on real numbers: six orders of the components, each one inverted or not; the seed is the first
    encrypted pixel. Source: Chang and Case, arXiv 2004.13263.

    Args:
        values: (n, H, W, 3), real numbers.
    """
    found = values.astype(np.float64)
    for column in range(1, values.shape[2]):
        found[:, :1, column] = _nearest(found[:, :1, column], found[:, :1, column - 1])
    for row in range(1, values.shape[1]):
        found[:, row] = _nearest(found[:, row], found[:, row - 1])
    return found


def _nearest(pixels: Values, before: Values) -> Values:
    """Return for each pixel (n, m, 3) the reading that is nearest to the pixel before; of equal orders the last."""
    ordered = pixels[..., _ORDERS[::-1]][..., None, :]
    readings = np.where(_FLIPS, 255 - ordered, ordered).reshape(*pixels.shape[:2], -1, 3)
    best = np.abs(readings - before[:, :, None]).sum(axis=-1).argmin(axis=-1)
    return np.asarray(np.take_along_axis(readings, best[..., None, None], axis=2)[:, :, 0])


def bytes_of(values: Values) -> NDArray[np.uint8]:
    """Return values rounded and clipped to 0..255: the image that a person would see."""
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def as_published(scheme: Scheme, plain: NDArray[np.uint8]) -> list[Row]:
    """Return what both attacks read, in one reading and without the key's help, with noise beside.

    Where a scheme gives real numbers, the ratio of the unclipped values stands beside that of the images they make.

    Args:
        scheme: Whose results have the images' own shape.
        plain: uint8 (n, H, W, 3).
    """
    key, shape = Key.generate(budget=1 << 30), (plain.shape[1], plain.shape[2], plain.shape[3])
    keyed = None if scheme.key_policy in ("ephemeral", "none") else key
    encrypted = np.asarray(scheme.encrypt(plain, key=keyed).images, np.float64)
    noise = np.asarray(scheme.encrypt(aes_noise(len(plain), shape), key=keyed).images, np.float64)
    rows = []
    for name, attack in (("leading-bit", literal_leading_bit), ("minimum-difference", literal_minimum_difference)):
        found, floor = attack(encrypted), attack(noise)
        row: Row = {
            "attack": name,
            "scheme": scheme.name,
            "parameters": {key: value for key, value in scheme.parameters.items() if key != "asset"},
            "side": plain.shape[1],
            "victims": len(plain),
            **_figures("", bytes_of(found), plain),
            **_figures("_control", bytes_of(floor), plain),
        }
        rows.append(row if scheme.output_dtype == "uint8" else row | _unclipped(found, floor, plain))
    return rows


def _figures(suffix: str, shown: NDArray[np.uint8], plain: NDArray[np.uint8]) -> Row:
    measures = {"ssim": ssim, "edge_correlation": edge_correlation, "psnr": psnr}
    return {f"{name}{suffix}": interval(of_mean(measure(shown, plain))) for name, measure in measures.items()}


def _unclipped(found: Values, floor: Values, plain: NDArray[np.uint8]) -> Row:
    ratios = float_psnr(found, plain, peak=255.0)
    figures = {
        "psnr_unclipped": ratios,
        "psnr_unclipped_control": float_psnr(floor, plain, peak=255.0),
        "psnr_unclipped_times_ten": float_psnr(found * 10, plain, peak=255.0),
        "psnr_aligned": psnr(affinely_aligned(found, plain), plain),
        "psnr_aligned_control": psnr(affinely_aligned(floor, plain), plain),
    }
    least = {"psnr_least": round(float(psnr(bytes_of(found), plain).min()), 3)}
    share = {"negative_share": round(float((ratios < 0).mean()), 3)}
    return {name: interval(of_mean(values)) for name, values in figures.items()} | least | share
