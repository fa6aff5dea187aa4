"""Which schemes invert and recolor single pixels that stay where they are."""

from __future__ import annotations

from typing import Any

from pixelveil.schemes import Scheme

__all__ = ["channels_shuffled", "filtered_after", "leaves_pixels"]

_PIXELS = ("skk", "smkk", "huang", "skk-g", "xor-stream")


def leaves_pixels(scheme: Scheme) -> str:
    """Return why attacks on single pixels say nothing about a scheme; empty where pixels stay in their places.

    XOR with a key stream leaves them too: there the attacks find nothing, as they must.
    """
    if scheme.name in _PIXELS:
        return ""
    if scheme.name == "vit-permutation":
        moved = _parameter(scheme, "shuffle") or _parameter(scheme, "scramble_blocks")
        return "it moves values, so that neighbors are no neighbors any more" if moved else ""
    return "it undoes inversions and color orders of single pixels, of which there are none in their places"


def filtered_after(scheme: Scheme) -> bool:
    """Return whether a filter comes after the inversions, so that values are mixtures of inverted ones."""
    return scheme.name in ("huang", "skk-g") and _parameter(scheme, "order") == "post"


def channels_shuffled(scheme: Scheme) -> bool:
    """Return whether channels of single pixels change places."""
    return _parameter(scheme, "shuffle") == "per_pixel" or scheme.name == "xor-stream"


def _parameter(scheme: Scheme, name: str) -> Any:
    return scheme.parameters.get(name)
