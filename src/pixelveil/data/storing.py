"""How encrypted images are to be stored, decided before the first one is read; refusals give their reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from pixelveil.data.manifest import Dtype, Manifest, Storage, Subsampling
from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme

__all__ = ["Storing", "choose_storing", "loss_of_folder"]

_QUALITY = 90
_DCT_SIDE = 8  # JPEG transforms squares of 8x8 values; with 4:2:0 those of color stand for 16x16 pixels


@dataclass(frozen=True, kw_only=True)
class Storing:
    """How encrypted images are stored; the fields of the same names in a manifest's header.

    Args:
        storage: "png", "jpeg", "npy" or "wds".
        dtype: "uint8", "float16" or "scaled8".
        quality: Of JPEG, 1 to 100; else None.
        subsampling: Of color JPEG, "4:4:4" or "4:2:0"; else None.
    """

    storage: Storage
    dtype: Dtype
    quality: int | None
    subsampling: Subsampling | None


def choose_storing(
    scheme: Scheme,
    *,
    storage: str = "png",
    dtype: str | None = None,
    quality: int | None = None,
    subsampling: str | None = None,
) -> Storing:
    """Return how the images of a scheme are stored, or say why they cannot be stored so.

    Args:
        scheme: What encrypts them.
        storage: "png", "jpeg", "npy" or "wds".
        dtype: "float16" or "scaled8", for a scheme that gives floats; None: "float16" for floats, else "uint8".
        quality: Of JPEG, 1 to 100; None: 90.
        subsampling: Of color JPEG, "4:4:4" or "4:2:0"; None: "4:4:4".

    Raises:
        UsageError: An unknown value, an option that means nothing here, or images that would not survive.

    >>> from pixelveil.schemes import create_scheme
    >>> choose_storing(create_scheme("vit-orthogonal"), dtype="scaled8").dtype
    'scaled8'
    """
    if storage not in get_args(Storage):
        raise UsageError(f"unknown format {storage!r}", hint=f"choose one of: {', '.join(get_args(Storage))}")
    kind = _dtype(scheme, dtype)
    if storage == "jpeg":
        return _jpeg(scheme, kind, quality=quality, subsampling=subsampling)
    for name, value in (("quality", quality), ("subsampling", subsampling)):
        if value is not None:
            raise UsageError(f"format {storage!r} has no {name}", hint="it belongs to --format jpeg")
    if storage == "png" and kind == "float16":
        raise UsageError(
            f"{scheme.name} gives floats, which PNG cannot hold", hint="use --format npy or wds, or --dtype scaled8"
        )
    return Storing(storage=cast(Storage, storage), dtype=kind, quality=None, subsampling=None)


def loss_of_folder(folder: Path) -> str:
    """Return what storing has changed in the images of an encrypted folder, in a few words; empty where nothing has.

    Args:
        folder: The encrypted folder.

    Raises:
        UsageError: It has no manifest.
        IntegrityError: The manifest is damaged.
    """
    header = Manifest.open(folder).header
    if header.storage == "jpeg":
        color = f", {header.subsampling}" if header.subsampling else ", grayscale"
        return f"went through JPEG (quality {header.quality}{color})"
    return {"uint8": "", "float16": "were rounded to float16", "scaled8": "were rounded to 8 bits"}[header.dtype]


def _dtype(scheme: Scheme, dtype: str | None) -> Dtype:
    if scheme.output_dtype == "uint8":
        if dtype is not None:
            raise UsageError(f"{scheme.name} gives 8-bit images, which are stored as they are", hint="omit --dtype")
        return "uint8"
    if dtype not in (None, "float16", "scaled8"):
        raise UsageError(f"unknown dtype {dtype!r}", hint="choose one of: float16, scaled8")
    return "scaled8" if dtype == "scaled8" else "float16"


def _jpeg(scheme: Scheme, dtype: Dtype, *, quality: int | None, subsampling: str | None) -> Storing:
    if dtype != "uint8":
        raise UsageError(f"{scheme.name} gives floats, which JPEG cannot hold", hint="use --format npy or wds")
    if scheme.jpeg_obstacle:
        raise UsageError(
            f"{scheme.name} does not survive JPEG: {scheme.jpeg_obstacle}", hint="use --format png, npy or wds"
        )
    chosen = _QUALITY if quality is None else quality
    if not 1 <= chosen <= 100:
        raise UsageError(f"JPEG quality {chosen} is not from 1 to 100")
    if subsampling not in (None, *get_args(Subsampling)):
        raise UsageError(
            f"unknown subsampling {subsampling!r}", hint=f"choose one of: {', '.join(get_args(Subsampling))}"
        )
    block = int(getattr(scheme, "sub_block_size", scheme.block))
    gray = scheme.planes == "side by side"
    if gray and subsampling is not None:
        raise UsageError(f"{scheme.name} gives grayscale images, which have no color to subsample")
    side = _DCT_SIDE * (2 if subsampling == "4:2:0" else 1)
    if scheme.reversible and block % side:  # where nobody puts blocks back, no seam of theirs has to survive
        raise UsageError(
            f"{scheme.name} moves blocks of {block}x{block} pixels, but JPEG {subsampling or '4:4:4'} codes squares of "
            f"{side}x{side}: the edges of foreign blocks inside them would not survive",
            hint="use --subsampling 4:4:4" if block % _DCT_SIDE == 0 else f"use blocks of {side} pixels",
        )
    color = None if gray else cast(Subsampling, subsampling or "4:4:4")
    return Storing(storage="jpeg", dtype="uint8", quality=chosen, subsampling=color)
