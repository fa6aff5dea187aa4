"""Absorb a plan into a model in place: what `encrypt_model` and `verify_model` both do."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from pixelveil.models.absorb import Undo, absorb
from pixelveil.models.layout import Layout
from pixelveil.models.prepare import prepare, read_tensors, write_tensors

__all__ = ["hold"]


def hold(model: nn.Module, *, layout: Layout, undo: Undo, mean: Sequence[float], std: Sequence[float]) -> Layout:
    """Let a plain model hold a key, in place.

    Args:
        model: A settled plain model.
        layout: What an adapter found in it.
        undo: The inverse of the plan.
        mean: Mean of each color component, on pixels in [0, 1].
        std: Deviation of each color component.

    Returns:
        The layout in the form that holds the key.
    """
    held = layout.in_form(undo.form)
    prepare(model, layout=layout)
    tensors = absorb(read_tensors(model, layout=layout), layout=layout, undo=undo, mean=mean, std=std)
    prepare(model, layout=held)
    write_tensors(model, tensors, layout=held)
    return held
