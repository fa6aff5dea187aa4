"""What is known of an encrypted model: public facts only, never the key or the plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from torch import nn

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.keys import Epoch
from pixelveil.models.layout import Form, Layout
from pixelveil.models.protection import EXPOSES
from pixelveil.schemes import Scheme

__all__ = ["ATTRIBUTE", "PREFIX", "StemInfo", "info_of", "made_by"]

# Names in the header of a file; what else is there belongs to the checkpoint that was encrypted.
PREFIX: Final = "pixelveil."
ATTRIBUTE: Final = "pixelveil"


@dataclass(frozen=True)
class StemInfo:
    """Public facts of an encrypted model; the attribute ``pixelveil`` of the model.

    Args:
        layout: Which tensors the key changes.
        mean: Mean of each color component in the model's pre-processing, on pixels in [0, 1].
        std: Deviation of each color component.
        order_absorbed: Whether blocks are moved, and the position information follows.
        trunk: SHA-256 of all tensors that no key changes, hex; a stem fits trunks of its own digest only.
        scheme: Name of the scheme; empty where a plan was given.
        parameters: The scheme's parameters, as JSON values.
        digest: The scheme's digest.
        fingerprint: Fingerprint of the epoch's key.
        epoch: Number of the epoch.
        client: Name of the client, or empty.
    """

    layout: Layout
    mean: tuple[float, ...]
    std: tuple[float, ...]
    order_absorbed: bool
    trunk: str
    scheme: str = ""
    parameters: Mapping[str, Any] | None = None
    digest: str = ""
    fingerprint: str = ""
    epoch: int = 0
    client: str = ""

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images, in pixels."""
        return self.layout.image_size

    @property
    def family(self) -> str:
        """Architecture family, such as "timm VisionTransformer"."""
        return self.layout.family

    @property
    def form(self) -> Form:
        """What holds the key inside patches: "shared", "signed" or "dense", see `Embedding`."""
        return self.layout.form

    @property
    def exposes(self) -> str:
        """What the model shows to whoever holds it."""
        return EXPOSES[self.form]

    def to_metadata(self) -> dict[str, str]:
        """Return the facts as strings, for the header of a safetensors file."""
        facts = {
            "scheme": self.scheme,
            "parameters": json.dumps(self.parameters or {}, sort_keys=True),
            "digest": self.digest,
            "fingerprint": self.fingerprint,
            "epoch": str(self.epoch),
            "client": self.client,
            "family": self.family,
            "image_size": json.dumps(self.image_size),
            "mean": json.dumps(self.mean),
            "std": json.dumps(self.std),
            "order_absorbed": json.dumps(self.order_absorbed),
            "trunk": self.trunk,
            "layout": self.layout.to_json(),
        }
        return {f"{PREFIX}{name}": text for name, text in facts.items()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self:
        """Read what `to_metadata` wrote.

        Raises:
            IntegrityError: A fact is missing or malformed.
        """
        facts = {name.removeprefix(PREFIX): text for name, text in metadata.items() if name.startswith(PREFIX)}
        try:
            info = cls(
                layout=Layout.from_json(facts["layout"]),
                mean=tuple(float(value) for value in json.loads(facts["mean"])),
                std=tuple(float(value) for value in json.loads(facts["std"])),
                order_absorbed=bool(json.loads(facts["order_absorbed"])),
                trunk=facts["trunk"],
                scheme=facts["scheme"],
                parameters=dict(json.loads(facts["parameters"])),
                digest=facts["digest"],
                fingerprint=facts["fingerprint"],
                epoch=int(facts["epoch"]),
                client=facts["client"],
            )
            channels = info.layout.embedding.channels
            if len(info.mean) != channels or len(info.std) != channels or not min(info.std) > 0:
                raise ValueError("mean or std")
        except (KeyError, ValueError, TypeError, RecursionError) as error:
            raise IntegrityError(f"the header of an encrypted model lacks or garbles a fact: {error}") from error
        return info


def info_of(model: nn.Module) -> StemInfo:
    """Return the facts of an encrypted model.

    Raises:
        UsageError: The model is plain.
    """
    info = getattr(model, ATTRIBUTE, None)
    if not isinstance(info, StemInfo):
        raise UsageError(f"this {type(model).__name__} is not encrypted", hint="encrypt it first: encrypt_model(...)")
    return info


def made_by(info: StemInfo, *, scheme: Scheme, epoch: Epoch) -> None:
    """Check that a scheme and an epoch are those that an encrypted model was made with.

    Raises:
        IntegrityError: They are others.
    """
    if info.digest != scheme.digest:
        raise IntegrityError(
            f"encrypted by scheme {info.scheme!r} with other name or parameters than {scheme.name!r} here",
            hint="create the scheme with the parameters that the file names: pixelveil inspect",
        )
    if info.fingerprint != epoch.fingerprint:
        raise IntegrityError(
            f"encrypted with key {info.fingerprint} (epoch {info.epoch}), not {epoch.fingerprint}",
            hint="use the epoch that encrypted it: key.epoch(fingerprint=...)",
        )
