"""What a classifier answers, and how sure one may be of its accuracy. Accuracies are in percent everywhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pixelveil.errors import UsageError
from pixelveil.training.dataset import ArrayImages, ImageDataset, ImageSource, to_network

__all__ = ["accuracy", "confusion_matrix", "predict_logits", "wilson_interval"]


def predict_logits(
    model: nn.Module,
    images: NDArray[Any] | ImageSource,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    batch_size: int = 256,
) -> NDArray[np.floating[Any]]:
    """Return the logits of all images, in the model's own number format and on its own device.

    Args:
        model: Classifier; it is put into evaluation mode for the call and then back.
        images: uint8 or float32 grey levels, shape (N, H, W, C), or a source of such images.
        mean: Per channel, in the unit interval.
        std: Per channel.
        batch_size: Images at a time.

    Returns:
        Shape (N, classes), float32 or float64.

    Raises:
        UsageError: There is no image.
    """
    dataset = ImageDataset(ArrayImages(images) if isinstance(images, np.ndarray) else images)
    if not len(dataset):
        raise UsageError("there is no image to evaluate")
    weight = next(model.parameters())
    was_training = model.training
    model.eval()
    parts = []
    try:
        with torch.inference_mode():
            for start in range(0, len(dataset), batch_size):
                raw, _ = dataset.__getitems__(range(start, min(start + batch_size, len(dataset))))
                batch = to_network(raw, mean=mean, std=std, device=weight.device, dtype=weight.dtype)
                parts.append(model(batch).cpu().numpy())
    finally:
        model.train(was_training)
    return np.concatenate(parts)


def accuracy(logits: NDArray[Any], labels: Sequence[int] | NDArray[Any]) -> float:
    """Return the share of images whose largest logit is their label's, in percent.

    >>> accuracy(np.array([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0]]), [0, 1, 1])
    66.666...
    """
    return 100 * float(np.mean(logits.argmax(axis=1) == np.asarray(labels)))


def confusion_matrix(logits: NDArray[Any], labels: Sequence[int] | NDArray[Any]) -> NDArray[np.int64]:
    """Count the images per true class (row) and answered class (column).

    >>> confusion_matrix(np.array([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0]]), [0, 1, 1]).tolist()
    [[1, 0], [1, 1]]
    """
    classes = logits.shape[1]
    cells = np.asarray(labels) * classes + logits.argmax(axis=1)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def wilson_interval(correct: int, total: int, *, z: float = 1.959964) -> tuple[float, float]:
    """Return the score interval of a proportion (Wilson 1927, J. Am. Stat. Assoc. 22), in percent.

    ``(p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)`` with ``p = correct/total``.

    Args:
        correct: Number of right answers.
        total: Number of images, at least one.
        z: Quantile of the normal distribution; the default gives 95 %.

    Raises:
        UsageError: The counts are impossible.

    >>> [round(bound, 1) for bound in wilson_interval(90, 100)]
    [82.6, 94.5]
    """
    if total < 1 or not 0 <= correct <= total:
        raise UsageError(f"{correct} right answers of {total} is no proportion")
    share, spread = correct / total, z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread * spread / 4) / (1 + spread)
    return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)
