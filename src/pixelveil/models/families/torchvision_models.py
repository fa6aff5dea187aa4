"""Adapter of torchvision's vision transformer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pixelveil.models.families.common import Family, Foreign, Size, check_grid, conv_embedding, shift_table, table
from pixelveil.models.layout import Layout

__all__ = ["FAMILIES"]


def _vision_transformer(model: Foreign, size: Size) -> Layout:
    embedding = conv_embedding(model.conv_proj, name="conv_proj")
    layout = check_grid(Layout(embedding=embedding, image_size=size, prefix=1), model_size=model.image_size)
    positions = model.encoder.pos_embedding
    gathers = table(positions, name="encoder.pos_embedding", layout=layout, start=1)
    return shift_table(replace(layout, gathers=gathers), layer=model.conv_proj)


FAMILIES: Final[Mapping[str, Family]] = {"torchvision:VisionTransformer": Family(describe=_vision_transformer)}
