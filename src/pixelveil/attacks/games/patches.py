"""Sets of patch vectors in random order: put them in one order for all images, see what an image adds to the mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from pixelveil.attacks.attack import Images

__all__ = ["aligned", "patch_residuals"]

Floats = NDArray[np.float32]

_ROUNDS = 3
_POWERS = (1, 3, 4)


def aligned(vectors: Floats) -> Floats:
    """Return the patch vectors of all images in one order: that of the first image, then that of the mean.

    Vectors of one position have much in common under one key, so that a linear assignment finds them. Source: Carlini
    et al., arXiv 2108.07256 (2021).

    Args:
        vectors: float32 (n, N, d).

    >>> rows = np.eye(3, dtype=np.float32)
    >>> bool((aligned(np.stack([rows, rows[[2, 0, 1]]])) == rows).all())
    True
    """
    template, result = vectors[0], vectors
    for _ in range(_ROUNDS):
        alike = np.einsum("npd,qd->nqp", vectors, template, optimize=True)
        order = np.stack([linear_sum_assignment(one, maximize=True)[1] for one in alike])
        result = np.take_along_axis(vectors, order[..., None], axis=1)
        template = result.mean(axis=0)
    return result


def patch_residuals(images: Images) -> Floats:
    """Return what wide random networks about keep: lengths, angles and moments of what an image adds to the mean.

    Args:
        images: Encodings (n, rows, columns, d) under one key.

    Returns:
        float32 (n, k), whatever the order of patches.
    """
    count, rows, columns, width = images.shape
    vectors = aligned(images.reshape(count, rows * columns, width).astype(np.float32))
    added = vectors - vectors.mean(axis=0)
    products = added @ added.transpose(0, 2, 1) / width
    number = products.shape[1]
    lengths = np.sort(np.diagonal(products, axis1=1, axis2=2), axis=1)
    between = np.sort(products[:, *np.triu_indices(number, 1)], axis=1)
    moments = [np.sort(np.mean(np.abs(added) ** power, axis=-1), axis=1) for power in _POWERS]
    found = np.concatenate([lengths, np.linalg.eigvalsh(products), *moments, between], axis=1)
    return np.asarray(np.sign(found) * np.log1p(np.abs(found)), np.float32)
