"""The residual networks for CIFAR: published sizes, and shortcuts without weights."""

import pytest
import torch
from torch.nn import functional

from pixelveil.errors import UsageError
from pixelveil.models.backbones.cifar_resnet import CifarResNet

# He et al. 2016, table 6, in millions; exact counts as the public weight files have them.
PARAMETERS = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018}


@pytest.mark.parametrize(("depth", "count"), PARAMETERS.items())
def test_sizes(depth, count):
    network = CifarResNet(depth=depth, num_classes=10)
    assert sum(weight.numel() for weight in network.parameters()) == count
    layers = [module for module in network.modules() if isinstance(module, torch.nn.Conv2d | torch.nn.Linear)]
    assert len(layers) == depth


def test_a_shortcut_takes_every_second_pixel_and_pads_channels():
    block = CifarResNet(depth=8, num_classes=2).eval().layer2[0]
    torch.nn.init.zeros_(block.bn2.weight)
    batch = torch.rand(2, 16, 8, 8)
    expected = functional.pad(batch[:, :, ::2, ::2], (0, 0, 0, 0, 8, 8))
    assert torch.equal(block(batch), expected)


def test_a_new_last_layer():
    network = CifarResNet(depth=8, num_classes=10, in_channels=16)
    network.reset_classifier(3)
    assert network(torch.zeros(2, 16, 32, 32)).shape == (2, 3)


@pytest.mark.parametrize("depth", [2, 18, 21])
def test_depths_that_are_none(depth):
    with pytest.raises(UsageError, match="6n"):
        CifarResNet(depth=depth, num_classes=10)
