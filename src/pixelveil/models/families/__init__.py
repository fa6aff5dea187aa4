"""Adapters: which tensors of an architecture a key changes, found by structure and never by a checkpoint's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from torch import nn

from pixelveil.errors import UnsupportedModelError
from pixelveil.models.families import huggingface, timm_models, torchvision_models
from pixelveil.models.families.common import Family, Size
from pixelveil.models.families.inside import describe_inside, grid_operation
from pixelveil.models.layout import Layout

__all__ = ["FAMILIES", "settle_and_describe"]

FAMILIES: Final[Mapping[str, Family]] = {
    **timm_models.FAMILIES,
    **huggingface.FAMILIES,
    **torchvision_models.FAMILIES,
}


def settle_and_describe(model: nn.Module, *, image_size: Size) -> Layout:
    """Return what a key changes in a model; first make the tables explicit that it would compute at run time.

    Args:
        model: The whole model, heads included; what it answers does not change.
        image_size: Height and width of its images, in pixels.

    Returns:
        The layout. Its ``fixed`` says why no block order can be absorbed, if none can.

    Raises:
        UnsupportedModelError: Test 1 fails, or the sizes do not fit; the message says which.
    """
    matches = _matches(model)
    if not matches:
        return describe_inside(model, image_size=image_size)
    if len(matches) > 1:
        raise UnsupportedModelError(
            f"the model holds {len(matches)} vision models: {', '.join(path for path, _ in matches)}",
            hint="encrypt each of them alone",
        )
    path, key = matches[0]
    family, module = FAMILIES[key], model.get_submodule(path)
    if family.settle is not None:
        family.settle(model, module, image_size)
    layout = replace(family.describe(module, image_size).under(path), family=key.replace(":", " "))
    if family.around is not None and not layout.fixed:
        layout = family.around(model, layout)
    fixed = layout.fixed or grid_operation(model, embedding=layout.embedding.weight)
    if not fixed:
        return layout
    # Nothing but the embedding will ever change; a table that takes the place of its bias is part of it.
    shifted = () if layout.shifted is None else (layout.shifted,)
    return replace(layout, fixed=fixed, gathers=shifted, wrapped=())


def _matches(model: nn.Module) -> list[tuple[str, str]]:
    """Return path and family of each module that an adapter knows, outermost ones only."""
    found: list[tuple[str, str]] = []
    for path, module in model.named_modules():
        if any(path == outer or path.startswith(f"{outer}." if outer else "") for outer, _ in found):
            continue
        for kind in type(module).__mro__:
            key = f"{kind.__module__.partition('.')[0]}:{kind.__name__}"
            if key in FAMILIES:
                found.append((path, key))
                break
    return found
