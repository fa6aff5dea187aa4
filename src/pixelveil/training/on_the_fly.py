"""Encryption at the owner's side while training: for schemes whose images cannot be augmented after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pixelveil.keys import Key
from pixelveil.schemes import Scheme
from pixelveil.training.augment import Augmentation, augment
from pixelveil.training.dataset import ArrayImages, ImageSource

__all__ = ["Encrypting", "encrypted_batch", "encrypted_images"]


@dataclass(frozen=True)
class Encrypting:
    """What is done to batches of plain images, after they were moved and before a network reads them.

    Every batch counts against the key's budget, in every epoch anew: whoever could see them all would see as many
    ciphertexts. Under a shared key a run that is resumed ends as one that was not; keys per image are drawn afresh.

    Args:
        scheme: Whatever encrypts.
        key: The key; None where the scheme keeps none.
        client: Name of the client, or empty.

    >>> from pixelveil.schemes import create_scheme
    >>> Encrypting(create_scheme("skk"), key=Key.generate())(np.zeros((2, 4, 4, 3), np.uint8)).shape
    (2, 4, 4, 3)
    """

    scheme: Scheme
    key: Key | None = None
    client: str = ""

    def __call__(self, images: NDArray[Any]) -> NDArray[Any]:
        """Return the encrypted images of uint8 images (n, H, W, C)."""
        encrypted: NDArray[Any] = self.scheme.encrypt(images, key=self.key, client=self.client).images
        return encrypted

    @property
    def facts(self) -> dict[str, str]:
        """What identifies the encryption, so that a run is not continued under another; nothing secret."""
        fingerprint = "" if self.key is None else self.key.fingerprint
        return {"scheme": self.scheme.digest, "key": fingerprint, "client": self.client}


def encrypted_images(source: ImageSource, *, encrypting: Encrypting, batch_size: int = 1024) -> ArrayImages:
    """Encrypt all images of a source once and keep them.

    Args:
        source: Plain images.
        encrypting: What is done to them.
        batch_size: Images at a time.
    """
    places = range(len(source))
    parts = [encrypting(source.read(places[start : start + batch_size])) for start in places[::batch_size]]
    return ArrayImages(np.concatenate(parts), labels=source.labels)


def encrypted_batch(raw: Tensor, *, moves: Augmentation, generator: torch.Generator, encrypting: Encrypting) -> Tensor:
    """Move plain images, bring them back to bytes, encrypt them; black comes in from outside.

    Args:
        raw: uint8 (n, H, W, C).
        moves: How far.
        generator: Source of the movements.
        encrypting: What is done to the moved images.

    Returns:
        Encrypted images (n, H', W', C').
    """
    if moves:
        moved = augment(raw.permute(0, 3, 1, 2).float(), settings=moves, generator=generator)
        raw = moved.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
    return torch.from_numpy(np.ascontiguousarray(encrypting(raw.contiguous().cpu().numpy())))
