"""Tanaka's layers have the published sizes, and blocks are read alone and alike."""

import pytest
import torch

from pixelveil.errors import UsageError
from pixelveil.models.adaptation.settings import AdaptationSettings
from pixelveil.models.adaptation.tanaka import TanakaAdaptation

SETTINGS = AdaptationSettings(image_size=32)


def test_sizes():
    network = TanakaAdaptation(SETTINGS)
    shapes = [tuple(weight.shape) for weight in network.parameters() if weight.dim() == 4]
    assert shapes == [(48, 3, 4, 4), (48, 48, 1, 1), (512, 48, 1, 1)]
    assert sum(weight.numel() for weight in network.parameters()) == 29_990
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 32, 32, 32)


def test_it_commutes_with_whole_blocks():
    network, batch = TanakaAdaptation(SETTINGS).eval(), torch.rand(2, 3, 32, 32)
    moved = network(batch.roll((4, 8), dims=(2, 3)))
    assert torch.allclose(moved, network(batch).roll((4, 8), dims=(2, 3)), atol=1e-5)


def test_broken_blocks():
    with pytest.raises(UsageError, match="do not consist of blocks"):
        TanakaAdaptation(AdaptationSettings(image_size=30))
