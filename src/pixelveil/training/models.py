"""Classifiers by their timm name, and the checkpoints that carry all that is needed to build them again."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pixelveil.atomic import write_atomic
from pixelveil.errors import IntegrityError, MissingExtraError, UsageError

__all__ = ["ModelSpec", "create_model", "find_checkpoint", "load_checkpoint", "save_checkpoint", "with_classes"]

_HALF = (0.5, 0.5, 0.5)

# Arguments of timm.create_model that read files or the network; a checkpoint's header must not reach them.
_LOADING = frozenset(
    {"cache_dir", "checkpoint_path", "features_only", "pretrained", "pretrained_cfg", "pretrained_cfg_overlay"}
)


@dataclass(frozen=True)
class ModelSpec:
    """All that is needed to build a classifier and to feed it; it travels inside the checkpoint.

    Args:
        architecture: timm name.
        num_classes: Number of logits.
        image_size: Side of the square input, in pixels.
        classes: Class names in the order of the logits; may be empty.
        mean: Mean per channel that is subtracted from images in [0, 1].
        std: Deviation per channel that divides them.
        architecture_options: Further arguments of the timm constructor, JSON values only.

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

    def build(self, *, seed: int = 0) -> nn.Module:
        """Return the model with fresh weights."""
        return create_model(
            self.architecture,
            num_classes=self.num_classes,
            image_size=self.image_size,
            architecture_options=self.architecture_options,
            seed=seed,
        )

    def to_metadata(self) -> dict[str, str]:
        """Return the strings that a safetensors file carries: the name as it is, all else as JSON."""
        return {
            "architecture": self.architecture,
            "num_classes": json.dumps(self.num_classes),
            "image_size": json.dumps(self.image_size),
            "mean": json.dumps(self.mean),
            "std": json.dumps(self.std),
            "classes": json.dumps(self.classes),
            "architecture_options": json.dumps(dict(self.architecture_options), sort_keys=True),
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
    """Build a timm classifier with fresh weights; nothing is downloaded and no global random state moves.

    Args:
        name: timm name, for instance ``vit_tiny_patch16_224``.
        num_classes: Number of logits.
        image_size: Side of the square input, in pixels.
        architecture_options: Further arguments of the timm constructor, for instance ``{"patch_size": 8}``.
        seed: Seed of the first weights.

    Raises:
        UsageError: timm knows no such name, or the arguments do not fit the architecture.
        MissingExtraError: timm is not installed.
    """
    try:
        import timm
    except ImportError as error:
        raise MissingExtraError("building models", extra="train") from error

    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "names are listed by timm.list_models()"
        raise UsageError(f"unknown model {name!r}", hint=hint)
    options = dict(architecture_options or {})
    foreign = sorted(_LOADING & options.keys())
    if foreign:
        raise UsageError(f"{foreign[0]} is no option of an architecture", hint="leave it out of architecture_options")
    # Transformers are built for one size; convolutional networks take any and have no such argument.
    if getattr(timm.get_pretrained_cfg(name, allow_unregistered=True), "fixed_input_size", False):
        options["img_size"] = image_size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            model: nn.Module = timm.create_model(name, pretrained=False, num_classes=num_classes, **options)
        except (AssertionError, TypeError, ValueError, RuntimeError) as error:
            raise UsageError(f"{name} cannot be built with {options}: {error}") from error
    return model


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
