"""The exponential moving average of a network's weights."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

__all__ = ["average_of", "update_average"]


def average_of(model: nn.Module) -> nn.Module:
    """Return a copy of a network that takes no gradient: its average before the first step."""
    return copy.deepcopy(model).requires_grad_(False)


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, *, decay: float, step: int) -> None:
    """Move the average towards the network: ``a <- d a + (1 - d) w``, statistics of batches as well.

    The decay d grows to its value, ``min(decay, (1 + step) / (10 + step))``, so that the first weights are soon
    forgotten (as TensorFlow's ExponentialMovingAverage has it).

    Args:
        average: What `average_of` gave.
        model: The network after a step.
        decay: For instance 0.999.
        step: Number of the step, from 0; it alone decides, so that a run may be resumed.
    """
    weight = 1 - min(decay, (1 + step) / (10 + step))
    old, new = _tensors(average), _tensors(model)
    floats = [name for name, tensor in old.items() if tensor.is_floating_point()]
    torch._foreach_lerp_([old[name] for name in floats], [new[name] for name in floats], weight)
    for name in old.keys() - set(floats):
        old[name].copy_(new[name])


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    """Return all weights and statistics by name, each once."""
    return dict(model.named_parameters()) | dict(model.named_buffers())
