"""Models by name, and checkpoints that describe themselves."""

import json

import pytest
import torch
from safetensors import safe_open

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.keys import Key
from pixelveil.models import encrypt_model
from pixelveil.schemes import create_scheme
from pixelveil.training.models import (
    ModelSpec,
    create_model,
    find_checkpoint,
    load_checkpoint,
    save_checkpoint,
    with_classes,
)

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


def test_an_encrypted_model_stays_one(tmp_path):
    scheme, key = create_scheme("etc-color", block_size=8), Key.generate()
    model = encrypt_model(SPEC.build(), scheme=scheme, key=key, image_size=32, mean=SPEC.mean, std=SPEC.std)
    save_checkpoint(tmp_path / "m.safetensors", model, spec=SPEC)
    loaded, spec = load_checkpoint(tmp_path / "m.safetensors")
    assert spec == SPEC
    assert loaded.pixelveil == model.pixelveil
    batch = torch.rand(2, 3, 32, 32)
    assert torch.equal(model.eval()(batch), loaded(batch))


def test_the_models_own_classes_keep_the_last_layer_and_others_get_a_new_one():
    model = SPEC.build()
    head, body = model.head.weight.clone(), model.blocks[0].attn.qkv.weight.clone()
    same, spec = with_classes(model, spec=SPEC, classes=("a", "b", "c"))
    assert spec == SPEC
    assert torch.equal(same.head.weight, head)
    for classes in (("a", "b"), ("b", "a", "c")):
        changed, spec = with_classes(SPEC.build(), spec=SPEC, classes=classes, seed=1)
        assert (spec.classes, spec.num_classes) == (classes, len(classes))
        assert changed.head.weight.shape == (len(classes), 16)
        assert not torch.equal(changed.head.weight[:2], head[:2])
        assert torch.equal(changed.blocks[0].attn.qkv.weight, body)
        again, _ = with_classes(SPEC.build(), spec=SPEC, classes=classes, seed=1)
        assert torch.equal(again.head.weight, changed.head.weight)
    with pytest.raises(UsageError, match="no last layer"):
        with_classes(torch.nn.Linear(2, 2), spec=SPEC, classes=("x", "y"))


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


ADAPTED = ModelSpec(
    architecture="resnet20",
    num_classes=3,
    image_size=16,
    classes=("a", "b", "c"),
    mean=(0.5,),
    std=(0.25,),
    adaptation="ele",
    adaptation_options={"block_size": 8, "planes": "side by side"},
)


def test_a_checkpoint_brings_the_adaptation_back(tmp_path):
    model = ADAPTED.build(seed=3).eval()
    save_checkpoint(tmp_path / "m.safetensors", model, spec=ADAPTED)
    loaded, spec = load_checkpoint(tmp_path / "m.safetensors")
    assert spec == ADAPTED
    batch = torch.rand(2, 1, 16, 48)
    assert torch.equal(model(batch), loaded(batch))
    changed, spec = with_classes(loaded, spec=ADAPTED, classes=("x", "y"))
    assert spec.adaptation == "ele"
    assert changed(batch).shape == (2, 2)


def test_models_without_adaptation_are_described_as_before():
    assert "adaptation" not in SPEC.to_metadata()
    assert "adaptation" in ADAPTED.to_metadata()


@pytest.mark.parametrize("options", [{"block_size": "8"}, {"wheels": 4}, {"block_size": True}])
def test_options_of_an_adaptation_are_checked(options):
    spec = ModelSpec(**{**vars(ADAPTED), "adaptation_options": options})
    with pytest.raises(UsageError, match="no option of an adaptation"):
        spec.build()
