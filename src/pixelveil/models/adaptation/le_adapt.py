"""LE-AdaptNet: the block-wise sub-network as Madono et al. have it."""

from __future__ import annotations

from torch import Tensor, nn

from pixelveil.models.adaptation.settings import AdaptationSettings

__all__ = ["LeAdaptation"]

_OUT = 16


class LeAdaptation(nn.Module):
    """One linear map for all blocks, to ``16 B^2`` numbers, and pixel shuffle back to full resolution.

    Convolution B x B with stride B, ``3 -> 16 B^2`` (256 for B = 4), without bias; batch normalization; leaky ReLU of
    slope 0.1; pixel shuffle by B: 16 x H x W, which the classifier's first convolution reads. Batch statistics are
    over all blocks here; the author's program takes them block by block. Source: Madono, Tanaka, Onishi and Ogawa,
    "Block-wise scrambled image recognition using adaptation network", AAAI-WS (2020), arXiv 2001.07761, section 3.

    Args:
        settings: Of the images: block size and image size.
    """

    out_channels = _OUT

    def __init__(self, settings: AdaptationSettings) -> None:
        super().__init__()
        block = settings.block_size
        _ = settings.blocks  # refuses images of broken blocks
        self.layers = nn.Sequential(
            nn.Conv2d(3, _OUT * block**2, block, stride=block, bias=False),
            nn.BatchNorm2d(_OUT * block**2),
            nn.LeakyReLU(0.1, inplace=True),
            nn.PixelShuffle(block),
        )

    def forward(self, batch: Tensor) -> Tensor:
        """Return features (n, 16, H, W) of normalized images (n, 3, H, W)."""
        features: Tensor = self.layers(batch)
        return features
