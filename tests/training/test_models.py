"""Models by name, and checkpoints that describe themselves."""

import json

import pytest
import torch
from safetensors import safe_open

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.training.models import ModelSpec, create_model, find_checkpoint, load_checkpoint, save_checkpoint

SPEC = ModelSpec(
    architecture="vit_tiny_patch16_224",
    num_classes=3,
    image_size=32,
    classes=("a", "b", "c"),
    mean=(0.1, 0.2, 0.3),
    std=(0.4, 0.5, 0.6),
    architecture_options={"patch_size": 8, "embed_dim": 16, "depth": 1, "num_heads": 2},
)


def test_a_checkpoint_brings_everything_back(tmp_path):
    model = SPEC.build(seed=3).eval()
    save_checkpoint(tmp_path / "m.safetensors", model, spec=SPEC)
    loaded, spec = load_checkpoint(tmp_path / "m.safetensors")
    assert spec == SPEC
    batch = torch.rand(2, 3, 32, 32)
    assert torch.equal(model(batch), loaded(batch))


def test_the_metadata_is_json_under_agreed_names(tmp_path):
    save_checkpoint(tmp_path / "m.safetensors", SPEC.build(), spec=SPEC)
    with safe_open(tmp_path / "m.safetensors", framework="pt") as file:
        metadata = file.metadata()
    assert metadata["architecture"] == "vit_tiny_patch16_224"
    assert json.loads(metadata["num_classes"]) == 3
    assert json.loads(metadata["image_size"]) == 32
    assert json.loads(metadata["mean"]) == [0.1, 0.2, 0.3]
    assert json.loads(metadata["std"]) == [0.4, 0.5, 0.6]
    assert json.loads(metadata["classes"]) == ["a", "b", "c"]
    assert json.loads(metadata["architecture_options"]) == dict(SPEC.architecture_options)


def test_the_seed_decides_the_weights_and_nothing_else_moves():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    first, second, other = SPEC.build(seed=1), SPEC.build(seed=1), SPEC.build(seed=2)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(first.head.weight, second.head.weight)
    assert not torch.equal(first.head.weight, other.head.weight)


def test_an_unknown_name_gets_near_ones():
    with pytest.raises(UsageError, match="unknown model") as caught:
        create_model("vit_tini_patch16_224", num_classes=2, image_size=32)
    assert "vit_tiny_patch16_224" in caught.value.hint


def test_arguments_that_do_not_fit():
    with pytest.raises(UsageError, match="cannot be built"):
        create_model("vit_tiny_patch16_224", num_classes=2, image_size=32, architecture_options={"wheels": 4})


def test_convolutional_networks_take_any_size():
    model = create_model("resnet10t", num_classes=2, image_size=48)
    assert model.eval()(torch.zeros(1, 3, 48, 48)).shape == (1, 2)


@pytest.mark.parametrize("cut", [0, 5, 500])
def test_a_damaged_checkpoint(tmp_path, cut):
    path = tmp_path / "m.safetensors"
    save_checkpoint(path, SPEC.build(), spec=SPEC)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(IntegrityError):
        load_checkpoint(path)


def test_a_file_without_description(tmp_path):
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, tmp_path / "m.safetensors")
    with pytest.raises(IntegrityError, match="description"):
        load_checkpoint(tmp_path / "m.safetensors")


def test_weights_of_another_model(tmp_path):
    other = ModelSpec(**{**vars(SPEC), "architecture_options": {**SPEC.architecture_options, "depth": 2}})
    save_checkpoint(tmp_path / "m.safetensors", SPEC.build(), spec=other)
    with pytest.raises(IntegrityError, match="do not fit"):
        load_checkpoint(tmp_path / "m.safetensors")


def test_finding_a_checkpoint(tmp_path):
    with pytest.raises(UsageError, match="no checkpoint"):
        find_checkpoint(tmp_path)
    (tmp_path / "best.safetensors").touch()
    assert find_checkpoint(tmp_path) == find_checkpoint(tmp_path / "best.safetensors")


@pytest.mark.parametrize("option", ["checkpoint_path", "pretrained", "pretrained_cfg", "cache_dir", "features_only"])
def test_the_header_of_a_checkpoint_cannot_have_other_files_read(option):
    with pytest.raises(UsageError, match=option):
        create_model(
            "vit_tiny_patch16_224", num_classes=2, image_size=32, architecture_options={option: "/etc/hostname"}
        )
