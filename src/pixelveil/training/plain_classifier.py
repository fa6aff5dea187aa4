"""A classifier of plain images, as a judge of what attackers make of encrypted ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.training.evaluate import predict_logits
from pixelveil.training.models import find_checkpoint, load_checkpoint

__all__ = ["plain_classifier"]


def plain_classifier(run: Path) -> Callable[[NDArray[Any]], NDArray[np.intp]]:
    """Return what says which class images show, by a model that was trained on plain images.

    Args:
        run: Folder that ``pixelveil train`` made, or its checkpoint.

    Returns:
        A function of images, uint8 (n, H, W, C) of any size, with classes (n,): they are scaled to the size that the
        model was trained on; of one channel, that channel is repeated.

    Raises:
        UsageError: There is no checkpoint, or the model is encrypted.
        IntegrityError: The file is damaged.
    """
    from pixelveil.models.info import ATTRIBUTE

    path = find_checkpoint(run)
    model, spec = load_checkpoint(path)
    if hasattr(model, ATTRIBUTE):
        raise UsageError(f"{path}: is an encrypted model", hint="give one that was trained on plain images")

    def classify(images: NDArray[Any]) -> NDArray[np.intp]:
        logits = predict_logits(model, _scaled(images, side=spec.image_size), mean=spec.mean, std=spec.std)
        return np.asarray(logits.argmax(axis=1), np.intp)

    return classify


def _scaled(images: NDArray[Any], *, side: int) -> NDArray[np.uint8]:
    """Return images (n, side, side, 3)."""
    from PIL import Image

    colored = np.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images
    if colored.shape[1:3] == (side, side):
        return np.asarray(colored)
    scaled = [Image.fromarray(one).resize((side, side), Image.Resampling.BILINEAR) for one in colored]
    return np.stack([np.asarray(one) for one in scaled])
