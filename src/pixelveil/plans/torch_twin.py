"""Plans on PyTorch tensors of any device: the same bytes as the compiled kernels, by indexing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import MissingExtraError, UsageError
from pixelveil.plans.affine import AffinePlan
from pixelveil.plans.lane import LanePlan
from pixelveil.plans.lane_apply import plan_grid

if TYPE_CHECKING:
    import torch

__all__ = ["apply_to_tensor"]


def apply_to_tensor(plan: LanePlan | AffinePlan, images: torch.Tensor) -> torch.Tensor:
    """Apply a plan to a batch of tensors, on the tensors' own device.

    Args:
        plan: A lane plan (integer images) or an affine plan (any images).
        images: (N, C, H, W), grey levels 0..255: uint8 for lane plans, uint8 or float for affine ones.

    Returns:
        (N, C, H, W) on the same device: uint8 for lane plans; float64 for float64 images and float32 otherwise for
        affine ones.

    Raises:
        UsageError: Wrong shape or dtype, or a plan for other images.
        MissingExtraError: PyTorch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("encrypting tensors", extra="models") from error
    if images.ndim != 4:
        raise UsageError(f"tensors must be (N, C, H, W), not {tuple(images.shape)}")
    if plan.count not in (1, len(images)):
        raise UsageError(f"the plan is for {plan.count} images, not {len(images)}")
    if isinstance(plan, AffinePlan):
        return _apply_affine(plan, images)
    if images.dtype != torch.uint8:
        raise UsageError(f"integer plans need uint8 tensors, not {images.dtype}")
    return _apply_lanes(plan, images)


def _apply_lanes(plan: LanePlan, images: torch.Tensor) -> torch.Tensor:
    import torch

    count, channels, height, width = images.shape
    grid = plan_grid(plan, (height, width, channels))
    blocks = _split(images, grid.block)
    if plan.block_order is not None:
        order = _on(plan.block_order, images)
        blocks = torch.take_along_dim(blocks, order[:, :, None], dim=1)
    if plan.lane == "nibble":
        blocks = torch.cat([blocks & 15, blocks >> 4], dim=-1)
    source, flip = _on(plan.source, images), _on(plan.flip, images, kind=torch.uint8)
    if plan.choice is not None:
        choice = _on(plan.choice, images)[:, :, None]
        source, flip = torch.take_along_dim(source, choice, dim=1), torch.take_along_dim(flip, choice, dim=1)
    moved = torch.take_along_dim(blocks, source, dim=2) ^ flip
    if plan.lane == "nibble":
        moved = moved[..., : grid.lanes] | (moved[..., grid.lanes :] << 4)
    return _join(moved, (count, channels, height, width), grid.block)


def _apply_affine(plan: AffinePlan, images: torch.Tensor) -> torch.Tensor:
    import torch

    count, channels, height, width = images.shape
    if channels != plan.channels:
        raise UsageError(f"the plan is for {plan.channels} channels, the image has {channels}")
    block = (plan.block_size, plan.block_size)
    kind = torch.float64 if images.dtype == torch.float64 else torch.float32
    if height % block[0] or width % block[1]:
        raise UsageError(f"blocks of {block[0]}x{block[1]} do not divide an image of {height}x{width}")
    blocks = _split(images.to(kind), block)
    plan._check_blocks(blocks.shape[1])
    if plan.block_order is not None:
        order = _on(np.atleast_2d(plan.block_order), images)
        blocks = torch.take_along_dim(blocks, order[:, :, None], dim=1)
    matrix = _on(plan.matrix, images, kind=kind)
    offset = _on(plan.offset, images, kind=kind)
    mapped = blocks @ matrix.T if matrix.ndim == 2 else torch.einsum("...ij,...j->...i", matrix, blocks)
    return _join(mapped + offset, (count, channels, height, width), block)


def _on(array: NDArray[Any], images: torch.Tensor, *, kind: torch.dtype | None = None) -> torch.Tensor:
    """Return an array on the images' device, as int64 indices unless another type is named; the array is copied."""
    import torch

    return torch.tensor(array, dtype=kind or torch.int64, device=images.device)


def _split(images: torch.Tensor, block: tuple[int, int]) -> torch.Tensor:
    """Return (N, blocks, L), values of a block in (row, column, channel) order."""
    count, channels, height, width = images.shape
    rows, columns = height // block[0], width // block[1]
    parts = images.reshape(count, channels, rows, block[0], columns, block[1])
    return parts.permute(0, 2, 4, 3, 5, 1).reshape(count, rows * columns, block[0] * block[1] * channels)


def _join(blocks: torch.Tensor, shape: tuple[int, int, int, int], block: tuple[int, int]) -> torch.Tensor:
    """Undo `_split`."""
    count, channels, height, width = shape
    rows, columns = height // block[0], width // block[1]
    parts = blocks.reshape(count, rows, columns, block[0], block[1], channels)
    return parts.permute(0, 5, 1, 3, 2, 4).reshape(shape).contiguous()
