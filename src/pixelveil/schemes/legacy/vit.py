"""Block-wise encryption for Vision Transformers as the authors' scripts do it."""

from __future__ import annotations

import math

import numpy as np

from pixelveil.errors import UsageError
from pixelveil.plans import LanePlan
from pixelveil.schemes.legacy.arrays import LegacyArrays

__all__ = ["compressible_plan", "permutation_plan"]


def permutation_plan(material: LegacyArrays) -> LanePlan:
    """Return the plan of ``blocks[:, key_1]`` and then ``blocks[key_2]``.

    Source: scripts of the authors of Kiya et al., IEICE E106-D (2023); the order of a block's values is that of a
    convolution weight, (channel, row, column).

    Args:
        material: "key_1" (L,), the place that each value comes from, where the scheme shuffles; "mask" (L,), 1 where
            the result is inverted, where it inverts; "key_2" (N,), the block that each block comes from, where it
            scrambles.
    """
    grid, wants = material.grid, material.parameters
    if wants["per_block"]:
        raise UsageError("no published script has a key for each block", hint="-p per-block=false")
    hint = "what the material does not do is switched off: -p {}=false"
    source = flip = order = None
    if material.expects("key_1", wanted=wants["shuffle"], hint=hint.format("shuffle")):
        source = material.permutations("key_1", shape=(grid.lanes,))
    if material.expects("mask", wanted=wants["invert"], hint=hint.format("invert")):
        flip = material.bits("mask", shape=(grid.lanes,)) * np.uint8(255)
    if material.expects("key_2", wanted=wants["scramble_blocks"], hint=hint.format("scramble-blocks")):
        order = material.permutations("key_2", shape=(grid.blocks,))
    return LanePlan(
        source=np.arange(grid.lanes) if source is None else source,
        flip=flip,
        block_size=grid.block,
        block_order=order,
        grid=material.where,
        flatten="chw",
    )


def compressible_plan(material: LegacyArrays) -> LanePlan:
    """Return the plan of the published CFE program for one frame.

    Each of a main block's s sub-blocks is turned counterclockwise ("rotation", quarter turns), mirrored ("flipping": 0
    no, 1 left and right, 2 top and bottom, 3 both), inverted ("np_inversion"), recolored ("channel_shuffle": where each
    channel comes from); then place i of the main block takes sub-block ``sb_scrambling_order[i]``. Main block s moves
    *to* place ``mb_scrambling_order[s]``. Source: Lin, Imaizumi and Kiya, arXiv 2605.05692, published code.

    Args:
        material: Arrays (M, s), "channel_shuffle" (M, s, 3), "mb_scrambling_order" (N,); M is 1 where all main blocks
            share one key (V1), else N (V2).
    """
    grid, side = material.grid, int(material.parameters["sub_block_size"])
    maps, parts = grid.blocks if material.parameters["per_block"] else 1, (material.block // side) ** 2
    if material.shape[2] != 3:
        raise UsageError("color codes are for images of three channels, not for gray ones")
    turns = material.codes("rotation", shape=(maps, parts), below=4)
    mirrors = material.codes("flipping", shape=(maps, parts), below=4)
    inverted = material.bits("np_inversion", shape=(maps, parts))
    colors = material.permutations("channel_shuffle", shape=(maps, parts, 3))
    inside = material.permutations("sb_scrambling_order", shape=(maps, parts))
    target = material.permutations("mb_scrambling_order", shape=(grid.blocks,))
    across = math.isqrt(parts)
    places = np.arange(grid.lanes).reshape(across, side, across, side, 3).swapaxes(1, 2).reshape(parts, side, side, 3)
    moved = np.empty((maps, parts, side, side, 3), np.int64)
    for block, part in np.ndindex(maps, parts):
        turned = np.rot90(places[part], int(turns[block, part]))
        mirror = mirrors[block, part]
        turned = turned[:: -1 if mirror & 2 else 1, :: -1 if mirror & 1 else 1]
        moved[block, part] = turned[..., colors[block, part]]
    flips = np.broadcast_to(inverted[..., None, None, None] * np.uint8(255), moved.shape)
    index = inside[..., None, None, None]
    laid = [np.take_along_axis(values, index, axis=1) for values in (moved, flips)]
    source, flip = (
        values.reshape(maps, across, across, side, side, 3).swapaxes(2, 3).reshape(maps, grid.lanes) for values in laid
    )
    order = np.argsort(target)
    return LanePlan(
        source=source,
        flip=flip,
        block_size=grid.block,
        block_order=order,
        choice=order if maps > 1 else None,
        grid=material.where,
    )
