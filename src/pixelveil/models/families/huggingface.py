"""Adapters of Hugging Face's architectures that follow a block order, found by the class of their embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import torch
from torch import nn

from pixelveil.errors import UnsupportedModelError
from pixelveil.models.families.common import (
    Family,
    Foreign,
    Size,
    check_grid,
    conv_embedding,
    shift_table,
    table,
    wrap,
)
from pixelveil.models.layout import Gather, Layout

__all__ = ["FAMILIES"]

# Modules that compute positions when they are called: axes of their output that number tokens, tokens before the
# patches.
GENERATORS: Final[Mapping[str, tuple[tuple[int, ...], int]]] = {
    "BeitRelativePositionBias": ((-2, -1), 1),
    "Data2VecVisionRelativePositionBias": ((-2, -1), 1),
    "DINOv3ViTRopePositionEmbedding": ((-2,), 0),
    "MLCDRotaryEmbedding": ((-2,), 0),
}


def _special_tokens(embeddings: Foreign) -> int:
    """Return how many class and distillation tokens have a row in the position table."""
    classes = 0 if getattr(embeddings, "cls_token", None) is None else embeddings.cls_token.shape[-2]
    return classes + (getattr(embeddings, "distillation_token", None) is not None)


def _vit(embeddings: Foreign, size: Size) -> Layout:
    """ViT and its kin: ``patch_embeddings.projection`` and the parameter ``position_embeddings``."""
    projection = embeddings.patch_embeddings.projection
    start, suffix = _special_tokens(embeddings), getattr(embeddings, "detection_tokens", None)
    registers = getattr(embeddings, "register_tokens", None)
    layout = Layout(
        embedding=conv_embedding(projection, name="patch_embeddings.projection"),
        image_size=size,
        prefix=start + (0 if registers is None else registers.shape[1]),
        suffix=0 if suffix is None else suffix.shape[1],
    )
    # Where positions are interpolated at run time the settled table says which size the model is for.
    interpolated = hasattr(embeddings, "interpolation") or type(embeddings).__name__ in INTERPOLATED
    layout = check_grid(layout, model_size=None if interpolated else embeddings.patch_embeddings.image_size)
    gathers = table(embeddings.position_embeddings, name="position_embeddings", layout=layout, start=start)
    return shift_table(replace(layout, gathers=gathers), layer=projection)


def _settle_interpolated(_: nn.Module, embeddings: Foreign, size: Size) -> None:
    """Interpolate the position table once, as the model would in every forward pass."""
    old = embeddings.position_embeddings
    if old is None:
        return
    side = embeddings.patch_embeddings.projection.kernel_size[0]
    patches = (size[0] // side) * (size[1] // side)
    if size[0] != size[1]:
        raise UnsupportedModelError(
            "its positions are interpolated in every forward pass for images that are not square",
            hint="use square images",
        )
    tokens = old.new_zeros(1, _special_tokens(embeddings) + patches, old.shape[-1])
    with torch.no_grad():
        new = embeddings.interpolate_pos_encoding(tokens, *size)
    if new.shape != old.shape:
        embeddings.position_embeddings = nn.Parameter(new.detach().clone())


def _clip(embeddings: Foreign, size: Size) -> Layout:
    """CLIP and its kin: ``patch_embedding`` and ``position_embedding``, a parameter or an `nn.Embedding`."""
    prefix = int(hasattr(embeddings, "class_embedding"))
    layout = Layout(
        embedding=conv_embedding(embeddings.patch_embedding, name="patch_embedding"),
        image_size=size,
        prefix=prefix,
    )
    layout = check_grid(layout, model_size=embeddings.image_size)
    positions = getattr(embeddings, "position_embedding", None)
    gathers = _rows(positions, name="position_embedding", layout=layout, start=prefix)
    return shift_table(replace(layout, gathers=gathers), layer=embeddings.patch_embedding)


def _aimv2(embeddings: Foreign, size: Size) -> Layout:
    layout = Layout(
        embedding=conv_embedding(embeddings.patch_embed, name="patch_embed"),
        image_size=size,
    )
    if embeddings.config.is_native:
        return replace(layout, fixed="its positions are computed for the size of each image (is_native)")
    layout = check_grid(layout, model_size=embeddings.config.image_size)
    gathers = _rows(embeddings.position_embedding, name="position_embedding", layout=layout, start=0)
    return replace(layout, gathers=gathers)


def _dinov3(embeddings: Foreign, size: Size) -> Layout:
    layout = Layout(
        embedding=conv_embedding(embeddings.patch_embeddings, name="patch_embeddings"),
        image_size=size,
        prefix=1 + embeddings.register_tokens.shape[1],
    )
    return check_grid(layout, model_size=None)


def _rows(positions: Foreign, *, name: str, layout: Layout, start: int) -> tuple[Gather, ...]:
    """Return how a position table follows the patches, be it a parameter or an `nn.Embedding`."""
    if isinstance(positions, nn.Embedding):
        return table(positions.weight, name=f"{name}.weight", layout=layout, start=start, axis=0)
    return table(positions, name=name, layout=layout, start=start)


def _settle_yolos(model: nn.Module, embeddings: Foreign, size: Size) -> None:
    """Interpolate all position tables once, and let the configuration say that none needs resizing."""
    with torch.no_grad():
        embeddings.position_embeddings = nn.Parameter(embeddings.interpolation(embeddings.position_embeddings, size))
        for _, part in _between_layers(model):
            part.mid_position_embeddings = nn.Parameter(part(size))
            part.config.image_size = list(size)
    embeddings.config.image_size = list(size)


def _around_yolos(model: nn.Module, layout: Layout) -> Layout:
    """Add the position tables between the layers."""
    gathers = layout.gathers
    for path, part in _between_layers(model):
        name = f"{path}.mid_position_embeddings"
        gathers += table(part.mid_position_embeddings, name=name, layout=layout, start=layout.prefix, axis=2)
    return replace(layout, gathers=gathers)


def _between_layers(model: nn.Module) -> list[tuple[str, Foreign]]:
    """Return the modules that hold the position tables between the layers of YOLOS, with their paths."""
    return [pair for pair in model.named_modules() if type(pair[1]).__name__ == "InterpolateMidPositionEmbeddings"]


def _around(model: nn.Module, layout: Layout) -> Layout:
    """Wrap every module of the model that computes positions."""
    for path, module in model.named_modules():
        if type(module).__name__ in GENERATORS:
            axes, start = GENERATORS[type(module).__name__]
            wrapped, order = wrap(module=path, axes=axes, start=start)
            layout = replace(layout, wrapped=(*layout.wrapped, wrapped), gathers=(*layout.gathers, order))
    return layout


def _masked_autoencoder(_: nn.Module, __: Size) -> Layout:
    raise UnsupportedModelError(
        "test 2 fails: a masked autoencoder drops and shuffles patches at random",
        hint="load its encoder as a ViTModel or ViTForImageClassification, which have the same weights",
    )


# Embeddings that interpolate their table at run time whenever the size of the image asks for it.
INTERPOLATED: Final = (
    "BeitEmbeddings",
    "Data2VecVisionEmbeddings",
    "Dinov2Embeddings",
    "Dinov2WithRegistersEmbeddings",
    "PixioEmbeddings",
)
VIT: Final = ("DeiTEmbeddings", "FlavaImageEmbeddings", "IJepaEmbeddings", "ViTEmbeddings", "ViTMSNEmbeddings")
CLIP: Final = (
    "BlipVisionEmbeddings",
    "ChineseCLIPVisionEmbeddings",
    "CLIPVisionEmbeddings",
    "MetaClip2VisionEmbeddings",
    "MLCDVisionEmbeddings",
    "SiglipVisionEmbeddings",
)

FAMILIES: Final[Mapping[str, Family]] = {
    **{f"transformers:{name}": Family(describe=_vit) for name in VIT},
    **{
        f"transformers:{name}": Family(describe=_vit, around=_around, settle=_settle_interpolated)
        for name in INTERPOLATED
    },
    **{f"transformers:{name}": Family(describe=_clip, around=_around) for name in CLIP},
    "transformers:Aimv2VisionEmbeddings": Family(describe=_aimv2),
    "transformers:DINOv3ViTEmbeddings": Family(describe=_dinov3, around=_around),
    "transformers:ViTMAEEmbeddings": Family(describe=_masked_autoencoder),
    "transformers:YolosEmbeddings": Family(describe=_vit, around=_around_yolos, settle=_settle_yolos),
}
