"""LE-AdaptNet has the published sizes, and blocks are read alone and alike."""

import pytest
import torch

from pixelveil.errors import UsageError
from pixelveil.models.adaptation.le_adapt import LeAdaptation
from pixelveil.models.adaptation.settings import AdaptationSettings

SETTINGS = AdaptationSettings(image_size=32)


def test_sizes():
    network = LeAdaptation(SETTINGS)
    assert [tuple(weight.shape) for weight in network.parameters()] == [(256, 3, 4, 4), (256,), (256,)]
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 16, 32, 32)


def test_it_commutes_with_whole_blocks():
    network, batch = LeAdaptation(SETTINGS).eval(), torch.rand(2, 3, 32, 32)
    moved = network(batch.roll((4, 8), dims=(2, 3)))
    assert torch.allclose(moved, network(batch).roll((4, 8), dims=(2, 3)), atol=1e-5)


def test_broken_blocks():
    with pytest.raises(UsageError, match="do not consist of blocks"):
        LeAdaptation(AdaptationSettings(image_size=30))
