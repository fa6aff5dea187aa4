"""Small random movements of plain training images: one affine resampling a batch.

Encrypted images cannot be moved: whatever happens to pixels must happen before encryption (VIT recipes agree on
this), so training on encrypted data uses none of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Augmentation", "augment"]


@dataclass(frozen=True)
class Augmentation:
    """How far images may move.

    Args:
        flip: Mirror left and right with probability one half.
        shift: Largest shift, as a share of the side.
        rotation: Largest turn, in degrees.
        zoom: Largest change of scale, as a share.
    """

    flip: bool = False
    shift: float = 0.0
    rotation: float = 0.0
    zoom: float = 0.0

    def __bool__(self) -> bool:
        """Tell whether anything moves at all."""
        return self.flip or max(self.shift, self.rotation, self.zoom) > 0


def augment(batch: Tensor, *, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """Move every image of a batch a little, each its own way; what comes in from outside repeats the border.

    Args:
        batch: Shape (n, C, H, W), float.
        settings: How far.
        generator: Source of the draws, on the CPU, so that every device sees the same.

    Returns:
        Shape (n, C, H, W).

    >>> still = Augmentation()
    >>> bool(still), augment(torch.ones(1, 3, 4, 4), settings=still, generator=torch.Generator()).shape[0]
    (False, 1)
    """
    if not settings:
        return batch
    count = len(batch)
    draws = 2 * torch.rand(5, count, generator=generator) - 1
    angle = draws[0] * math.radians(settings.rotation)
    scale = 1 + draws[1] * settings.zoom
    mirror = torch.sign(draws[2]) if settings.flip else torch.ones(count)
    theta = torch.empty(count, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = mirror * torch.cos(angle) * scale, -torch.sin(angle) * scale
    theta[:, 1, 0], theta[:, 1, 1] = mirror * torch.sin(angle) * scale, torch.cos(angle) * scale
    theta[:, :, 2] = 2 * settings.shift * draws[3:].T
    grid = functional.affine_grid(theta.to(batch), list(batch.shape), align_corners=False)
    return functional.grid_sample(batch, grid, padding_mode="border", align_corners=False)
