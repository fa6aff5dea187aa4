"""A classifier that an attacker trains on labeled public images, to let it look at reconstructions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Images
from pixelveil.attacks.games.classifier import cross_validated, fit_classifier
from pixelveil.attacks.games.feature_bank import bank_features
from pixelveil.errors import UsageError

__all__ = ["train_on_public"]

_FEWEST = 8
_MOST = 2000  # the classifier is cubic in them


def train_on_public(images: Images, labels: NDArray[Any]) -> tuple[Callable[[Images], NDArray[Any]], float]:
    """Train a kernel classifier on the fixed bank's features of plain images.

    It needs seconds and no PyTorch. A network that is trained for hours recognizes more.

    Args:
        images: uint8 (m, H, W, C).
        labels: Integers (m,).

    Returns:
        What says the class of each image (n, H, W, C), (n,); and its share of right answers on public images held out.

    Raises:
        UsageError: The images are too few, or of one class.
    """
    names, classes = np.unique(np.asarray(labels)[:_MOST], return_inverse=True)
    if len(names) < 2 or len(classes) < _FEWEST:
        raise UsageError(
            f"{len(classes)} public images of {len(names)} classes train no classifier",
            hint="give more images, in one folder for each class",
        )
    rows = _rows(images[:_MOST])
    share, strength, width = cross_validated(rows, classes, classes=len(names))
    fitted = fit_classifier(rows, classes, classes=len(names), strength=strength, width=width)
    return lambda others: np.asarray(names[fitted(_rows(others))]), share


def _rows(images: Images) -> NDArray[np.float32]:
    return np.concatenate(list(bank_features(images).values()), axis=1)
