"""Any adaptation goes in front of any backbone."""

import pytest
import torch
from safetensors.torch import save_file

from pixelveil.errors import UsageError
from pixelveil.models.adaptation import ADAPTATIONS, AdaptedNetwork
from pixelveil.models.adaptation.invariant import InvariantAdaptation
from pixelveil.models.backbones.catalogue import create_backbone
from pixelveil.models.backbones.network import create_network
from pixelveil.schemes import create_scheme

SMALL = {"vit-cifar": {"embed_dim": 16, "depth": 1, "num_heads": 2}, "convmixer-cifar": {"dim": 8, "depth": 1}}


@pytest.mark.parametrize("backbone", ["resnet20", "resnet18-cifar", "vit-cifar", "convmixer-cifar"])
@pytest.mark.parametrize("adaptation", ADAPTATIONS)
def test_all_pairs(backbone, adaptation):
    network = create_network(
        backbone, classes=3, image_size=16, adaptation=adaptation, options=SMALL.get(backbone), seed=1
    )
    assert network.eval()(torch.rand(1, 3, 16, 16)).shape == (1, 3)
    assert isinstance(network, AdaptedNetwork) == (adaptation != "none")


def test_auto_follows_the_scheme_and_the_backbone():
    skk, etc = create_scheme("skk"), create_scheme("etc-color", block_size=4)
    chosen = create_network("resnet20", classes=3, image_size=16, adaptation="auto", scheme=skk)
    assert isinstance(chosen.adaptation, InvariantAdaptation)
    assert not isinstance(
        create_network("vit-cifar", classes=3, image_size=16, adaptation="auto", scheme=etc), AdaptedNetwork
    )
    assert not isinstance(create_network("resnet20", classes=3, image_size=16, adaptation="auto"), AdaptedNetwork)


def test_gray_planes_are_read_by_any_backbone():
    scheme = create_scheme("etc-gray", block_size=4)
    for adaptation in ("none", "auto"):
        network = create_network(
            "resnet20", classes=3, image_size=16, adaptation=adaptation, scheme=scheme, mean=(0.5,), std=(0.5,)
        )
        assert network.eval()(torch.rand(2, 1, 16, 48)).shape == (2, 3)


def test_weights_from_a_file_go_into_the_backbone(tmp_path):
    trained = create_backbone("resnet20", num_classes=3, image_size=16, seed=9)
    save_file(trained.state_dict(), tmp_path / "w.safetensors")
    network = create_network(
        "resnet20", classes=3, image_size=16, adaptation="pixel", weights=tmp_path / "w.safetensors"
    )
    assert torch.equal(network.backbone.linear.weight, trained.linear.weight)
    with pytest.raises(UsageError, match="not from both"):
        create_network("resnet18", classes=3, image_size=32, weights=tmp_path / "w.safetensors", pretrained=True)


def test_the_seed_decides_the_adaptation_too():
    weights = [
        create_network("resnet20", classes=3, image_size=16, adaptation="ele", seed=seed).adaptation.permutation
        for seed in (1, 1, 2)
    ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
