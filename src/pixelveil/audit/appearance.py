"""How random ciphertexts look. Advice only: a scheme can pass all of this and be read by anybody."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from pixelveil.attacks.measures import adjacent_correlation, critical_values, entropy, npcr, uaci
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
    return rows


def _noise_entropy(values: int) -> float:
    """Return the expected entropy of so many uniform values: 8 bits less the bias of the estimate (Miller 1955)."""
    return 8 - 255 / (2 * values * float(np.log(2)))
