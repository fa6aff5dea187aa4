"""Two networks as one, and planes put back as channels."""

import numpy as np
import pytest
import timm
import torch
from torch import nn

from pixelveil.errors import UsageError
from pixelveil.models.adaptation.adapted import AdaptedNetwork, PlanesToChannels, auxiliary_modules
from pixelveil.models.adaptation.ele_adapt import EleAdaptation
from pixelveil.models.adaptation.settings import AdaptationSettings
from pixelveil.schemes.layout import lay_out


def test_planes_come_back_as_channels():
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    flat = torch.from_numpy(lay_out(images, block=8, planes="side by side")).permute(0, 3, 1, 2)
    assert flat.shape == (2, 1, 8, 24)
    plain = torch.from_numpy(images).permute(0, 3, 1, 2)
    assert torch.equal(PlanesToChannels()(flat), plain)
    assert PlanesToChannels()(plain) is plain


def test_the_backbone_keeps_its_say():
    tiny = timm.create_model("vit_tiny_patch16_224", embed_dim=16, depth=1, num_heads=2, img_size=32, num_classes=4)
    network = AdaptedNetwork(nn.Identity(), tiny)
    assert network.no_weight_decay() == {f"backbone.{name}" for name in tiny.no_weight_decay()} != set()
    network.reset_classifier(7)
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 7)
    with pytest.raises(UsageError, match="last layer"):
        AdaptedNetwork(nn.Identity(), nn.Flatten()).reset_classifier(2)
    assert AdaptedNetwork(nn.Identity(), nn.Flatten()).no_weight_decay() == set()


def test_parts_that_add_to_the_loss_are_found():
    part = EleAdaptation(AdaptationSettings(image_size=8))
    assert auxiliary_modules(AdaptedNetwork(part, nn.Flatten())) == (part,)
    assert auxiliary_modules(nn.Linear(2, 2)) == ()
