"""Where a training run stands: one safetensors file that is replaced as a whole after every epoch.

Weights and optimizer tensors are its tensors, everything else is one JSON string in its header. Nothing is pickled,
and because it is a single file there is no moment at which weights and counters disagree.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pixelveil.atomic import write_atomic
from pixelveil.errors import IntegrityError, UsageError

__all__ = ["load_state", "save_state"]


def save_state(
    path: Path,
    *,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    run: Mapping[str, Any],
    progress: Mapping[str, Any],
) -> None:
    """Write where the run stands.

    Args:
        path: The file; it is replaced atomically.
        model: Its parameters and buffers are saved.
        optimizer: Its tensors are saved.
        run: What defines the run (settings, data); ``load_state`` insists on it.
        progress: What is done so far; ``load_state`` returns it.
    """
    from safetensors.torch import save

    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for index, entry in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in entry.items()}
    content = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomic(path, save(content, metadata={"run": json.dumps(run), "progress": json.dumps(progress)}))


def load_state(
    path: Path, *, model: nn.Module, optimizer: torch.optim.Optimizer, run: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Put model and optimizer where the run stood; return its progress, or nothing if it has not begun.

    Raises:
        UsageError: The folder holds a run with other settings or data.
        IntegrityError: The file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        before, progress = json.loads(metadata["run"]), json.loads(metadata["progress"])
    except (SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise IntegrityError(f"{path}: the state of the run cannot be read ({error})") from error
    now = json.loads(json.dumps(run))
    if before != now:
        changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
        raise UsageError(
            f"{path.parent}: holds a run with another {', '.join(changed)}", hint="choose another folder with --out"
        )
    entries: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, label = name.split(".")
            entries.setdefault(int(index), {})[label] = tensor
    weights = {name.removeprefix("model."): tensor for name, tensor in tensors.items() if name.startswith("model.")}
    model.load_state_dict(weights)
    optimizer.load_state_dict({"state": entries, "param_groups": optimizer.state_dict()["param_groups"]})
    return dict(progress)
