"""Back from network input to grey levels, and the part of them that no inversion can change."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["GreyLevels", "folded_bytes", "folded_nibbles"]


class GreyLevels(nn.Module):
    """Undo normalization: whole grey levels ``round(255 (x std + mean))``, exact where images were 8-bit.

    Args:
        mean: Per channel, that was subtracted from images in [0, 1]; one value serves all channels.
        std: Per channel, that divided them.

    >>> GreyLevels(mean=[0.5], std=[0.25])(torch.tensor([[[[-2.0]], [[0.0]], [[2.0]]]])).flatten().tolist()
    [0.0, 128.0, 255.0]
    """

    mean: Tensor
    std: Tensor

    def __init__(self, *, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        # Constants of the checkpoint's description: they are no weights, so they stay out of the state.
        self.register_buffer("mean", torch.tensor(mean).reshape(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).reshape(1, -1, 1, 1), persistent=False)

    def forward(self, batch: Tensor) -> Tensor:
        """Return grey levels, float32 of the shape of the batch."""
        return torch.round(torch.addcmul(self.mean, batch.float(), self.std) * 255)


def folded_bytes(levels: Tensor) -> Tensor:
    """Return ``|2v - 255|``, an odd whole number: what ``v -> 255 - v`` cannot change.

    >>> folded_bytes(torch.tensor([0.0, 255.0, 127.0, 128.0])).tolist()
    [255.0, 255.0, 1.0, 1.0]
    """
    return (2 * levels - 255).abs_()


def folded_nibbles(levels: Tensor) -> Tensor:
    """Return ``|2n - 15|`` of the lower and of the upper half byte, stacked along the channels (axis 1).

    >>> folded_nibbles(torch.full((1, 1, 1, 1), 0x2F)).flatten().tolist()
    [15.0, 11.0]
    """
    upper = torch.floor(levels / 16)
    return torch.cat([levels - 16 * upper, upper], dim=1).mul_(2).sub_(15).abs_()
