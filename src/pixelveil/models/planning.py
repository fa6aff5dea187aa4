"""From a scheme and a key, or a plan, to what a model absorbs; refuses plans that no model of the layout can follow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from pixelveil.errors import UnsupportedModelError, UsageError
from pixelveil.keys import Epoch, Key
from pixelveil.models.absorb import Undo, lift
from pixelveil.models.layout import Layout
from pixelveil.plans import AffinePlan, Plan
from pixelveil.schemes import Scheme

__all__ = ["affine_of", "check_statistics", "epoch_of", "shared_plan", "size_of", "undo_of"]

UNSCRAMBLED = "use a scheme without block scrambling: -p scramble_blocks=false"


def size_of(image_size: int | Sequence[int]) -> tuple[int, int]:
    """Return height and width of an image size given as one side or as both.

    Raises:
        UsageError: The size is not one or two positive numbers.

    >>> size_of(224)
    (224, 224)
    """
    sides = (image_size, image_size) if isinstance(image_size, int) else tuple(int(side) for side in image_size)
    if len(sides) != 2 or min(sides) < 1:
        raise UsageError(f"image_size must be one side or (height, width) in pixels, not {image_size}")
    return sides[0], sides[1]


def check_statistics(mean: Sequence[float], std: Sequence[float], *, channels: int) -> None:
    """Check the mean and deviation that a model's pre-processing uses.

    Raises:
        UsageError: There is not one of each for each color component, or a deviation is not positive.
    """
    if len(mean) != channels or len(std) != channels or min(std) <= 0:
        raise UsageError(
            f"mean and std must hold {channels} numbers each, all of std positive",
            hint="give those with which the model was trained, on pixels in [0, 1]",
        )


def epoch_of(key: Key | Epoch) -> Epoch:
    """Return the epoch that a key encrypts with, or the epoch itself."""
    return key if isinstance(key, Epoch) else key.active


def shared_plan(scheme: Scheme, *, key: Key | Epoch, size: tuple[int, int], channels: int, client: str) -> AffinePlan:
    """Return the one plan that a scheme has for all images of a size.

    Raises:
        UnsupportedModelError: Every image has a plan of its own, images change their size, or the plan is not affine.
    """
    if scheme.key_policy != "shared":
        raise UnsupportedModelError(
            f"{scheme.name} has a plan for each image (key policy {scheme.key_policy!r}); a model absorbs one",
            hint="use the key policy 'shared' for model encryption",
        )
    shape = (*size, channels)
    if scheme.encrypted_shape(shape) != shape:
        raise UnsupportedModelError(
            "{} turns images of {}x{}x{} into images of another shape".format(scheme.name, *shape),
            hint="choose a block size that divides the image",
        )
    return affine_of(scheme.plan(key=key, shape=shape, client=client))


def affine_of(plan: Plan) -> AffinePlan:
    """Return a plan as ``y = A x + c`` on each block.

    Raises:
        UnsupportedModelError: It is not affine inside square blocks.
    """
    try:
        return plan.to_affine()
    except UsageError as error:
        raise UnsupportedModelError(
            f"no patch embedding can absorb this plan: {error.message}",
            hint="use a scheme whose steps stay inside square blocks of whole bytes; see: pixelveil schemes",
        ) from error


def undo_of(plan: AffinePlan, *, layout: Layout) -> Undo:
    """Return the inverse of a plan inside the patches of a model, and the order of its patches.

    Args:
        plan: The plan, for all images of the layout's size.
        layout: The model.

    Returns:
        What `absorb` takes.

    Raises:
        UnsupportedModelError: The plan is for another image, has a map per block or per image, its blocks do not fit
            the patches, or it moves blocks and the model cannot follow.
    """
    embedding = layout.embedding
    side, patch = plan.block_size, embedding.patch_size
    if plan.channels != embedding.channels:
        raise UnsupportedModelError(f"the plan is for {plan.channels} channels, the model for {embedding.channels}")
    if plan.count > 1:
        raise UnsupportedModelError("the plan differs from image to image; a model absorbs one")
    if plan.per_block:
        raise UnsupportedModelError(_cost_per_position(plan, layout), hint="use one map for all blocks")
    order = None if plan.block_order is None else plan.block_order.reshape(-1)
    if order is not None and np.array_equal(order, np.arange(len(order))):
        order = None
    if patch % side:
        raise UnsupportedModelError(
            f"blocks of {side}x{side} do not fit patches of {patch}x{patch}: a block would reach into several patches",
            hint=f"use block_size={patch}",
        )
    if order is not None:
        _check_order(order, side=side, layout=layout)
    inverse = plan.invert()
    matrix = torch.tensor(inverse.matrix.reshape(plan.lanes, plan.lanes))
    offset = torch.tensor(inverse.offset.reshape(-1))
    if side != patch:
        matrix, offset = lift(matrix, offset, factor=patch // side, side=side, channels=plan.channels)
    return Undo(matrix=matrix, offset=offset, order=None if order is None else torch.tensor(order, dtype=torch.int64))


def _check_order(order: np.ndarray[tuple[int, ...], np.dtype[np.int32]], *, side: int, layout: Layout) -> None:
    """Raise if a model cannot follow a block order."""
    patch = layout.embedding.patch_size
    if side != patch:
        raise UnsupportedModelError(
            f"blocks of {side}x{side} are moved between patches of {patch}x{patch}",
            hint=f"use block_size={patch}, or {UNSCRAMBLED.removeprefix('use ')}",
        )
    if layout.fixed:
        raise UnsupportedModelError(f"test 2 fails, no block order can be absorbed: {layout.fixed}", hint=UNSCRAMBLED)
    if len(order) != layout.patches:
        height, width = layout.image_size
        raise UnsupportedModelError(
            f"the plan moves {len(order)} blocks; images of {height}x{width} have {layout.patches} patches",
            hint="make the plan for the model's image size",
        )


def _cost_per_position(plan: AffinePlan, layout: Layout) -> str:
    """Return why maps per block are refused, with their price."""
    megabytes = layout.patches * plan.lanes * 4 / 2**20
    return (
        f"the plan has a map of its own for each block; the model would need one kernel per position, {layout.patches} "
        f"instead of 1 ({megabytes:.1f} MB of float32 for each dimension of the embedding)"
    )
