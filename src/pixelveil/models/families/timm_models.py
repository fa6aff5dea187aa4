"""Adapters of timm's architectures that follow a block order."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from torch import nn

from pixelveil.models.families.common import (
    Family,
    Foreign,
    Size,
    check_grid,
    conv_embedding,
    failed_first_test,
    linear_embedding,
    plain_stem,
    shift_table,
    table,
    wrap,
)
from pixelveil.models.layout import Gather, Layout

__all__ = ["FAMILIES"]


def _base(model: Foreign, size: Size, *, stem: str = "patch_embed", prefix: int = 0) -> Layout:
    """Return the layout of a timm `PatchEmbed` and of nothing else."""
    patch_embed = getattr(model, stem)
    plain_stem(patch_embed)
    embedding = conv_embedding(patch_embed.proj, name=f"{stem}.proj")
    layout = Layout(embedding=embedding, image_size=size, prefix=prefix)
    if getattr(patch_embed, "dynamic_img_pad", False):
        raise failed_first_test(
            "the model pads its images (dynamic_img_pad)", hint="build it with dynamic_img_pad=False"
        )
    return check_grid(layout, model_size=patch_embed.img_size)


def _with_table(model: Foreign, layout: Layout, *, start: int) -> Layout:
    """Add the absolute position table ``pos_embed``, where there is one; it takes the correction of a missing bias."""
    gathers = table(model.pos_embed, name="pos_embed", layout=layout, start=start)
    layout = replace(layout, gathers=layout.gathers + gathers)
    # A norm between the embedding and the table would see the correction too late.
    if isinstance(model.patch_embed.norm, nn.Identity):
        layout = shift_table(layout, layer=model.patch_embed.proj)
    return layout


def _with_relative_positions(model: nn.Module, layout: Layout) -> Layout:
    """Add every index of relative positions between all pairs of tokens."""
    gathers = []
    for name, buffer in model.named_buffers():
        if name.rpartition(".")[2] == "relative_position_index":
            start = math.isqrt(buffer.numel()) - layout.patches
            gathers.append(Gather(name=name, axes=(0, 1), start=start, square=buffer.ndim == 1))
    return replace(layout, gathers=layout.gathers + tuple(gathers))


def _vision_transformer(model: Foreign, size: Size) -> Layout:
    prefix = model.num_prefix_tokens
    layout = _base(model, size, prefix=prefix)
    return _with_table(model, layout, start=0 if model.no_embed_class else prefix)


def _pin_size(_: nn.Module, model: Foreign, size: Size) -> None:
    """Let a model for images of any size (dynamic_img_size) take one size only, its positions resampled once."""
    if model.dynamic_img_size and model.patch_embed.img_size is not None:
        model.set_input_size(img_size=size)
        model.patch_embed.strict_img_size = True


def _eva(model: Foreign, size: Size) -> Layout:
    prefix = model.num_prefix_tokens
    layout = _base(model, size, prefix=prefix)
    layout = _with_table(model, layout, start=0 if model.no_embed_class else prefix)
    if model.rope is None:
        return layout
    wrapped, order = wrap(module="rope", axes=(-2,))
    return replace(layout, wrapped=(wrapped,), gathers=(*layout.gathers, order))


def _beit(model: Foreign, size: Size) -> Layout:
    layout = _base(model, size, prefix=1)
    return _with_relative_positions(model, _with_table(model, layout, start=1))


def _relative_positions(model: Foreign, size: Size) -> Layout:
    layout = _base(model, size, prefix=model.num_prefix_tokens)
    return _with_relative_positions(model, layout)


def _cait(model: Foreign, size: Size) -> Layout:
    return _with_table(model, _base(model, size, prefix=1), start=0)


def _convit(model: Foreign, size: Size) -> Layout:
    layout = _base(model, size, prefix=1)
    if model.use_pos_embed:
        layout = _with_table(model, layout, start=0)
    indices = [name for name, _ in model.named_buffers() if name.rpartition(".")[2] == "rel_indices"]
    return replace(layout, gathers=layout.gathers + tuple(Gather(name=name, axes=(1, 2)) for name in indices))


def _settle_convit(_: nn.Module, model: Foreign, size: Size) -> None:
    """Compute the relative positions that each gated attention would compute in its first forward pass."""
    side = model.patch_embed.patch_size[0]
    patches = (size[0] // side) * (size[1] // side)
    for module in model.modules():
        if hasattr(module, "rel_indices"):
            module.rel_indices = module.get_rel_indices(patches)


def _mlp_mixer(model: Foreign, size: Size) -> Layout:
    layout = _base(model, size, stem="stem")
    gathers: list[Gather] = []
    for name, _ in model.named_parameters():
        parts = name.rsplit(".", 3)
        if ".mlp_tokens.fc1.weight" in name:
            gathers.append(Gather(name=name, axes=(1,)))
        elif ".mlp_tokens.fc2." in name:
            gathers.append(Gather(name=name, axes=(0,)))
        elif parts[-2] == "linear_tokens" or parts[-3:-1] == ["gate", "proj"]:
            gathers.append(Gather(name=name, axes=(0, 1) if parts[-1] == "weight" else (0,)))
    return replace(layout, gathers=tuple(gathers))


def _naflex(model: Foreign, size: Size) -> Layout:
    fixed = "its positions are resampled to the size of each image (NaFlex)"
    embeds = model.embeds
    if not isinstance(getattr(embeds, "norm_input", None), nn.Identity | None):
        raise failed_first_test("embeds.norm_input normalizes the pixels of each patch")
    if isinstance(embeds.proj, nn.Conv2d):
        embedding = conv_embedding(embeds.proj, name="embeds.proj")
    else:
        embedding = linear_embedding(embeds.proj, name="embeds.proj", patch_size=embeds.patch_size[0])
        embedding = replace(embedding, flatten="hwc" if embeds.channels_last else "chw")
    layout = Layout(embedding=embedding, image_size=size, fixed=fixed)
    return check_grid(layout, model_size=None)


def _crossvit(_: nn.Module, __: Size) -> Layout:
    raise failed_first_test("the model reads each image at two scales")


FAMILIES: Final[Mapping[str, Family]] = {
    "timm:VisionTransformer": Family(describe=_vision_transformer, settle=_pin_size),
    "timm:Eva": Family(describe=_eva, settle=_pin_size),
    "timm:Beit": Family(describe=_beit),
    "timm:VisionTransformerRelPos": Family(describe=_relative_positions),
    "timm:Cait": Family(describe=_cait),
    "timm:CrossVit": Family(describe=_crossvit),
    "timm:ConVit": Family(describe=_convit, settle=_settle_convit),
    "timm:MlpMixer": Family(describe=_mlp_mixer),
    "timm:NaFlexVit": Family(describe=_naflex),
}
