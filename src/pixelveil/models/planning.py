"""From a scheme and a key, or a plan, to what a model absorbs; refuses plans that no model of the layout can follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pixelveil.errors import UnsupportedModelError, UsageError
from pixelveil.keys import Epoch, Key
from pixelveil.models.absorb import Undo, invert, lift
from pixelveil.models.layout import Layout
from pixelveil.plans import AffinePlan, LanePlan, Plan
from pixelveil.plans.geometry import split_blocks
from pixelveil.plans.signed import SignedPermutations, signed_from_affine, signed_from_lanes
from pixelveil.schemes import Scheme

__all__ = ["check_statistics", "encrypted_by", "epoch_of", "shared_plan", "size_of", "undo_of"]


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


def shared_plan(scheme: Scheme, *, key: Key | Epoch, size: tuple[int, int], channels: int, client: str) -> Plan:
    """Return the one plan that a scheme has for all images of a size.

    Raises:
        UnsupportedModelError: Every image has a plan of its own, or images change their shape.
    """
    if scheme.key_policy == "none":
        raise UnsupportedModelError(f"{scheme.name} has no key that a model could absorb")
    if scheme.key_policy != "shared":
        raise UnsupportedModelError(
            f"{scheme.name} has a plan for each image (key policy {scheme.key_policy!r}); a model absorbs one",
            hint="use the key policy 'shared' for model encryption",
        )
    shape = (*size, channels)
    after = scheme.encrypted_shape(shape)
    if after != shape:
        raise UnsupportedModelError(
            "{} turns images of {}x{}x{} into images of another shape, {}x{}x{}".format(scheme.name, *shape, *after),
            hint="choose a scheme that keeps the shape, and a block size that divides the image",
        )
    return scheme.plan(key=key, shape=shape, client=client)


def encrypted_by(plan: Plan, images: NDArray[np.uint8]) -> NDArray[np.generic]:
    """Return images under a plan as exactly as the plan can: bytes, or float64."""
    encrypted: NDArray[np.generic] = plan.apply(images if isinstance(plan, LanePlan) else images.astype(np.float64))
    return encrypted


def undo_of(plan: Plan, *, layout: Layout) -> Undo:
    """Return the inverse of a plan inside the patches of a model, and the order of its patches.

    Args:
        plan: One plan for all images of the layout's size.
        layout: The model. Where it is in a form for keys by position, so is the result, whatever the plan.

    Returns:
        What `absorb` takes.

    Raises:
        UnsupportedModelError: The plan is for another image or for many, is not affine inside patches, or moves
            patches and the model cannot follow; or a matrix is singular.
    """
    if plan.count > 1:
        raise UnsupportedModelError("the plan differs from image to image; a model absorbs one")
    shape = (*layout.image_size, layout.embedding.channels)
    try:
        if isinstance(plan, LanePlan):
            undo = _undo_signed(signed_from_lanes(plan, shape=shape), layout=layout)
        else:
            affine = plan.to_affine()
            signed = signed_from_affine(affine)
            undo = _undo_affine(affine, layout=layout) if signed is None else _undo_signed(signed, layout=layout)
    except UsageError as error:
        raise UnsupportedModelError(
            f"no patch embedding can absorb this plan: {error.message}",
            hint=error.hint
            or "use a scheme whose steps stay inside square blocks of whole bytes; see: pixelveil schemes",
        ) from error
    if undo.order is not None and layout.fixed:
        raise UnsupportedModelError(
            f"test 2 fails, no block order can be absorbed: {layout.fixed}",
            hint="leave blocks in place (-p scramble_blocks=false, where the scheme has it), or choose another scheme",
        )
    return undo


def _undo_signed(maps: SignedPermutations, *, layout: Layout) -> Undo:
    """Return the inverse of signed permutations: dense only for the first patch."""
    shape = (*layout.image_size, layout.embedding.channels)
    maps = maps.in_patches(shape=shape, side=layout.embedding.patch_size)

    def undo(patch: int) -> tuple[Tensor, Tensor]:
        matrix, offset = (torch.from_numpy(part[0]) for part in maps.row(patch).dense())
        return matrix.T, -matrix.T @ offset

    matrix, offset = undo(0)
    return Undo(
        matrix=matrix,
        offset=offset,
        order=_tensor(maps.block_order),
        turns=None if layout.form == "dense" or (layout.form == "shared" and maps.shared) else maps.to_first(),
        each=undo if layout.form == "dense" else None,
    )


def _undo_affine(plan: AffinePlan, *, layout: Layout) -> Undo:
    """Return the inverse of any affine plan; where only offsets differ from patch to patch, one matrix is enough."""
    embedding = layout.embedding
    shape, side, small = (*layout.image_size, embedding.channels), embedding.patch_size, plan.block_size
    # What the plan does besides its matrices: it moves blocks, and adds offsets.
    offsets = plan.offset.reshape(-1, plan.lanes)
    rest = SignedPermutations(
        index=np.arange(plan.lanes)[None].repeat(len(offsets), 0),
        sign=np.ones_like(offsets, np.int8),
        offset=offsets,
        block=(small, small),
        block_order=None if plan.block_order is None else plan.block_order.reshape(-1).astype(np.int64),
    )
    if side % small:
        raise rest.misfit(side=side)
    rest = rest.in_patches(shape=shape, side=side)
    matrices = torch.from_numpy(plan.matrix.reshape(-1, plan.lanes, plan.lanes))
    height, width = layout.image_size
    numbers = np.arange(height // small * (width // small)).reshape(1, height // small, width // small, 1)
    factor = side // small
    cells = split_blocks(numbers, block=(factor, factor))[0]
    if len(matrices) not in (1, numbers.size):
        raise UsageError(f"the plan has maps for {len(matrices)} blocks; the image has {numbers.size}")

    def undo(patch: int) -> tuple[Tensor, Tensor]:
        chosen = matrices if len(matrices) == 1 else matrices[cells[patch]]
        matrix = lift(chosen, factor=factor, side=small, channels=embedding.channels)
        moved = torch.empty_like(matrix)
        moved[:, torch.from_numpy(rest.index[patch])] = matrix
        return invert(moved, torch.from_numpy(rest.offset[patch]))

    matrix, offset = undo(0)
    alike = len(matrices) == 1 and bool((rest.index == rest.index[:1]).all()) and layout.form != "dense"
    return Undo(
        matrix=matrix,
        offset=offset,
        order=_tensor(rest.block_order),
        turns=None if not alike or (rest.shared and layout.form == "shared") else _shifts(rest),
        each=None if alike else undo,
    )


def _shifts(maps: SignedPermutations) -> SignedPermutations:
    """Return what turns patches into that of the first one's offset where nothing but offsets differs."""
    identity = np.broadcast_to(np.arange(maps.index.shape[1]), maps.index.shape).copy()
    return replace(maps, index=identity, sign=np.ones_like(maps.sign), offset=maps.offset[:1] - maps.offset)


def _tensor(order: NDArray[np.int64] | None) -> Tensor | None:
    return None if order is None else torch.tensor(order, dtype=torch.int64)
