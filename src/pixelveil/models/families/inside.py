"""Models that no adapter knows: test 1 is made by watching which layer reads the pixels, test 2 is taken as failed.

A map inside patches needs no more than a patch embedding, so these models can be encrypted without a block order:
windows, depthwise convolutions and convolutional decoders do not mind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn

from pixelveil.models.families.common import Size, check_grid, conv_embedding, failed_first_test
from pixelveil.models.layout import Layout
from pixelveil.models.outputs import evaluating, run_model

__all__ = ["describe_inside", "grid_operation"]

# What ties a later operation to the grid: layers by type, attention and the like by class name.
GRID_LAYERS: Final = (
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.Upsample,
    nn.PixelShuffle,
    nn.PixelUnshuffle,
    nn.Unfold,
    nn.Fold,
    nn.RNNBase,
)
GRID_CLASSES: Final[Mapping[str, str]] = {
    "PatchMerging": "merges neighboring patches",
    "SamVisionAttention": "windowed attention with positions of both axes",
    "SamVisionSdpaAttention": "windowed attention with positions of both axes",
    "ShiftedWindowAttention": "shifted windows",
    "ShiftedWindowAttentionV2": "shifted windows",
    "SwinAttention": "shifted windows",
    "Swinv2Attention": "shifted windows",
    "WindowAttention": "shifted windows",
    "WindowMultiHeadAttention": "shifted windows",
}


def grid_operation(model: nn.Module, *, embedding: str) -> str:
    """Return which later operation depends on the grid of patches, and so fails test 2; empty if none is seen.

    Args:
        model: The whole model, heads included.
        embedding: Name of the weight of the patch embedding, which does not count.
    """
    for name, module in model.named_modules():
        if f"{name}.weight" == embedding:
            continue
        if type(module).__name__ in GRID_CLASSES:
            return f"{name} {GRID_CLASSES[type(module).__name__]}"
        kernel = getattr(module, "kernel_size", 2)
        pointwise = kernel == 1 or (isinstance(kernel, tuple) and set(kernel) == {1})
        if isinstance(module, GRID_LAYERS) and not pointwise:
            return f"{name} is {type(module).__name__} over the grid of patches"
    return ""


def describe_inside(model: nn.Module, *, image_size: Size) -> Layout:
    """Return the layout of a model of unknown architecture, which fixes the order of its patches.

    Raises:
        UnsupportedModelError: The model cannot be run on images alone, or not one layer reads the pixels, or that
            layer is no patch embedding.
    """
    readers = _pixel_readers(model, image_size=image_size)
    if len(readers) != 1:
        names = ", ".join(name for name, _ in readers) or "no layer"
        raise failed_first_test(f"the pixels are read by {names}, not by one patch embedding")
    name, layer = readers[0]
    embedding = conv_embedding(layer, name=name)
    fixed = grid_operation(model, embedding=embedding.weight) or "its architecture is unknown"
    family = f"{type(model).__module__.partition('.')[0]} {type(model).__name__}"
    return check_grid(Layout(embedding=embedding, image_size=image_size, family=family, fixed=fixed), model_size=None)


def _pixel_readers(model: nn.Module, *, image_size: Size) -> list[tuple[str, nn.Module]]:
    """Return the innermost modules that are called with the very tensor of pixels, and their names."""
    first = next((layer.in_channels for layer in model.modules() if isinstance(layer, nn.Conv2d)), 3)
    channels = first if first in (1, 3) else 3
    weight = next(model.parameters())
    pixels = torch.zeros(1, channels, *image_size, device=weight.device, dtype=weight.dtype)
    readers: list[tuple[str, nn.Module]] = []

    def watch(name: str, module: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def hook(_: nn.Module, inputs: tuple[object, ...]) -> None:
            first = inputs[0] if inputs else None
            if isinstance(first, Tensor) and first.shape == pixels.shape and first.data_ptr() == pixels.data_ptr():
                readers.append((name, module))

        return module.register_forward_pre_hook(hook)

    leaves = [(name, module) for name, module in model.named_modules() if not any(True for _ in module.children())]
    handles = [watch(name, module) for name, module in leaves if not isinstance(module, nn.Identity | nn.Dropout)]
    try:
        with evaluating(model):
            run_model(model, pixels)
    finally:
        for handle in handles:
            handle.remove()
    return readers
