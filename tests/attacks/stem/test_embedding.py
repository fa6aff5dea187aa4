import numpy as np
import pytest
import torch

from pixelveil.attacks.stem.embedding import patch_rows, read_embedding
from pixelveil.attacks.stem.evidence import base_tensors
from pixelveil.models import encrypt_model_with_plan, extract_stem
from pixelveil.models.layout import Gather
from pixelveil.models.outputs import normalize
from pixelveil.plans import AffinePlan

BY_FORM = {
    "shared": ("vit-permutation", {}),
    "signed": ("vit-permutation", {"per_block": True}),
    "orthogonal": ("vit-orthogonal", {}),
    "etc": ("etc-color", {}),
}


@pytest.fixture(scope="module", params=[{}, {"pre_norm": True}], ids=["with bias", "without bias"])
def model(request, make_vit):
    return make_vit(**request.param)


def layer_tokens(model, images, sight):
    """What the plain model's own patch embedding answers, and the mean row where it has no bias."""
    weight = model.patch_embed.proj.weight
    with torch.no_grad():
        tokens = model.patch_embed(normalize(images, like=weight, **sight)).double().numpy()
    return tokens if model.patch_embed.proj.bias is not None else tokens + patch_mean(model)


def patch_mean(model):
    return model.pos_embed.detach().double().numpy()[0, -64:].mean(axis=0)


def test_plain_tokens_are_those_of_the_layer(model, victims, sight, hold):
    evidence, _, _ = hold(model, victims)
    layout = evidence.layout.in_form("shared")
    found = read_embedding(base_tensors(model, image_size=32), layout=layout, **sight).tokens(victims)
    np.testing.assert_allclose(found, layer_tokens(model, victims, sight), atol=1e-4)


@pytest.mark.parametrize("form", BY_FORM)
def test_encrypted_tokens_are_the_plain_ones_in_another_order(model, victims, sight, hold, form):
    name, parameters = BY_FORM[form]
    evidence, _, key = hold(model, victims, scheme=name, parameters=parameters)
    order = evidence.scheme.plan(key=key, shape=(32, 32, 3)).block_order.reshape(-1)
    found = evidence.embedding.tokens(evidence.ciphertexts)
    np.testing.assert_allclose(found, layer_tokens(model, victims, sight)[:, order], atol=1e-3)
    assert (evidence.embedding.turns is not None) == (form in ("signed", "etc"))


def test_a_kernel_for_each_position(make_vit, victims, sight):
    generator, model = np.random.default_rng(0), make_vit()
    matrices = np.linalg.qr(generator.normal(size=(64, 48, 48)))[0]
    plan = AffinePlan(matrix=matrices, offset=generator.uniform(0, 9, (64, 48)), block_order=generator.permutation(64))
    stem = extract_stem(encrypt_model_with_plan(model, plan=plan, image_size=32, **sight))
    embedding = read_embedding(stem.tensors, layout=stem.info.layout, **sight)
    assert embedding.by_position
    found = embedding.tokens(plan.apply(victims.astype(np.float64)))
    np.testing.assert_allclose(found, layer_tokens(model, victims, sight)[:, plan.block_order], atol=1e-3)


def test_rows_of_patches():
    table = torch.arange(10.0).reshape(1, 5, 2)
    assert patch_rows(table, Gather(name="t", axes=(1,), start=1), count=3).tolist() == [[2, 3], [4, 5], [6, 7]]
