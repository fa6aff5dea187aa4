"""Frozen features of a pretrained network: its layers' answers, averaged over the picture. Weights come from a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Images
from pixelveil.attacks.games.feature_bank import pictures
from pixelveil.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["load_features", "network_features"]

Floats = NDArray[np.float32]

_BATCH = 64
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, where a file says nothing


def load_features(weights: Path, *, architecture: str = "") -> Callable[[Images], Mapping[str, Floats]]:
    """Return what turns pictures into features of the network in a file. Nothing is downloaded.

    Args:
        weights: Safetensors file of a timm model; one that ``pixelveil train`` made says itself what it is.
        architecture: timm's name of the model; empty: what the file says.

    Raises:
        UsageError: There is no such file, it is no safetensors file, or its weights are not those of the architecture.
        MissingExtraError: timm or PyTorch is not installed.
    """
    try:
        import timm
        from safetensors import SafetensorError, safe_open
        from safetensors.torch import load_file
    except ImportError as error:
        raise MissingExtraError("features of a pretrained network", extra="models") from error
    if not weights.is_file():
        raise UsageError(f"{weights}: there is no such file of weights")
    try:
        with safe_open(weights, framework="pt") as file:
            said: Mapping[str, str] = file.metadata() or {}
        tensors = load_file(weights)
    except SafetensorError as error:
        raise UsageError(
            f"{weights}: is no safetensors file", hint="convert the weights with safetensors.torch"
        ) from error
    name = architecture or said.get("architecture", "")
    if not timm.is_model(name):
        raise UsageError(f"{weights}: {name or 'nothing'!r} is no model of timm", hint="give its name as architecture")
    options: dict[str, Any] = {} if architecture else json.loads(said.get("architecture_options", "{}"))
    size = int(said.get("image_size", timm.get_pretrained_cfg(name).input_size[-1]))
    if getattr(timm.get_pretrained_cfg(name), "fixed_input_size", False):
        options["img_size"] = size
    import torch

    with torch.random.fork_rng(devices=[]):  # first weights are drawn and thrown away
        model: nn.Module = timm.create_model(name, pretrained=False, num_classes=0, **options)
    head = timm.get_pretrained_cfg(name).classifier  # of any number of classes: it is not asked
    body = {key: tensor for key, tensor in tensors.items() if not key.startswith(f"{head}.")}
    try:
        model.load_state_dict(body)
    except RuntimeError as error:
        raise UsageError(f"{weights}: holds no weights of {name}") from error
    mean, std = (
        tuple(json.loads(said[key])) if key in said else usual for key, usual in (("mean", _MEAN), ("std", _STD))
    )
    return network_features(model, layers=_timm_layers, mean=mean, std=std, size=size)


def network_features(
    model: nn.Module,
    *,
    layers: Callable[[nn.Module, Tensor], list[Tensor]],
    mean: tuple[float, ...],
    std: tuple[float, ...],
    size: int,
) -> Callable[[Images], Mapping[str, Floats]]:
    """Return what turns pictures into the means and deviations of a network's layers over all places.

    Args:
        model: Any network; it is used in evaluation mode.
        layers: Gives the answers of some layers, (n, C, h, w) each, to a batch (n, 3, size, size).
        mean: Per channel, that the network expects off images in [0, 1].
        std: Per channel.
        size: Side of its input; pictures are scaled to it.
    """
    import torch
    from torch.nn.functional import interpolate

    model.eval()

    def features(images: Images) -> Mapping[str, Floats]:
        values = np.clip(pictures(images), 0, 255) / np.float32(255)
        values = np.asarray((values - np.asarray(mean)) / np.asarray(std), np.float32)
        found: list[list[Floats]] = []
        with torch.inference_mode():
            for start in range(0, len(values), _BATCH):
                batch = torch.from_numpy(values[start : start + _BATCH].transpose(0, 3, 1, 2).copy())
                if batch.shape[-2:] != (size, size):
                    batch = interpolate(batch, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
                answers = layers(model, batch)
                found.append(
                    [torch.cat([a.mean((2, 3)), a.std((2, 3), unbiased=False)], dim=1).numpy() for a in answers]
                )
        return {f"layer {place + 1}": np.concatenate(parts) for place, parts in enumerate(zip(*found, strict=True))}

    return features


def _timm_layers(model: Any, batch: Tensor) -> list[Tensor]:
    """Return the answers of all stages or blocks of a timm model."""
    found: list[Tensor] = model.forward_intermediates(batch, intermediates_only=True, output_fmt="NCHW")
    return found
