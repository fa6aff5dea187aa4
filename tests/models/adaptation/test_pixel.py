"""The 1x1 network reads every pixel alone and alike."""

import torch

from pixelveil.models.adaptation.pixel import PixelAdaptation, pixelwise_layers
from pixelveil.models.adaptation.settings import AdaptationSettings


def test_it_commutes_with_any_order_of_pixels():
    network = PixelAdaptation(AdaptationSettings(image_size=8)).eval()
    batch, order = torch.rand(2, 3, 8, 8), torch.randperm(64)
    moved = network(batch.flatten(2)[:, :, order].reshape(2, 3, 8, 8))
    assert torch.allclose(moved, network(batch).flatten(2)[:, :, order].reshape(2, 16, 8, 8), atol=1e-5)


def test_widths():
    shapes = [tuple(weight.shape) for name, weight in pixelwise_layers(3).named_parameters() if weight.dim() == 4]
    assert shapes == [(64, 3, 1, 1), (64, 64, 1, 1), (16, 64, 1, 1)]
