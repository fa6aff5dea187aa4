import pytest
from safetensors.torch import save_file

from pixelveil.cli.model_files import encrypted_spec, plain_model, plain_spec, scheme_of, tensors_in
from pixelveil.errors import IntegrityError, UsageError
from pixelveil.schemes import create_scheme
from pixelveil.training.models import ModelSpec, save_checkpoint

SPEC = ModelSpec(
    architecture="vit_tiny_patch16_224",
    num_classes=3,
    image_size=32,
    architecture_options={"patch_size": 8, "embed_dim": 24, "depth": 1, "num_heads": 2},
)
NOTHING = {"arch": None, "num_classes": None, "image_size": None, "mean": None, "std": None}


@pytest.fixture
def checkpoint(tmp_path):
    save_checkpoint(tmp_path / "plain.safetensors", SPEC.build(), spec=SPEC)
    return tmp_path / "plain.safetensors"


def facts(scheme):
    return {"scheme": scheme.name, "parameters": scheme.parameters, "digest": scheme.digest}


def test_a_checkpoint_describes_itself_and_options_come_first(checkpoint):
    assert plain_spec(checkpoint, **NOTHING) == SPEC
    assert plain_spec(checkpoint, **{**NOTHING, "mean": "0,0.5,1"}).mean == (0.0, 0.5, 1.0)
    with pytest.raises(UsageError, match="'0,x' is not numbers"):
        plain_spec(checkpoint, **{**NOTHING, "std": "0,x"})


def test_a_file_without_description_names_what_is_missing(tmp_path):
    import torch

    save_file({"a": torch.zeros(1)}, tmp_path / "bare.safetensors")
    with pytest.raises(UsageError, match="does not say its architecture"):
        plain_spec(tmp_path / "bare.safetensors", **NOTHING)
    with pytest.raises(UsageError, match="does not name its architecture"):
        encrypted_spec({"checkpoint": {}}, path=tmp_path / "bare.safetensors")


def test_weights_of_another_architecture_are_refused(checkpoint):
    model = plain_model(checkpoint, SPEC)
    assert not model.training
    assert model.state_dict().keys() == tensors_in(checkpoint).keys()
    other = ModelSpec(architecture="vit_tiny_patch16_224", num_classes=4, image_size=32)
    with pytest.raises(IntegrityError, match="do not fit vit_tiny_patch16_224 with 4 classes"):
        plain_model(checkpoint, other)


def test_the_scheme_is_the_one_that_is_named_or_none():
    scheme = create_scheme("etc-color", block_size=8)
    assert scheme_of(facts(scheme)) == scheme
    with pytest.raises(IntegrityError, match="by a plan, not by a scheme"):
        scheme_of(facts(scheme) | {"scheme": ""})
    with pytest.raises(IntegrityError, match="is another one in this version"):
        scheme_of(facts(scheme) | {"digest": "0"})
