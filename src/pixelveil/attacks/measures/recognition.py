"""Recognition: is a reconstruction nearest to its own original, and does a classifier see the same class in it?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.measures.batches import checked_pair, gray
from pixelveil.attacks.measures.edges import sobel_magnitude
from pixelveil.errors import UsageError

__all__ = ["Classify", "class_agreement", "ranks", "thumbnail_features"]

Floats = NDArray[np.float64]
Features = Callable[[NDArray[Any]], NDArray[Any]]
Classify = Callable[[NDArray[Any]], NDArray[Any]]
"""Takes images uint8 (n, H, W, C) and gives the class of each, (n,)."""

_SIDE = 16


def ranks(reconstructed: NDArray[Any], gallery: NDArray[Any], *, features: Features | None = None) -> NDArray[np.intp]:
    """Return, for each reconstruction, how many gallery images are nearer to it than its original.

    Rank 0 is a hit. Nearness is the correlation of features. The share of rank 0 is the rank-1 re-identification
    accuracy; chance is one in the size of the gallery.

    Args:
        reconstructed: uint8 (n, H, W, C).
        gallery: uint8 (K, H, W, C), K >= n; image i is the original of reconstruction i, the rest are others.
        features: Turns images into vectors (n, d); small gray pictures if not given.

    Returns:
        Integers (n,), 0 to K - 1. Ties count against the reconstruction.

    Raises:
        UsageError: The gallery is smaller than the number of reconstructions.
    """
    if len(gallery) < len(reconstructed):
        raise UsageError(f"a gallery of {len(gallery)} images does not hold the {len(reconstructed)} originals")
    turn = features or thumbnail_features
    similarity = _normalized(turn(reconstructed)) @ _normalized(turn(gallery)).T
    own = similarity[np.arange(len(reconstructed)), np.arange(len(reconstructed))]
    nearer = (similarity >= own[:, None]).sum(axis=1) - 1
    return np.asarray(nearer, np.intp)


def class_agreement(reconstructed: NDArray[Any], plain: NDArray[Any], *, classify: Classify) -> Floats:
    """Return 1 where a classifier of plain images answers the same on both images, and 0 where it does not.

    What counts is its answer on the plain image, right or wrong, so that no labels are needed. A classifier that sees
    noise as one class agrees by chance as often as that class is; the same on the control is the floor.

    Args:
        reconstructed: uint8 (n, H, W, C).
        plain: uint8 (n, H, W, C), the originals.
        classify: Trained on plain images.

    Returns:
        float64 (n,).

    Raises:
        UsageError: The shapes differ, or it does not give one answer an image.

    Source: semantic measures beside pixels, arXiv 2309.13038 (2023).

    >>> images = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1)
    >>> class_agreement(images, images // 2, classify=lambda batch: batch.reshape(-1) > 1).tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    first, second = checked_pair(reconstructed, plain)
    answers = [np.asarray(classify(images)) for images in (first, second)]
    if any(one.shape != (len(first),) for one in answers):
        raise UsageError(f"a classifier gives one answer an image, not {answers[0].shape}")
    return np.asarray(answers[0] == answers[1], np.float64)


def thumbnail_features(images: NDArray[Any]) -> Floats:
    """Return the luminance of images (n, H, W, C) in 16x16 cells and the energy of edges in them, (n, 512)."""
    light = gray(images)
    halves = [_normalized(_cells(values)) for values in (light, sobel_magnitude(light))]
    return np.concatenate(halves, axis=1)


def _cells(values: Floats) -> Floats:
    """Return the means of about 16x16 equal cells of images (n, H, W), flattened."""
    rows, columns = (np.linspace(0, side, min(_SIDE, side) + 1).astype(int)[:-1] for side in values.shape[1:])
    sums = np.add.reduceat(np.add.reduceat(values, rows, axis=1), columns, axis=2)
    ones = np.ones((1, *values.shape[1:]))
    counts = np.add.reduceat(np.add.reduceat(ones, rows, axis=1), columns, axis=2)
    return (sums / counts).reshape(len(values), -1)


def _normalized(vectors: NDArray[Any]) -> Floats:
    """Return vectors with mean zero and length one."""
    centered = vectors.astype(np.float64) - vectors.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centered, axis=1, keepdims=True)
    return np.asarray(centered / np.where(length > 0, length, 1))
