"""Classifiers by name, and the checkpoints that carry all that is needed to build them again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pixelveil.atomic import write_atomic
from pixelveil.errors import IntegrityError, UsageError
from pixelveil.models.adaptation import AdaptationSettings
from pixelveil.models.backbones import build_network, create_backbone

__all__ = ["ModelSpec", "create_model", "find_checkpoint", "load_checkpoint", "save_checkpoint", "with_classes"]

_HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class ModelSpec:
    """All that is needed to build a classifier and to feed it; it travels inside the checkpoint.

    Args:
        architecture: Name of a backbone of this project, or timm's.
        num_classes: Number of logits.
        image_size: Side of the square input, in pixels.
        classes: Class names in the order of the logits; may be empty.
        mean: Mean per channel that is subtracted from images in [0, 1].
        std: Deviation per channel that divides them.
        architecture_options: Further arguments of the constructor, JSON values only.
        adaptation: Name of the adaptation network before it.
        adaptation_options: What that has to know of the images, JSON values only; the size is ``image_size``.

    >>> spec = ModelSpec(architecture="vit_tiny_patch16_224", num_classes=2, image_size=32, classes=("a", "b"))
    >>> ModelSpec.from_metadata(spec.to_metadata()) == spec
    True
    """

    architecture: str
    num_classes: int
    image_size: int
    classes: tuple[str, ...] = ()
    mean: tuple[float, ...] = _HALF
    std: tuple[float, ...] = _HALF
    architecture_options: Mapping[str, Any] = field(default_factory=dict)
    adaptation: str = "none"
    adaptation_options: Mapping[str, Any] = field(default_factory=dict)

    def build(self, *, seed: int = 0, weights: Path | None = None, pretrained: bool = False) -> nn.Module:
        """Return the model with fresh weights.

        Args:
            seed: Of the first weights.
            weights: safetensors file of the backbone's weights.
            pretrained: Whether to fetch the backbone's weights from timm's hub.
        """
        settings = AdaptationSettings.of(
            self.adaptation_options, image_size=self.image_size, mean=self.mean, std=self.std
        )
        return build_network(
            self.architecture,
            classes=self.num_classes,
            adaptation=self.adaptation,
            settings=settings,
            options=self.architecture_options,
            seed=seed,
            weights=weights,
            pretrained=pretrained,
        )

    def to_metadata(self) -> dict[str, str]:
        """Return the strings that a safetensors file carries: names as they are, all else as JSON."""
        adapted = {
            "adaptation": self.adaptation,
            "adaptation_options": json.dumps(dict(self.adaptation_options), sort_keys=True),
        }
        return {
            "architecture": self.architecture,
            "num_classes": json.dumps(self.num_classes),
            "image_size": json.dumps(self.image_size),
            "mean": json.dumps(self.mean),
            "std": json.dumps(self.std),
            "classes": json.dumps(self.classes),
            "architecture_options": json.dumps(dict(self.architecture_options), sort_keys=True),
            **(adapted if self.adaptation != "none" or self.adaptation_options else {}),
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> ModelSpec:
        """Return the specification that ``to_metadata`` wrote.

        Raises:
            IntegrityError: A key is missing or is not what it should be.
        """
        try:
            return cls(
                architecture=metadata["architecture"],
                num_classes=int(metadata["num_classes"]),
                image_size=int(metadata["image_size"]),
                classes=tuple(str(name) for name in json.loads(metadata["classes"])),
                mean=tuple(float(value) for value in json.loads(metadata["mean"])),
                std=tuple(float(value) for value in json.loads(metadata["std"])),
                architecture_options=dict(json.loads(metadata["architecture_options"])),
                adaptation=metadata.get("adaptation", "none"),
                adaptation_options=dict(json.loads(metadata.get("adaptation_options", "{}"))),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityError(
                f"the checkpoint's description cannot be read: {error}", hint="make it with: pixelveil train"
            ) from error


def create_model(
    name: str,
    *,
    num_classes: int,
    image_size: int,
    architecture_options: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> nn.Module:
    """Build a backbone with fresh weights; nothing is downloaded and no global random state moves.

    Args:
        name: Name of a backbone of this project (``resnet20``), or timm's (``vit_tiny_patch16_224``).
        num_classes: Number of logits.
        image_size: Side of the square input, in pixels.
        architecture_options: Further arguments of the constructor, for instance ``{"patch_size": 8}``.
        seed: Seed of the first weights.

    Raises:
        UsageError: The name is unknown, or the arguments do not fit the architecture.
        MissingExtraError: timm is not installed.
    """
    return create_backbone(
        name, num_classes=num_classes, image_size=image_size, options=architecture_options, seed=seed
    )


def save_checkpoint(path: Path, model: nn.Module, *, spec: ModelSpec) -> None:
    """Write weights and specification to one safetensors file, atomically; an encrypted model stays one."""
    from safetensors.torch import save

    from pixelveil.models.info import ATTRIBUTE
    from pixelveil.models.storage import save_model

    if hasattr(model, ATTRIBUTE):
        save_model(model, path, metadata=spec.to_metadata())
        return
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    write_atomic(path, save(tensors, metadata=spec.to_metadata()))


def with_classes(
    model: nn.Module, *, spec: ModelSpec, classes: tuple[str, ...], seed: int = 0
) -> tuple[nn.Module, ModelSpec]:
    """Return a trained model with the classes of new data: as it is where they are its own, else with a new last layer.

    Args:
        model: A timm model, plain or encrypted; changed in place.
        spec: What it is.
        classes: Names in the order of the logits.
        seed: Of the new layer's weights.

    Raises:
        UsageError: The model's last layer cannot be replaced.
    """
    if spec.classes == classes:
        return model, spec
    reset: Callable[[int], None] | None = getattr(model, "reset_classifier", None)
    if reset is None:
        raise UsageError(f"{spec.architecture} has no last layer that can be replaced", hint="use a timm classifier")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        reset(len(classes))
    return model, replace(spec, classes=classes, num_classes=len(classes))


def find_checkpoint(run: Path) -> Path:
    """Return the checkpoint itself, or the best one of a training run's folder.

    Raises:
        UsageError: There is none.
    """
    path = run / "best.safetensors" if run.is_dir() else run
    if not path.is_file():
        raise UsageError(f"{run}: no checkpoint there", hint="train one first: pixelveil train DATA --out RUN")
    return path


def load_checkpoint(path: Path) -> tuple[nn.Module, ModelSpec]:
    """Return the model, in evaluation mode, and its specification; an encrypted model comes back encrypted.

    Args:
        path: What ``save_checkpoint`` wrote, or what ``pixelveil model encrypt`` made of it.

    Raises:
        IntegrityError: The file is damaged or does not describe its model.
    """
    from safetensors import SafetensorError, safe_open

    from pixelveil.models.storage import FORMAT, load_model

    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except SafetensorError as error:
        raise IntegrityError(f"{path}: not a whole safetensors file ({error})") from error
    spec = ModelSpec.from_metadata(header)
    model = spec.build()
    if FORMAT in header:
        return load_model(path, model=model).eval(), spec
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise IntegrityError(f"{path}: the weights do not fit {spec.architecture}") from error
    return model.eval(), spec
