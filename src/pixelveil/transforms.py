"""Encryption inside a torchvision v2 pipeline."""

from __future__ import annotations

from typing import Any

from pixelveil.errors import MissingExtraError
from pixelveil.keys import Key
from pixelveil.schemes import Scheme

try:
    import torch
    from torchvision import tv_tensors
    from torchvision.transforms import v2
except ImportError as error:
    raise MissingExtraError("pixelveil.transforms", extra="models") from error

__all__ = ["Encrypt"]


class Encrypt(v2.Transform):  # type: ignore[misc]
    """Encrypt images at this place of a torchvision v2 pipeline; labels, boxes and masks pass through.

    Put it after resizing, cropping and augmenting (what comes after would move encrypted blocks) and before
    normalizing. Integer images under a scheme with float output come out as floats in [0, 1] units, torchvision's
    convention, so a later ``ToDtype(scale=True)`` changes nothing. Nonces are not kept: what is encrypted here with a
    key for each image is for training, not for decrypting.

    Args:
        scheme: The scheme.
        key: The key; None only for the key policy "ephemeral".
        client: Name of the client, or empty.

    >>> from pixelveil import Key, create_scheme
    >>> pipeline = v2.Compose([v2.Resize((32, 32)), Encrypt(scheme=create_scheme("skk"), key=Key.generate())])
    >>> pipeline(torch.zeros(3, 40, 40, dtype=torch.uint8)).shape
    torch.Size([3, 32, 32])
    """

    def __init__(self, *, scheme: Scheme, key: Key | None, client: str = "") -> None:
        super().__init__()
        self.scheme = scheme
        self.key = key
        self.client = client

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Encrypt one image or batch; called by torchvision for each image, box and mask of a sample."""
        del params
        typed = isinstance(inpt, tv_tensors.TVTensor)
        if typed and not isinstance(inpt, tv_tensors.Image | tv_tensors.Video):
            return inpt
        encrypted = self.scheme.encrypt(inpt, key=self.key, client=self.client).images
        integers = isinstance(inpt, torch.Tensor) and not inpt.dtype.is_floating_point
        if integers and encrypted.dtype.is_floating_point:
            encrypted = encrypted / 255.0
        return tv_tensors.wrap(encrypted, like=inpt) if typed else encrypted

    def extra_repr(self) -> str:
        """Name the scheme and the key's fingerprint."""
        fingerprint = "none" if self.key is None else self.key.fingerprint
        return f"scheme={self.scheme.name}, key={fingerprint}"
