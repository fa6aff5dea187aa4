"""How random ciphertexts look. Advice only: a scheme can pass all of this and be read by anybody."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from pixelveil.attacks.attack import Images
from pixelveil.attacks.controls import aes_noise
from pixelveil.attacks.measures import (
    adjacent_correlation,
    critical_values,
    entropy,
    histogram_distance,
    npcr,
    uaci,
    uniformity,
)
from pixelveil.audit.bench import Bench

__all__ = ["appearance"]

_LOOKED_AT = 100
_DIRECTIONS: tuple[Literal["horizontal", "vertical", "diagonal"], ...] = ("horizontal", "vertical", "diagonal")


def appearance(bench: Bench) -> list[dict[str, Any]]:
    """Return statistics of plain and encrypted images, with what noise would have, as JSON values.

    Args:
        bench: Scheme, key and images.

    Returns:
        One entry a statistic: "name", "plain", "encrypted" and "noise"; None where it is not defined, such as the
        entropy of floats.
    """
    plain = bench.images.victims[:_LOOKED_AT]
    encrypted, other = bench.encrypt(plain), bench.renewed().encrypt(plain)
    rows: list[dict[str, Any]] = []

    def row(name: str, *, of_plain: float | None, of_encrypted: float | None, noise: str) -> None:
        rows.append({"name": name, "plain": of_plain, "encrypted": of_encrypted, "noise": noise})

    whole = encrypted.dtype == np.uint8
    row(
        "entropy of values, bits",
        of_plain=float(entropy(plain).mean()),
        of_encrypted=float(entropy(encrypted).mean()) if whole else None,
        noise=f"{_noise_entropy(plain[0].size):.2f}",
    )
    row(
        "histogram against a uniform one, chi-squared",
        of_plain=float(uniformity(plain).mean()),
        of_encrypted=float(uniformity(encrypted).mean()) if whole else None,
        noise="255",
    )
    row(
        "distance of the histogram from the plain image's, 0 to 1",
        of_plain=0.0,
        of_encrypted=float(histogram_distance(encrypted, plain).mean()) if whole else None,
        noise=f"{float(histogram_distance(aes_noise(len(plain), bench.images.shape), plain).mean()):.2f}",
    )
    flat = min(encrypted.shape[1:3]) < 2
    for direction in _DIRECTIONS:
        row(
            f"correlation of {direction} neighbors",
            of_plain=float(adjacent_correlation(plain, direction=direction).mean()),
            of_encrypted=None if flat else float(adjacent_correlation(encrypted, direction=direction).mean()),
            noise="0",
        )
    bounds = critical_values(encrypted[0].size)
    row(
        "values that change with the key (NPCR)",
        of_plain=None,
        of_encrypted=float(npcr(encrypted, other).mean()) if whole else None,
        noise=f"{bounds.npcr:.4f} or more",
    )
    row(
        "mean change with the key (UACI)",
        of_plain=None,
        of_encrypted=float(uaci(encrypted, other).mean()) if whole else None,
        noise=f"{bounds.uaci[0]:.4f} to {bounds.uaci[1]:.4f}",
    )
    row(
        "values that change with one pixel of the image (NPCR)",
        of_plain=bench.images.shape[2] / plain[0].size,
        of_encrypted=_plain_sensitivity(bench, plain) if whole else None,
        noise=f"{bounds.npcr:.4f} or more",
    )
    return rows


def _plain_sensitivity(bench: Bench, plain: Images) -> float:
    """Return the share of encrypted values that change where one pixel of the image does, under one key.

    Schemes for learning have no diffusion: by design one pixel changes little. It is a property, not a fault.
    """
    changed = plain.copy()
    changed[:, plain.shape[1] // 2, plain.shape[2] // 2] ^= 0x80
    return float(npcr(bench.encrypt(plain), bench.encrypt(changed)).mean())


def _noise_entropy(values: int) -> float:
    """Return the expected entropy of so many uniform values: 8 bits less the bias of the estimate (Miller 1955)."""
    return 8 - 255 / (2 * values * float(np.log(2)))
