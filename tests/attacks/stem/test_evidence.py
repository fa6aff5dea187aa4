from dataclasses import replace

import pytest
import torch
from timm.models.mlp_mixer import MlpMixer

from pixelveil.attacks.stem.evidence import base_tensors, held
from pixelveil.errors import UsageError
from pixelveil.models import encrypt_model, extract_stem
from pixelveil.schemes import create_scheme


def test_base_tensors_have_the_names_and_shapes_of_a_stem(make_vit, hold, victims):
    model = make_vit()
    evidence, _, _ = hold(model, victims)
    base = base_tensors(model, image_size=32)
    assert {name: tensor.shape for name, tensor in base.items()} == {
        name: tensor.shape for name, tensor in evidence.stem.tensors.items()
    }
    assert torch.equal(base["pos_embed"], model.pos_embed)


def test_base_tensors_of_another_architecture(sight):
    model = MlpMixer(img_size=32, patch_size=4, embed_dim=32, num_blocks=1, num_classes=3)
    from pixelveil.keys import Key

    scheme = create_scheme("vit-permutation", block_size=4)
    stem = extract_stem(encrypt_model(model, scheme=scheme, key=Key.generate(), image_size=32, **sight))
    assert set(base_tensors(model, image_size=32)) == set(stem.tensors)


def test_evidence_that_does_not_fit_is_refused(make_vit, hold, victims):
    evidence, _, _ = hold(make_vit(), victims)
    with pytest.raises(UsageError, match="victims"):
        replace(evidence, victims=21)
    with pytest.raises(UsageError, match="the model reads"):
        replace(evidence, ciphertexts=victims[:, :16])
    with pytest.raises(UsageError, match="lacks base"):
        held(evidence.base, "base")
    assert evidence.generator.integers(1 << 30) == evidence.generator.integers(1 << 30)


def test_nothing_held_is_printed(make_vit, hold, victims):
    evidence, _, _ = hold(make_vit(), victims, public=victims)
    assert len(repr(evidence)) < 600
