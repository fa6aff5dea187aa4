"""Our front end for block schemes with a key per image: what no order and inversion inside a block can hide."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from pixelveil.models.adaptation.folding import GreyLevels, folded_bytes, folded_nibbles
from pixelveil.models.adaptation.settings import AdaptationSettings

__all__ = ["BlockInvariantAdaptation", "BlockInvariantFeatures"]

_OUT = 16


class BlockInvariantFeatures(nn.Module):
    """Of each block the sorted folded entries, ``|v - 127.5|`` of bytes or ``|n - 7.5|`` of half bytes, in (0, 1].

    A key that moves and inverts the L entries of a block one by one acts as the group of signed permutations, of which
    the sorted folded entries are a complete invariant. Schemes that move whole blocks besides move these features
    alike; schemes that move less (EtC turns blocks as a whole) leave more than these features show.

    Args:
        settings: Of the images: block size, entries, normalization.
    """

    def __init__(self, settings: AdaptationSettings) -> None:
        super().__init__()
        self.levels = GreyLevels(mean=settings.mean, std=settings.std)
        self.blocks = settings.blocks
        self.block_size = settings.block_size
        self.nibbles = settings.entries == "nibble"
        self.out_channels = 3 * self.block_size**2 * (2 if self.nibbles else 1)

    def forward(self, batch: Tensor) -> Tensor:
        """Return features (n, L, H/B, W/B), ascending along L, of normalized images (n, 3, H, W)."""
        levels = self.levels(batch)
        folded = folded_nibbles(levels) / 15 if self.nibbles else folded_bytes(levels) / 255
        entries = functional.pixel_unshuffle(folded, self.block_size)
        # Sorted along the last axis, where memory is contiguous.
        return entries.permute(0, 2, 3, 1).sort(dim=-1).values.permute(0, 3, 1, 2).contiguous()


class BlockInvariantAdaptation(nn.Module):
    """The invariant of each block, a linear map of it to ``16 B^2`` numbers, and pixel shuffle back to full size.

    Source: this project; behind the invariant stand the layers of LE-AdaptNet (`le_adapt`).

    Args:
        settings: Of the images.
    """

    out_channels = _OUT

    def __init__(self, settings: AdaptationSettings) -> None:
        super().__init__()
        self.features = BlockInvariantFeatures(settings)
        wide = _OUT * settings.block_size**2
        self.layers = nn.Sequential(
            nn.Conv2d(self.features.out_channels, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.LeakyReLU(0.1, inplace=True),
            nn.PixelShuffle(settings.block_size),
        )

    def forward(self, batch: Tensor) -> Tensor:
        """Return features (n, 16, H, W) of normalized images (n, 3, H, W)."""
        features: Tensor = self.layers(self.features(batch))
        return features
