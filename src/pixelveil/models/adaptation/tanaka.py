"""Tanaka's block-wise sub-network with pixel shuffle."""

from __future__ import annotations

from torch import Tensor, nn

from pixelveil.models.adaptation.settings import AdaptationSettings

__all__ = ["TanakaAdaptation"]

_OUT = 32


class TanakaAdaptation(nn.Module):
    """One sub-network for all blocks, then a sub-pixel convolution back to full resolution.

    With blocks of B pixels and images of H x W:

    1. Batch normalization; convolution B x B with stride B, to ``3 B^2`` channels; ReLU.
    2. Batch normalization; convolution 1x1, ``3 B^2`` channels; ReLU.
    3. Batch normalization; convolution 1x1, ``32 B^2`` channels, linear.
    4. Pixel shuffle by B: 32 x H x W.

    For B = 4 these are 48, 48 and 512 channels. Weights begin as He-normal. Source: Tanaka, "Learnable image
    encryption", ICCE-TW (2018), arXiv 1804.00490, section II-C; sizes as in the author's program.

    Args:
        settings: Of the images: block size and image size.
    """

    out_channels = _OUT

    def __init__(self, settings: AdaptationSettings) -> None:
        super().__init__()
        block = settings.block_size
        _ = settings.blocks  # refuses images of broken blocks
        entries = 3 * block**2
        self.layers = nn.Sequential(
            nn.BatchNorm2d(3),
            nn.Conv2d(3, entries, block, stride=block),
            nn.ReLU(inplace=True),
            nn.BatchNorm2d(entries),
            nn.Conv2d(entries, entries, 1),
            nn.ReLU(inplace=True),
            nn.BatchNorm2d(entries),
            nn.Conv2d(entries, _OUT * block**2, 1),
            nn.PixelShuffle(block),
        )
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.get_parameter("bias"))

    def forward(self, batch: Tensor) -> Tensor:
        """Return features (n, 32, H, W) of normalized images (n, 3, H, W)."""
        features: Tensor = self.layers(batch)
        return features
