"""What all adapters share: the type of an adapter, and the first mechanical test of a model.

Test 1: the first operation on the pixels is a linear map of disjoint square patches. Then any invertible map inside a
patch is absorbed exactly. Test 2: every later operation treats all tokens alike, or depends on their positions through
tensors that can follow a block order. Then the order is absorbed as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from torch import nn

from pixelveil.errors import UnsupportedModelError
from pixelveil.models.layout import Embedding, Gather, Layout, Wrapped

__all__ = [
    "Family",
    "Foreign",
    "Size",
    "check_grid",
    "conv_embedding",
    "failed_first_test",
    "linear_embedding",
    "plain_stem",
    "shift_table",
    "table",
    "wrap",
]

Size = tuple[int, int]
# Modules of other libraries: their attributes are found by structure, so no type can promise them.
Foreign: TypeAlias = Any


@dataclass(frozen=True)
class Family:
    """An adapter of one family of architectures.

    Args:
        describe: Finds the layout of a module of the family, names relative to it, for images of a size.
        around: Adds what lies outside that module, such as position biases in the layers; takes the whole model and the
            layout with names relative to it. None: nothing does.
        settle: Makes tables explicit that the model would compute at run time for images of this size; takes the whole
            model and the module, and changes them in place, but not what they answer. None: there are none.
    """

    describe: Callable[[nn.Module, Size], Layout]
    around: Callable[[nn.Module, Layout], Layout] | None = None
    settle: Callable[[nn.Module, nn.Module, Size], None] | None = None


def conv_embedding(layer: object, *, name: str) -> Embedding:
    """Return the patch embedding of a convolution, if it passes test 1.

    Args:
        layer: The first layer on the pixels.
        name: Its path in the module.

    Raises:
        UnsupportedModelError: It is no convolution, its patches overlap or have gaps, or are not square.
    """
    if not isinstance(layer, nn.Conv2d):
        raise failed_first_test(f"the stem {name} is {type(layer).__name__}, not one linear layer")
    kernel, stride = tuple(layer.kernel_size), tuple(layer.stride)
    if kernel != stride or layer.padding not in ((0, 0), "valid") or tuple(layer.dilation) != (1, 1):
        raise failed_first_test(
            f"the patches of {name} overlap or have gaps: kernel {kernel}, stride {stride}, padding {layer.padding}"
        )
    if layer.groups != 1:
        raise failed_first_test(f"{name} treats groups of channels apart")
    if kernel[0] != kernel[1]:
        raise failed_first_test(f"the patches of {name} are not square: {kernel}")
    bias = f"{name}.bias"
    return Embedding(weight=f"{name}.weight", bias=bias, patch_size=kernel[0], channels=layer.in_channels)


def linear_embedding(layer: object, *, name: str, patch_size: int) -> Embedding:
    """Return the patch embedding of a linear layer on patches flattened channels last, if it passes test 1.

    Raises:
        UnsupportedModelError: It is no linear layer, or does not fit the patch size.
    """
    if not isinstance(layer, nn.Linear) or layer.in_features % patch_size**2:
        raise failed_first_test(f"the stem {name} is {type(layer).__name__}, not one linear layer on patches")
    channels = layer.in_features // patch_size**2
    bias = f"{name}.bias"
    return Embedding(weight=f"{name}.weight", bias=bias, patch_size=patch_size, channels=channels, flatten="hwc")


def shift_table(layout: Layout, *, layer: nn.Conv2d) -> Layout:
    """Return the layout whose position table takes the correction of a missing bias.

    The weights keep their names and shapes, so the model can be loaded without pixelveil. Only right where the table
    is added directly to what the embedding returns.
    """
    if layer.bias is not None or not layout.gathers:
        return layout
    return replace(layout, embedding=replace(layout.embedding, bias=""), shifted=layout.gathers[0])


def plain_stem(stem: nn.Module, *, allowed: tuple[str, ...] = ("proj", "norm")) -> None:
    """Check that nothing with weights stands between the pixels and the projection of a timm-like stem.

    Raises:
        UnsupportedModelError: Another part of the stem has weights (a convolutional or hybrid stem).
    """
    for name, child in stem.named_children():
        if name not in allowed and any(True for _ in child.parameters()):
            raise failed_first_test(f"the stem has more than a projection: {name} is {type(child).__name__}")


def check_grid(layout: Layout, *, model_size: object) -> Layout:
    """Return the layout if images of its size have whole patches and the size that the model is built for.

    Args:
        layout: The layout to check.
        model_size: Height and width, or one side, that the model's tables are for; None where any size will do.

    Raises:
        UnsupportedModelError: The sizes differ.
    """
    size, side = layout.image_size, layout.embedding.patch_size
    if isinstance(model_size, int):
        model_size = (model_size, model_size)
    if isinstance(model_size, list | tuple) and tuple(model_size) != size:
        raise UnsupportedModelError(
            "the model is built for images of {}x{}, not {}x{}".format(*model_size, *size),
            hint="build the model for the size of your images (timm: img_size=..., Hugging Face: config.image_size)",
        )
    if size[0] % side or size[1] % side:
        raise UnsupportedModelError(
            f"patches of {side}x{side} do not divide images of {size[0]}x{size[1]}",
            hint="choose an image size that is a multiple of the patch size",
        )
    return layout


def table(tensor: Foreign, *, name: str, layout: Layout, start: int, axis: int = 1) -> tuple[Gather, ...]:
    """Return how a position table follows the patches: none if there is no table.

    Raises:
        UnsupportedModelError: It has not one row for each patch.
    """
    if tensor is None:
        return ()
    rows = tensor.shape[axis]
    if rows != start + layout.patches + layout.suffix:
        raise UnsupportedModelError(
            f"{name} has {rows} rows for {layout.patches} patches and {start + layout.suffix} other tokens",
            hint="build the model for the size of your images",
        )
    return (Gather(name=name, axes=(axis,), start=start),)


def wrap(*, module: str, axes: tuple[int, ...], start: int = 0) -> tuple[Wrapped, Gather]:
    """Return how a module that computes positions is wrapped, and the order that it then has."""
    return Wrapped(module=module, axes=axes, start=start), Gather(name=f"{module}.order", axes=(0,), start=start)


def failed_first_test(reason: str, *, hint: str = "") -> UnsupportedModelError:
    """Return the error of a model that fails test 1."""
    return UnsupportedModelError(
        f"test 1 fails: {reason}",
        hint=hint or "choose a model whose patch embedding is one linear layer on disjoint patches, such as a ViT",
    )
