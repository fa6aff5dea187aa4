"""What the commands for models read: checkpoints, their descriptions, the scheme that a file names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pixelveil.errors import IntegrityError, UsageError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from pixelveil.schemes import Scheme
    from pixelveil.training.models import ModelSpec

__all__ = ["encrypted_spec", "plain_model", "plain_spec", "scheme_of", "tensors_in"]


def plain_spec(
    path: Path,
    *,
    arch: str | None,
    num_classes: int | None,
    image_size: int | None,
    mean: str | None,
    std: str | None,
) -> ModelSpec:
    """Return what a plain checkpoint says of its model, options first."""
    from pixelveil.models.storage import FORMAT, read_header
    from pixelveil.training.models import ModelSpec

    header = {"classes": "[]", "architecture_options": "{}", **read_header(path)}
    if FORMAT in header:
        raise UsageError(f"{path}: is encrypted already", hint="give it another key with: pixelveil model rekey")
    given = (
        ("architecture", "--arch", arch),
        ("num_classes", "--num-classes", num_classes),
        ("image_size", "--image-size", image_size),
        ("mean", "--mean", None if mean is None else json.dumps(_numbers(mean, option="--mean"))),
        ("std", "--std", None if std is None else json.dumps(_numbers(std, option="--std"))),
    )
    for name, option, value in given:
        if value is not None:
            header[name] = str(value)
        elif name not in header:
            raise UsageError(f"{path}: does not say its {name.replace('_', ' ')}", hint=f"give it with {option}")
    return ModelSpec.from_metadata(header)


def encrypted_spec(facts: Mapping[str, Any], *, path: Path) -> ModelSpec:
    """Return what an encrypted model's file says of the checkpoint it was made from."""
    from pixelveil.training.models import ModelSpec

    if "architecture" not in facts["checkpoint"]:
        raise UsageError(f"{path}: does not name its architecture", hint="verify it with pixelveil.models.verify_model")
    return replace(ModelSpec.from_metadata(facts["checkpoint"]), mean=tuple(facts["mean"]), std=tuple(facts["std"]))


def scheme_of(facts: Mapping[str, Any], *, asset: Path | None = None) -> Scheme:
    """Return the scheme that an encrypted model names, with the asset that it needs, if any.

    Raises:
        IntegrityError: It names none, or one that is another here.
    """
    from pixelveil.schemes import create_scheme
    from pixelveil.schemes.asset import Asset

    if not facts["scheme"]:
        raise IntegrityError("the model was encrypted by a plan, not by a scheme", hint="use the Python interface")
    given = {} if asset is None else {"asset": Asset.load(asset)}
    scheme = create_scheme(facts["scheme"], **{**facts["parameters"], **given})
    if scheme.digest != facts["digest"]:
        raise IntegrityError(
            f"scheme {scheme.name!r} is another one in this version", hint="use the version it was made with"
        )
    return scheme


def plain_model(path: Path, spec: ModelSpec) -> nn.Module:
    """Return a plain model with the weights of a checkpoint."""
    model = spec.build()
    try:
        model.load_state_dict(tensors_in(path))
    except RuntimeError as error:
        raise IntegrityError(
            f"{path}: its weights do not fit {spec.architecture} with {spec.num_classes} classes",
            hint="give the right --arch, --num-classes and --image-size",
        ) from error
    return model.eval()


def tensors_in(path: Path) -> dict[str, Tensor]:
    """Return all tensors of a safetensors file."""
    from pixelveil.models.storage import read_weights

    return read_weights(path)


def _numbers(text: str, *, option: str) -> tuple[float, ...]:
    """Return numbers given as 0.5,0.5,0.5."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is not numbers with commas between them") from error
