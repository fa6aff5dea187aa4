"""Columns: what lies at one place of every image or block, as one column over all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Evidence, Images
from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_out

__all__ = ["keyed_alike", "nibble_columns", "public_images", "some_rows"]


def public_images(evidence: Evidence, *, limit: int = 2000) -> Images:
    """Return the public images as the scheme lays plain images out: padded to its blocks, planes in place.

    Args:
        evidence: With public images.
        limit: How many at most.

    Raises:
        UsageError: There are none.
    """
    if evidence.public is None:
        raise UsageError("there are no public images")
    scheme = evidence.scheme
    laid: Images = lay_out(evidence.public[:limit], block=scheme.block, planes=scheme.planes)
    return laid


def keyed_alike(scheme: Scheme) -> str:
    """Return why images under a scheme have nothing in common; empty where they share one key."""
    return "" if scheme.key_policy == "shared" else "images share no key, so that nothing is common to them"


def nibble_columns(blocks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return values (..., L) as half bytes (..., 2L): lower halves first, then upper ones.

    >>> nibble_columns(np.array([[0x12, 0xAB]], np.uint8)).tolist()
    [[2, 11, 1, 10]]
    """
    return np.concatenate([blocks & 15, blocks >> 4], axis=-1)


def some_rows(columns: NDArray[Any], *, limit: int, generator: np.random.Generator) -> NDArray[Any]:
    """Return at most ``limit`` rows of columns (S, K), drawn without repetition."""
    if len(columns) <= limit:
        return columns
    return columns[generator.permutation(len(columns))[:limit]]
