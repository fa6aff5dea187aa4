"""timm's networks for any number of channels, and clear words where a hub has nothing."""

import pytest
import timm
import torch

from pixelveil.errors import UsageError
from pixelveil.models.backbones.timm_networks import timm_network, timm_normalization


def test_channels_and_size():
    network = timm_network("resnet10t", num_classes=3, image_size=32, in_channels=16)
    assert network(torch.zeros(2, 16, 32, 32)).shape == (2, 3)


def test_normalization():
    assert timm_normalization("vit_tiny_patch16_224") == ((0.5,) * 3, (0.5,) * 3)
    assert timm_normalization("no_such_model") is None


@pytest.mark.parametrize("error", [OSError("no route"), RuntimeError("no pretrained weights"), ValueError("offline")])
def test_a_hub_that_cannot_be_reached(monkeypatch, error):
    def fail(*given, **named):
        assert named["pretrained"] is True
        raise error

    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(UsageError, match="no weights for resnet18 could be fetched") as caught:
        timm_network("resnet18", num_classes=3, image_size=32, pretrained=True)
    assert "local safetensors file" in caught.value.hint


def test_options_that_load_are_refused():
    with pytest.raises(UsageError, match="pretrained"):
        timm_network("resnet18", num_classes=3, image_size=32, options={"pretrained": True})
