"""Wide residual networks have the published sizes."""

import pytest
import torch

from pixelveil.errors import UsageError
from pixelveil.models.backbones.wide_resnet import WideResNet

# Zagoruyko and Komodakis, table 4: 2.2 M, 8.9 M and 36.5 M; WRN-40-10 has 55.8 M.
PARAMETERS = {(40, 2): 2_243_546, (40, 4): 8_949_210, (28, 10): 36_479_194, (40, 10): 55_841_754}


@pytest.mark.parametrize(("size", "count"), PARAMETERS.items())
def test_sizes(size, count):
    depth, widen = size
    with torch.device("meta"):
        network = WideResNet(depth=depth, widen=widen, num_classes=10)
    assert sum(weight.numel() for weight in network.parameters()) == count


def test_it_reads_features_and_takes_a_new_last_layer():
    network = WideResNet(depth=10, widen=1, num_classes=10, in_channels=16, dropout=0.3)
    network.reset_classifier(3)
    assert network(torch.zeros(2, 16, 16, 16)).shape == (2, 3)
    network.eval()
    batch = torch.rand(2, 16, 16, 16)
    assert torch.equal(network(batch), network(batch))


@pytest.mark.parametrize("size", [{"depth": 20}, {"depth": 4}, {"widen": 0}])
def test_sizes_that_are_none(size):
    with pytest.raises(UsageError, match="6n"):
        WideResNet(num_classes=10, **size)
