"""Weights of a learned scheme: checked against the network's shapes, turned into tensors once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import IntegrityError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["as_tensors", "check_weights"]


def check_weights(arrays: Mapping[str, NDArray[Any]], *, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise unless arrays are finite float32 weights of a network, with positive variances.

    Args:
        arrays: By name.
        shapes: What the network has.

    Raises:
        IntegrityError: They are not; names the first array that does not fit.

    >>> check_weights({"bias": np.zeros(2, np.float32)}, shapes={"bias": (3,)})
    Traceback (most recent call last):
    pixelveil.errors.IntegrityError: weight 'bias' is float32 (2,), not float32 (3,)
    """
    foreign = sorted(arrays.keys() ^ shapes.keys())
    if foreign:
        raise IntegrityError(f"weight {foreign[0]!r} is {'missing' if foreign[0] in shapes else 'unknown'}")
    for name, array in arrays.items():
        if array.dtype != np.float32 or array.shape != shapes[name]:
            raise IntegrityError(f"weight {name!r} is {array.dtype} {array.shape}, not float32 {shapes[name]}")
        if not array.size or not np.isfinite(array).all() or (name.endswith("/variance") and array.min() < 0):
            raise IntegrityError(f"weight {name!r} holds values that no training gives")


def as_tensors(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """Return float32 tensors with the content of arrays."""
    import torch

    return {name: torch.tensor(array, dtype=torch.float32) for name, array in arrays.items()}
