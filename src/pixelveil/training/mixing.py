"""Mixup and cutmix: training images made of two, with labels to match."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

__all__ = ["mix_pairs"]


def mix_pairs(
    batch: Tensor, *, mixup: float, cutmix: float, random: np.random.Generator
) -> tuple[Tensor, Tensor | None, float]:
    """Make a batch of images of two each: weighted sums (mixup) or a box of one in the other (cutmix).

    With ``share`` from Beta(alpha, alpha), mixup gives ``share x + (1 - share) x'``; cutmix replaces a box of the part
    ``1 - share`` of x, at a random place, by that of x'. Where both are on, a coin decides for each batch. Sources:
    Zhang et al., ICLR (2018), arXiv 1710.09412; Yun et al., ICCV (2019), arXiv 1905.04899.

    Args:
        batch: Shape (n, C, H, W), float.
        mixup: Its alpha; 0: none.
        cutmix: Its alpha; 0: none.
        random: Source of the draws.

    Returns:
        The batch; which image was the second of each, shape (n,), or nothing where no two were mixed; the share of the
        first.

    >>> mix_pairs(torch.ones(2, 3, 4, 4), mixup=0, cutmix=0, random=np.random.default_rng(0))[1:]
    (None, 1.0)
    """
    if not mixup and not cutmix:
        return batch, None, 1.0
    cut = cutmix > 0 and (mixup <= 0 or random.random() < 0.5)
    alpha = cutmix if cut else mixup
    share = float(random.beta(alpha, alpha))
    partner = torch.from_numpy(random.permutation(len(batch))).to(batch.device)
    if not cut:
        return torch.lerp(batch[partner], batch, share), partner, share
    height, width = batch.shape[2:]
    top, bottom = _interval(height, share=share, random=random)
    left, right = _interval(width, share=share, random=random)
    mixed = batch.clone()
    mixed[:, :, top:bottom, left:right] = batch[partner, :, top:bottom, left:right]
    return mixed, partner, 1 - (bottom - top) * (right - left) / (height * width)


def _interval(side: int, *, share: float, random: np.random.Generator) -> tuple[int, int]:
    """Return the ends of a box along one side, its middle anywhere, cut off at the border."""
    length = side * math.sqrt(1 - share)
    middle = random.integers(side)
    return max(0, round(middle - length / 2)), min(side, round(middle + length / 2))
