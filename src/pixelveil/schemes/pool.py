"""Pools: the assets of schemes that mix images with others. A pool holds plain images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.schemes.asset import Asset

__all__ = ["PRIVATE", "PUBLIC", "check_pool", "make_pool"]

PRIVATE = "images"
"""Name of the array of private images."""
PUBLIC = "public"
"""Name of the array of public images, where a scheme mixes those in."""

_DIMENSIONS = 4


def make_pool(images: NDArray[Any], *, scheme: str, least: int, public: NDArray[Any] | None = None) -> Asset:
    """Return a pool of images, unchanged: whoever reads its file sees them.

    Args:
        images: uint8 (n, H, W, C).
        scheme: Name of the scheme that it is for.
        least: Fewest images that the scheme can work with.
        public: uint8 (m, H, W, C) of the same size, where the scheme mixes public images in.

    Raises:
        UsageError: These are no such images, or too few.
    """
    arrays = {PRIVATE: images} if public is None else {PRIVATE: images, PUBLIC: public}
    for array in arrays.values():
        if array.dtype != np.uint8 or array.ndim != _DIMENSIONS:
            raise UsageError(f"a pool holds images uint8 (n, H, W, C), not {array.dtype} {array.shape}")
        if array.shape[1:] != images.shape[1:]:
            raise UsageError(f"public images are {array.shape[1:]}, private ones {images.shape[1:]}")
    if len(images) < least:
        raise UsageError(f"{scheme} needs a pool of at least {least} images, not {len(images)}")
    return Asset(scheme=scheme, kind="pool", arrays=arrays)


def check_pool(asset: Asset, *, least: int, public: int = 0) -> None:
    """Raise unless an asset is a pool that a scheme can work with.

    Args:
        asset: As read.
        least: Fewest private images.
        public: Fewest public images; 0 where the scheme takes none.

    Raises:
        IntegrityError: It holds something else than images.
        UsageError: It holds too few, or no public ones.
    """
    images = asset.arrays.get(PRIVATE)
    wanted = {PRIVATE, PUBLIC} if PUBLIC in asset.arrays else {PRIVATE}
    sizes = {array.shape[1:] for array in asset.arrays.values()}
    kinds = {(array.dtype.str, array.ndim) for array in asset.arrays.values()}
    if images is None or set(asset.arrays) != wanted or len(sizes) != 1 or kinds != {("|u1", _DIMENSIONS)}:
        raise IntegrityError("this asset is no pool of images")
    held = len(asset.arrays[PUBLIC]) if PUBLIC in asset.arrays else 0
    if len(images) < least or held < public:
        raise UsageError(
            f"{asset.scheme} needs a pool of at least {least} images and {public} public ones, not {len(images)} and "
            f"{held}",
            hint="fit a larger pool, or mix fewer images",
        )
