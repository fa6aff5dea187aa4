"""EtC as the published CIFAR program does it: turn, invert, mirror, recolor each block, then scramble the blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pixelveil.plans import LanePlan
from pixelveil.schemes.legacy.arrays import LegacyArrays
from pixelveil.schemes.legacy.colors import ETC_CODES, ETC_DUPLICATES, color_table

__all__ = ["etc_plan"]


def etc_plan(material: LegacyArrays) -> LanePlan:
    """Return the plan of the published program; each block's codes belong to it before the scrambling.

    Its codes: "rotate" 0, 1, 2 turn by 90, 180, 270 degrees counterclockwise, 3 not at all; "reverse" 0 mirrors top and
    bottom, 1 left and right, 2 not at all (a block is never mirrored both ways); "negaposi" 0 inverts, 1 does not;
    "channel" 0..5 recolors; output block i is input block ``shuffle[i]``. Source: Madono et al., AAAI-WS (2020),
    published code.

    Args:
        material: The five arrays, (N,) each.
    """
    blocks, side = material.grid.blocks, material.block
    table = color_table(material, meant=ETC_CODES, done=ETC_DUPLICATES)
    limits = {"rotate": 4, "reverse": 3, "negaposi": 2, "channel": 6}
    codes = np.stack([material.codes(name, shape=(blocks,), below=limits[name]) for name in limits], axis=1)
    order = material.permutations("shuffle", shape=(blocks,))
    kinds, kind_of_block = np.unique(codes, axis=0, return_inverse=True)
    places = np.arange(material.grid.lanes).reshape(side, side, 3)
    flips = np.where(kinds[:, 2] == 0, 255, 0).astype(np.uint8)
    return LanePlan(
        source=np.stack(
            [_turned(places, rotate, reverse)[..., table[color]].reshape(-1) for rotate, reverse, _, color in kinds]
        ),
        flip=np.repeat(flips[:, None], places.size, axis=1),
        block_size=side,
        block_order=order,
        choice=kind_of_block.reshape(-1)[order],
        grid=material.where,
    )


def _turned(places: NDArray[np.int64], rotate: int, reverse: int) -> NDArray[np.int64]:
    """Return where each place of a turned and mirrored block takes its pixel from."""
    turned = np.rot90(places, (rotate + 1) % 4)
    return turned if reverse == 2 else np.flip(turned, axis=reverse)
