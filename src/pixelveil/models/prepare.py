"""Make a model ready to hold a key: nothing it answers changes, but all that a key changes becomes a saved tensor."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from pixelveil.errors import IntegrityError, UnsupportedModelError
from pixelveil.models.layout import Layout
from pixelveil.models.per_position import per_position
from pixelveil.models.rotary import Reordered

__all__ = ["prepare", "read_tensors", "write_tensors"]


def prepare(model: nn.Module, *, layout: Layout) -> None:
    """Wrap what generates positions, add a missing bias, and have every tensor of the stem saved with the model.

    Where the layout says so, the patch embedding is replaced by one for a key of each position.

    Args:
        model: Changed in place; what is prepared already stays as it is.
        layout: What an adapter found in it, in the form that shall hold the key.
    """
    for wrapped in layout.wrapped:
        parent, name = _owner(model, wrapped.module)
        inner = getattr(parent, name)
        if not isinstance(inner, Reordered):
            reordered = Reordered(inner, axes=wrapped.axes, tokens=wrapped.start + layout.patches)
            setattr(parent, name, reordered.to(next(model.parameters()).device))
    _hold_embedding(model, layout=layout)
    for name in layout.names:
        parent, leaf = _owner(model, name)
        buffers = dict(parent.named_buffers(recurse=False))
        if leaf in buffers:
            # An index that is not saved with the model would silently be the plain one again after loading.
            parent.register_buffer(leaf, buffers[leaf], persistent=True)


def _hold_embedding(model: nn.Module, *, layout: Layout) -> None:
    """Add a missing bias that the layout asks for, and bring the patch embedding to the layout's form."""
    embedding = layout.embedding
    layer = model.get_submodule(embedding.module)
    if embedding.bias and getattr(layer, "bias", None) is None:
        weight: Tensor = model.get_parameter(embedding.weight)
        layer.register_parameter("bias", nn.Parameter(torch.zeros_like(weight.flatten(1)[:, 0])))
    held = per_position(layer, layout=layout)
    if held is not layer:
        parent, name = _owner(model, embedding.module)
        if parent is layer:
            raise UnsupportedModelError("the model is a patch embedding alone, which cannot be replaced in itself")
        setattr(parent, name, held)


def read_tensors(model: nn.Module, *, layout: Layout) -> dict[str, Tensor]:
    """Return the tensors of the stem: the model's own, not copies.

    Raises:
        IntegrityError: The model lacks one of them.
    """
    found: dict[str, Tensor] = {}
    for name in layout.names:
        parent, leaf = _owner(model, name)
        tensor = getattr(parent, leaf, None)
        if not isinstance(tensor, Tensor):
            raise IntegrityError(f"the model has no tensor {name}, which its key changes")
        found[name] = tensor
    return found


def write_tensors(model: nn.Module, tensors: Mapping[str, Tensor], *, layout: Layout) -> None:
    """Copy the tensors of a stem into a prepared model, all or none.

    Raises:
        IntegrityError: A tensor is missing, or has another shape than the model's.
    """
    targets = read_tensors(model, layout=layout)
    for name, target in targets.items():
        if name not in tensors or tensors[name].shape != target.shape:
            shape = tuple(tensors[name].shape) if name in tensors else "nothing"
            raise IntegrityError(
                f"{name} is {tuple(target.shape)} in the model, {shape} in the stem",
                hint="load a stem of this architecture and image size",
            )
    with torch.no_grad():
        for name, target in targets.items():
            target.copy_(tensors[name])


def _owner(model: nn.Module, name: str) -> tuple[nn.Module, str]:
    """Return the module that holds a named parameter, buffer or module, and its last name.

    Raises:
        IntegrityError: The model has no such module.
    """
    path, _, leaf = name.rpartition(".")
    try:
        return model.get_submodule(path), leaf
    except AttributeError as error:
        raise IntegrityError(f"the model has no module {path!r}", hint="use the right architecture") from error
