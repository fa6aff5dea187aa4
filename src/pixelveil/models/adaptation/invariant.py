"""Our front end for pixel-based schemes with a key per image: what no such key can hide, computed and not learned."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pixelveil.models.adaptation.folding import GreyLevels, folded_bytes
from pixelveil.models.adaptation.pixel import PixelAdaptation, pixelwise_layers
from pixelveil.models.adaptation.settings import AdaptationSettings

__all__ = ["InvariantAdaptation", "InvariantFeatures", "sorted_channels"]


class InvariantFeatures(nn.Module):
    """Per pixel the sorted ``|v - 127.5| / 127.5`` of its components, bit for bit the same under every key.

    Inversion and shuffling of a pixel's components act as a group of 48 elements; two pixels are in one orbit iff
    their folded values are the same up to order. So the sorted folded values are a complete invariant: all that a
    classifier of images under unrelated keys can use, and what anybody can compute without a key.

    Args:
        settings: Of the images: normalization, and whether components keep their places (no shuffle).

    >>> features = InvariantFeatures(AdaptationSettings(image_size=1))
    >>> pixel = torch.tensor([10.0, 20.0, 30.0]).reshape(1, 3, 1, 1)
    >>> other = torch.tensor([20.0, 225.0, 245.0]).reshape(1, 3, 1, 1)
    >>> torch.equal(features(pixel / 127.5 - 1), features(other / 127.5 - 1))
    True
    """

    def __init__(self, settings: AdaptationSettings) -> None:
        super().__init__()
        self.levels = GreyLevels(mean=settings.mean, std=settings.std)
        self.ordered = settings.ordered

    def forward(self, batch: Tensor) -> Tensor:
        """Return features (n, C, H, W) in (0, 1], float32, of normalized images (n, C, H, W)."""
        folded = folded_bytes(self.levels(batch))
        return (folded if self.ordered else sorted_channels(folded)) / 255


class InvariantAdaptation(nn.Module):
    """The invariant of each pixel, then the layers of the 1x1 adaptation network.

    Source: this project; the argument in the class above. The network behind it is that of `PixelAdaptation`, so that
    the two compare.

    Args:
        settings: Of the images.
    """

    out_channels = PixelAdaptation.out_channels

    def __init__(self, settings: AdaptationSettings) -> None:
        super().__init__()
        self.features = InvariantFeatures(settings)
        self.layers = pixelwise_layers(3)

    def forward(self, batch: Tensor) -> Tensor:
        """Return features (n, 16, H, W) of normalized images (n, 3, H, W)."""
        features: Tensor = self.layers(self.features(batch))
        return features


def sorted_channels(values: Tensor) -> Tensor:
    """Sort each pixel's components; whole numbers stay exact.

    Args:
        values: Shape (n, C, H, W), whole numbers.

    >>> sorted_channels(torch.tensor([5.0, 1.0, 3.0]).reshape(1, 3, 1, 1)).flatten().tolist()
    [1.0, 3.0, 5.0]
    """
    if values.shape[1] != 3:
        return values.sort(dim=1).values
    # Three reductions instead of a sort along a strided axis: many times faster, and sums of whole numbers are exact.
    least, most = values.amin(dim=1, keepdim=True), values.amax(dim=1, keepdim=True)
    return torch.cat([least, values.sum(dim=1, keepdim=True) - least - most, most], dim=1)
