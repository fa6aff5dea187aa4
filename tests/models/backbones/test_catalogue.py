"""Every backbone of the registry is built and answers; names, sizes and seeds count."""

import pytest
import torch

from pixelveil.errors import UsageError
from pixelveil.models.backbones.catalogue import BACKBONES, create_backbone, normalization_of, reads_patches

HEAVY = {"wide-resnet-40-10": {"depth": 10, "widen": 2}}


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_reads_features(name):
    backbone = BACKBONES[name]
    size = max(32, backbone.least)
    network = create_backbone(
        name, num_classes=3, image_size=size, in_channels=16, options=HEAVY.get(name), seed=1
    ).eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 16, size, size)).shape == (1, 3)
    assert hasattr(network, "reset_classifier")
    if backbone.least > 8:
        with pytest.raises(UsageError, match=f"at least {backbone.least}"):
            create_backbone(name, num_classes=3, image_size=backbone.least - 1)


def test_a_small_stem_keeps_the_size():
    network = create_backbone("resnet18-cifar", num_classes=10, image_size=32)
    assert network.conv1.stride == (1, 1)
    assert network.maxpool(network.conv1(torch.zeros(1, 3, 32, 32))).shape == (1, 64, 32, 32)
    assert sum(weight.numel() for weight in network.parameters()) == 11_173_962


@pytest.mark.parametrize("name", ["resnet20", "resnet18-cifar", "convmixer-cifar"])
def test_the_seed_decides_and_nothing_else_moves(name):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    states = [create_backbone(name, num_classes=3, image_size=32, seed=seed).state_dict() for seed in (1, 1, 2)]
    assert torch.equal(torch.rand(2), expected)
    assert all(torch.equal(states[0][label], states[1][label]) for label in states[0])
    assert not all(torch.equal(states[0][label], states[2][label]) for label in states[0])


def test_patches_and_normalization():
    assert [name for name in BACKBONES if reads_patches(name)] == ["convmixer-cifar", "vit-cifar"]
    assert reads_patches("convmixer_768_32")
    assert not reads_patches("efficientnet_b0")
    assert normalization_of("wide-resnet-40-10") is None
    assert normalization_of("resnet50") == normalization_of("resnet56")


def test_what_does_not_fit():
    with pytest.raises(UsageError, match="cannot be built"):
        create_backbone("resnet20", num_classes=3, image_size=32, options={"wheels": 4})
    with pytest.raises(UsageError, match="no hub"):
        create_backbone("resnet20", num_classes=3, image_size=32, pretrained=True)
    with pytest.raises(UsageError, match="unknown model"):
        create_backbone("resnet_20", num_classes=3, image_size=32)
