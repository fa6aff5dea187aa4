"""Weights of a backbone from a local file."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from pixelveil.errors import IntegrityError, UsageError

__all__ = ["load_weights"]

_COUNTER = ".num_batches_tracked"


def load_weights(network: nn.Module, path: Path) -> tuple[str, ...]:
    """Put the weights of a safetensors file into a network: every one of them, under its own name.

    Only a last layer for another number of classes, and first layers for another number of channels, stay fresh.

    Args:
        network: Changed in place.
        path: The file.

    Returns:
        Names of the weights that stayed fresh.

    Raises:
        UsageError: The file cannot be read.
        IntegrityError: It is damaged, or holds the weights of something else.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            found: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    except SafetensorError as error:
        raise IntegrityError(f"{path}: not a whole safetensors file ({error})") from error
    own = network.state_dict()
    # How many batches were seen changes no answer, and public files leave it out.
    found = {name: tensor for name, tensor in own.items() if name.endswith(_COUNTER)} | found
    missing, foreign = sorted(own.keys() - found.keys()), sorted(found.keys() - own.keys())
    if missing or foreign:
        what = f"lacks {missing[0]}" if missing else f"has {foreign[0]} besides"
        raise IntegrityError(f"{path}: not the weights of this network: {what}")
    fresh = tuple(name for name in own if own[name].shape != found[name].shape)
    strange = [name for name in fresh if name not in _ends(network)]
    if strange:
        shapes = f"{tuple(found[strange[0]].shape)}, not {tuple(own[strange[0]].shape)}"
        raise IntegrityError(f"{path}: not the weights of this network: {strange[0]} has shape {shapes}")
    network.load_state_dict(found | {name: own[name] for name in fresh})
    return fresh


def _ends(network: nn.Module) -> set[str]:
    """Return the names of the weights of the first convolution and of the last linear layer."""
    layers = {name: module for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}
    convolutions = [name for name, module in layers.items() if isinstance(module, nn.Conv2d)]
    linear = [name for name, module in layers.items() if isinstance(module, nn.Linear)]
    ends = convolutions[:1] + linear[-1:]
    return {f"{name}.{label}" for name in ends for label, _ in layers[name].named_parameters(recurse=False)}
