"""Checks of what the authors of block-wise model encryption require of it: accuracy, access control, renewal.

Requirements (c), no loss of accuracy, and (d), easy renewal of keys, hold when the right key gives the plain model's
accuracy and the old key's images none. Access control holds as far as a wrong key gives chance. For (a) and (b), what
images and models show, see the attacks.

Source: Kiya et al., IEICE Trans. E106-D(1), 2023, requirements (a) to (d).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Images
from pixelveil.keys import Key
from pixelveil.schemes import Scheme

if TYPE_CHECKING:
    from torch import nn

__all__ = ["AccessTable", "access_table"]

# Keys are made for one table and thrown away.
_UNCOUNTED = 1 << 40


@dataclass(frozen=True, kw_only=True)
class AccessTable:
    """Accuracies, 0 to 1.

    Args:
        plain: Of the plain model on plain images.
        right: Of the encrypted model on images under its key.
        wrong: Of the encrypted model on images under other keys, one for each.
        renewed: Of the model encrypted again, on images under its new key.
        old: Of that model on images under its old key.
        plain_images: Of the encrypted model on plain images.
        plain_model: Of the plain model on encrypted images.
        chance: Share of the most frequent class.
    """

    plain: float
    right: float
    wrong: tuple[float, ...]
    renewed: float
    old: float
    plain_images: float
    plain_model: float
    chance: float


def access_table(
    model: nn.Module,
    images: Images,
    labels: NDArray[np.int64],
    *,
    scheme: Scheme,
    mean: Sequence[float],
    std: Sequence[float],
    wrong_keys: int = 5,
) -> AccessTable:
    """Return with which key a model answers how well.

    Args:
        model: A plain-trained classifier.
        images: uint8 (n, H, W, C), plain test images.
        labels: int64 (n,).
        scheme: With a shared key.
        mean: Mean of each color component, on pixels in [0, 1].
        std: Deviation of each color component.
        wrong_keys: How many to try.

    Raises:
        UnsupportedModelError: The model cannot be encrypted under the scheme.
    """
    from pixelveil.models import encrypt_model
    from pixelveil.models.outputs import answers_of, primary

    size = (images.shape[1], images.shape[2])
    first, second, *others = (Key.generate(budget=_UNCOUNTED) for _ in range(wrong_keys + 2))
    models = [
        encrypt_model(model, scheme=scheme, key=key, image_size=size, mean=mean, std=std) for key in (first, second)
    ]

    def accuracy(of: nn.Module, key: Key | None) -> float:
        shown = images if key is None else scheme.encrypt(images, key=key).images
        answers = primary(answers_of(of, np.asarray(shown), mean=mean, std=std))
        return float((answers.argmax(-1).cpu().numpy() == labels).mean())

    return AccessTable(
        plain=accuracy(model, None),
        right=accuracy(models[0], first),
        wrong=tuple(accuracy(models[0], key) for key in others),
        renewed=accuracy(models[1], second),
        old=accuracy(models[1], first),
        plain_images=accuracy(models[0], None),
        plain_model=accuracy(model, first),
        chance=float(np.bincount(labels).max() / len(labels)),
    )
