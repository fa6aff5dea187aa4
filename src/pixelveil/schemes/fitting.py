"""Fitting: an asset for a scheme, from images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.schemes.asset import Asset
from pixelveil.schemes.scheme import Scheme

__all__ = ["fit_asset", "spread"]

_DIMENSIONS = 4


def fit_asset(scheme: Scheme, *, images: NDArray[Any]) -> Asset:
    """Make the asset that a scheme works with: a basis, a pool of donors.

    Args:
        scheme: With the parameters that it shall be used with.
        images: uint8 (n, H, W, C), of one size.

    Returns:
        The asset; `Scheme.bind` gives it to the scheme.

    Raises:
        UsageError: The scheme needs none, its networks have to be trained, or the images do not fit.

    >>> from pixelveil.schemes import create_scheme
    >>> scheme = create_scheme("pixel-block-mixing", rows=2, columns=2, donors=3)
    >>> asset = fit_asset(scheme, images=np.zeros((5, 8, 8, 3), np.uint8))
    >>> scheme.bind(asset).arrays["images"].shape
    (5, 8, 8, 3)
    """
    if images.dtype != np.uint8 or images.ndim != _DIMENSIONS or not images.size:
        raise UsageError(f"an asset is made from images uint8 (n, H, W, C), not {images.dtype} {images.shape}")
    return type(scheme).fit(images, settings=scheme.parameters)


def spread(total: int, *, limit: int) -> list[int]:
    """Return at most ``limit`` of the numbers 0..total-1, evenly spread.

    >>> spread(10, limit=4)
    [0, 2, 5, 7]
    >>> spread(3, limit=4)
    [0, 1, 2]
    """
    count = min(total, limit)
    return [place * total // count for place in range(count)]
