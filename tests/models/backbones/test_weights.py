"""Weights go in whole, or not at all."""

import pytest
import torch
from safetensors.torch import save_file

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.models.backbones.catalogue import create_backbone
from pixelveil.models.backbones.weights import load_weights


def network(*, classes=10, channels=3, depth=20, seed=0):
    return create_backbone(f"resnet{depth}", num_classes=classes, image_size=32, in_channels=channels, seed=seed).eval()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "resnet20.safetensors"
    save_file(network(seed=7).state_dict(), path)
    return path


def test_all_weights_come_back(file):
    other = network(seed=1)
    assert load_weights(other, file) == ()
    batch = torch.rand(2, 3, 32, 32)
    assert torch.equal(other(batch), network(seed=7)(batch))


def test_counters_of_batches_may_be_missing(tmp_path):
    """As they are in the public files."""
    state = {name: tensor for name, tensor in network(seed=7).state_dict().items() if "num_batches" not in name}
    save_file(state, tmp_path / "public.safetensors")
    other = network(seed=1)
    assert load_weights(other, tmp_path / "public.safetensors") == ()
    assert torch.equal(other.linear.weight, state["linear.weight"])


def test_other_classes_and_channels_keep_fresh_ends(file):
    other = network(classes=3, channels=16)
    assert set(load_weights(other, file)) == {"conv1.weight", "linear.weight", "linear.bias"}
    assert torch.equal(other.layer1[0].conv1.weight, network(seed=7).layer1[0].conv1.weight)
    assert torch.equal(other.linear.weight, network(classes=3, channels=16).linear.weight)


def test_weights_of_something_else(file, tmp_path):
    with pytest.raises(IntegrityError, match=r"lacks layer1\.3"):
        load_weights(network(depth=32), file)
    deeper = tmp_path / "resnet32.safetensors"
    save_file(network(depth=32).state_dict(), deeper)
    with pytest.raises(IntegrityError, match="besides"):
        load_weights(network(), deeper)
    state = network().state_dict()
    save_file({**state, "bn1.weight": torch.zeros(17)}, deeper)
    with pytest.raises(IntegrityError, match=r"bn1\.weight has shape \(17,\)"):
        load_weights(network(), deeper)


def test_files_that_cannot_be_read(file):
    with pytest.raises(UsageError, match="cannot be read"):
        load_weights(network(), file.with_name("none"))
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(IntegrityError, match="not a whole"):
        load_weights(network(), file)
