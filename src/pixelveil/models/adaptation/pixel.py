"""The 1x1 adaptation network for pixel-based schemes."""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from pixelveil.models.adaptation.settings import AdaptationSettings

__all__ = ["PixelAdaptation", "pixelwise_layers"]

_HIDDEN = 64
_OUT = 16


class PixelAdaptation(nn.Module):
    """Convolutions with kernel 1x1 and stride 1 before the classifier: every pixel is read alone, all alike.

    Because weights are shared, it commutes with flips and shifts, so that encrypted images may be augmented. The paper
    does not give depth and widths; here they are ``3 -> 64 -> 64 -> 16``, each with batch normalization and ReLU.
    Source: Sirichotedumrong, Maekawa, Kinoshita and Kiya, ICIP (2019), arXiv 1905.01827, section 3 (network).

    Args:
        settings: Of the images; the layers do not depend on them.
    """

    out_channels = _OUT

    def __init__(self, settings: AdaptationSettings) -> None:
        super().__init__()
        self.layers = pixelwise_layers(3)

    def forward(self, batch: Tensor) -> Tensor:
        """Return features (n, 16, H, W) of normalized images (n, 3, H, W)."""
        features: Tensor = self.layers(batch)
        return features


def pixelwise_layers(channels: int, *, hidden: int = _HIDDEN, out: int = _OUT) -> nn.Sequential:
    """Return three 1x1 convolutions, each with batch normalization and ReLU.

    >>> sum(weight.numel() for weight in pixelwise_layers(3).parameters())
    5600
    """
    widths = (channels, hidden, hidden, out)
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
