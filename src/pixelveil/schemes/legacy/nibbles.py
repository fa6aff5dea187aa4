"""LE and ELE as their authors' programs do them: half bytes, a reversal mask that follows from the permutation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pixelveil.plans import LanePlan
from pixelveil.schemes.legacy.arrays import LegacyArrays

__all__ = ["ele_plan", "le_plan", "reversal"]


def reversal(permutations: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the reversal mask that the published code takes: ``r_j = 1`` where ``K_j > m / 2``.

    The bound is strict, so 47 of 96 half bytes are reversed; and the bits are no key of their own.

    Args:
        permutations: (..., m).

    Returns:
        uint8 of the same shape, 0 or 1.

    >>> int(reversal(np.arange(96)).sum())
    47
    """
    mask: NDArray[np.uint8] = (2 * permutations > permutations.shape[-1]).astype(np.uint8)
    return mask


def le_plan(material: LegacyArrays) -> LanePlan:
    """Return LE's plan: ``o_j = n_{K_j} XOR 15 (r_{K_j} XOR r_j)`` in every block.

    The published code reverses by r before and again after the shuffle, so a half byte ends up reversed where its old
    or its new place is, but not where both are. Source: Tanaka, ICCE-TW (2018), published code.

    Args:
        material: "permutation" (m,), and maybe "mask" (m,): r as a key of its own; m = 2 B B C.
    """
    keys = material.permutations("permutation", shape=(1, 2 * material.grid.lanes))
    masks = material.bits("mask", shape=keys.shape) if material.has("mask") else reversal(keys)
    return _nibble_plan(material, keys=keys, masks=masks, choice=None, block_order=None)


def ele_plan(material: LegacyArrays) -> LanePlan:
    """Return ELE's plan: LE with a key for each block, then output block i is input block P_i.

    Keys belong to blocks before the scrambling, as in the published code; the paper draws the scrambling first, which
    is the same with the keys in another order. Source: Madono et al., AAAI-WS (2020), published code.

    Args:
        material: "permutations" (N, m), "block_order" (N,), and maybe "mask" (N, m).
    """
    blocks = material.grid.blocks
    keys = material.permutations("permutations", shape=(blocks, 2 * material.grid.lanes))
    masks = material.bits("mask", shape=keys.shape) if material.has("mask") else reversal(keys)
    order = material.permutations("block_order", shape=(blocks,))
    return _nibble_plan(material, keys=keys, masks=masks, choice=order, block_order=order)


def _nibble_plan(
    material: LegacyArrays,
    *,
    keys: NDArray[np.int64],
    masks: NDArray[np.uint8],
    choice: NDArray[np.int64] | None,
    block_order: NDArray[np.int64] | None,
) -> LanePlan:
    return LanePlan(
        source=keys,
        flip=(np.take_along_axis(masks, keys, axis=1) ^ masks) * np.uint8(15),
        block_size=material.block,
        block_order=block_order,
        choice=choice,
        lane="nibble",
        grid=material.where,
    )
