import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from pixelveil.attacks.stem.embedding import read_embedding
from pixelveil.attacks.stem.linking import link, to_first_position, translation
from pixelveil.errors import UsageError
from pixelveil.models import encrypt_model_with_plan, extract_stem
from pixelveil.plans import AffinePlan


@pytest.mark.parametrize("scheme", ["vit-permutation", "vit-orthogonal"])
@pytest.mark.parametrize("width", [32, 64])
def test_two_keys_of_one_base_are_linked_and_two_bases_are_not(make_vit, hold, victims, scheme, width):
    stems = [hold(make_vit(seed=seed, width=width), victims, scheme=scheme)[0].stem for seed in (0, 0, 1)]
    assert link(stems[0], stems[1]).same_base
    assert not link(stems[0], stems[2]).same_base


def test_a_fine_tuned_sibling_is_linked(make_vit, hold, victims):
    model = make_vit()
    sibling = copy.deepcopy(model)
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in sibling.parameters():
            parameter.add_(torch.randn_like(parameter) * parameter.std().nan_to_num() * 0.3)
    ours, theirs = (hold(one, victims, scheme="vit-orthogonal")[0].stem for one in (model, sibling))
    assert link(ours, theirs).same_base


@pytest.mark.parametrize("scheme", ["vit-permutation", "vit-orthogonal"])
def test_ciphertexts_are_translated_without_key_or_base(make_vit, hold, victims, scheme):
    """A_1 A_2^-1 and both block orders, exactly: the embedding is wider than a block."""
    model = make_vit()
    (first, _, _), (second, _, _) = (hold(model, victims, scheme=scheme) for _ in range(2))
    plan = translation(source=second.stem, target=first.stem)
    found = plan.apply(second.ciphertexts.astype(np.float64))
    np.testing.assert_allclose(found, first.ciphertexts.astype(np.float64), atol=0.01)


def test_a_narrow_embedding_is_given_what_it_reads(make_vit, hold, victims):
    model = make_vit(width=24)
    (first, _, _), (second, _, _) = (hold(model, victims, scheme="vit-orthogonal") for _ in range(2))
    found = translation(source=second.stem, target=first.stem).apply(second.ciphertexts.astype(np.float64))
    wanted, given = (first.embedding.tokens(one) for one in (first.ciphertexts, found))
    np.testing.assert_allclose(given, wanted, atol=1e-3)


def test_stems_of_two_bases_translate_to_nothing(make_vit, hold, victims):
    (first, _, _), (second, _, _) = (hold(make_vit(seed=seed), victims) for seed in (0, 1))
    found = translation(source=second.stem, target=first.stem).apply(second.ciphertexts.astype(np.float64))
    assert abs(np.corrcoef(found.ravel(), first.ciphertexts.ravel())[0, 1]) < 0.2


def test_keys_by_position_are_one_key(make_vit, victims, sight):
    generator = np.random.default_rng(0)
    matrices = np.linalg.qr(generator.normal(size=(64, 48, 48)))[0]
    plan = AffinePlan(matrix=matrices, offset=generator.uniform(0, 9, (64, 48)))
    stem = extract_stem(encrypt_model_with_plan(make_vit(), plan=plan, image_size=32, **sight))
    embedding = read_embedding(stem.tensors, layout=stem.info.layout, **sight)
    found = to_first_position(embedding).apply(plan.apply(victims.astype(np.float64)))
    one = AffinePlan(matrix=matrices[0], offset=plan.offset[0]).apply(victims.astype(np.float64))
    np.testing.assert_allclose(found, one, atol=0.01)
    shared = replace(embedding, kernel=embedding.kernel[0], bias=embedding.bias[0])
    with pytest.raises(UsageError, match="one kernel"):
        to_first_position(shared)


def test_keys_by_position_are_not_translated(make_vit, hold, victims):
    stem = hold(make_vit(), victims, parameters={"per_block": True})[0].stem
    with pytest.raises(UsageError, match="each position"):
        translation(source=stem, target=stem)
