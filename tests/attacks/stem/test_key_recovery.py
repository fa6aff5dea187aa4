import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from torch import nn

from pixelveil.attacks.measures import ssim
from pixelveil.attacks.stem import key_recovery
from pixelveil.attacks.stem.embedding import PatchEmbedding
from pixelveil.attacks.stem.evidence import ModelEvidence, base_tensors
from pixelveil.attacks.stem.key_recovery import StemKey, kind_of, match_columns, recover_key
from pixelveil.attacks.stem.orthogonal_keys import procrustes
from pixelveil.attacks.stem.tokens import public_prior, smooth_prior
from pixelveil.keys import Key
from pixelveil.models import encrypt_model, extract_stem
from pixelveil.plans.geometry import join_blocks, split_blocks
from pixelveil.schemes import create_scheme
from pixelveil.schemes.fitting import fit_asset

SIGNED = [("vit-permutation", {}), ("vit-permutation", {"per_block": True}), ("vit-restricted", {}), ("etc-color", {})]


@pytest.mark.parametrize(("scheme", "parameters"), SIGNED)
@pytest.mark.parametrize("width", [24, 64])
def test_permutations_and_inversions_are_recovered_exactly(make_vit, hold, victims, scheme, parameters, width):
    """Also where tokens alone would not tell all: the embedding is narrower than a block."""
    model = make_vit(width=width)
    base = base_tensors(model, image_size=32)
    if scheme == "vit-restricted":
        parameters = {"fixed_blocks": 10, "fixed_values": 10}
    evidence, _, _ = hold(model, victims, scheme=scheme, parameters=parameters, base=base)
    read = StemKey().run(evidence)
    assert np.array_equal(read.images, victims)
    assert float(read.facts["agreement"]) > 0.999999


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000))
def test_all_768_columns_at_a_drift_as_large_as_the_weights(seed):
    generator = np.random.default_rng(seed)
    base = generator.normal(size=(192, 768))
    index, sign = generator.permutation(768), generator.choice([-1, 1], 768)
    tuned = base + generator.normal(size=base.shape)
    found, signs, agreement = match_columns((tuned * 1.7)[:, index] * sign, base)
    assert found.tolist() == index.tolist()
    assert signs.tolist() == sign.tolist()
    assert 0.6 < agreement < 0.8


def test_an_orthogonal_key_is_recovered_exactly(make_vit, hold, victims):
    model = make_vit()
    evidence, _, key = hold(model, victims, scheme="vit-orthogonal", base=base_tensors(model, image_size=32))
    embedding = evidence.embedding
    base = evidence.embedding_of(evidence.base, layout=evidence.layout)
    found = recover_key(embedding, base, kind="orthogonal", prior=smooth_prior(side=4, channels=3))
    matrix = evidence.scheme.plan(key=key, shape=(32, 32, 3)).matrix
    np.testing.assert_allclose(found.plan.matrix, matrix.T, atol=1e-5)
    assert np.abs(StemKey().run(evidence).images.astype(int) - victims).max() <= 1


def drifted_key(victims, *, drift, width=384, filters="smooth", seed=0):
    """Patch embeddings before and after a drift under an orthogonal key, and images under that key; blocks of 8x8."""
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(width, 192))
    if filters == "smooth":
        rows = rows @ np.linalg.cholesky(smooth_prior(side=8, channels=3).covariance).T
    tuned = rows + drift * rows.std() * generator.normal(size=rows.shape)
    turn = np.linalg.qr(generator.normal(size=(192, 192)))[0]
    blocks = split_blocks(victims, block=(8, 8)) @ turn.T
    made = [PatchEmbedding(kernel=one, bias=np.zeros(width), side=8, channels=3) for one in (tuned @ turn.T, rows)]
    return *made, join_blocks(blocks, shape=(32, 32, 3), block=(8, 8))


@pytest.mark.parametrize(("drift", "least"), [(0.0, 0.9999), (0.01, 0.99), (0.05, 0.98), (0.1, 0.96), (0.3, 0.9)])
def test_orthogonal_keys_under_drift(victims, public, drift, least):
    encrypted, base, ciphertexts = drifted_key(victims, drift=drift)
    prior = public_prior(public, side=8)
    found = recover_key(encrypted, base, kind="orthogonal", prior=prior, ciphertexts=ciphertexts)
    similarity = ssim(found.decrypt(ciphertexts), victims).mean()
    assert similarity > least
    left, right = procrustes(encrypted.kernel, base.kernel)
    bare = split_blocks(ciphertexts, block=(8, 8)) @ left @ right.T
    unshrunk = np.clip(np.rint(join_blocks(bare, shape=(32, 32, 3), block=(8, 8))), 0, 255).astype(np.uint8)
    assert similarity >= ssim(unshrunk, victims).mean() - 1e-6


def test_any_matrix_by_least_squares():
    generator = np.random.default_rng(0)
    base = PatchEmbedding(kernel=generator.normal(size=(20, 12)), bias=generator.normal(size=20), side=2, channels=3)
    matrix, offset = generator.normal(size=(12, 12)), generator.normal(size=12)
    back = base.kernel @ np.linalg.inv(matrix)
    encrypted = PatchEmbedding(kernel=back, bias=base.bias - back @ offset, side=2, channels=3)
    found = recover_key(encrypted, base, kind="affine", prior=smooth_prior(side=2, channels=3)).plan
    np.testing.assert_allclose(found.matrix, np.linalg.inv(matrix), atol=1e-8)
    np.testing.assert_allclose(found.offset, -np.linalg.inv(matrix) @ offset, atol=1e-8)


@pytest.mark.parametrize("scheme", ["vit-permutation", "vit-orthogonal"])
def test_another_base_gives_no_key_and_noise_no_picture(make_vit, hold, victims, noise, public, scheme):
    model = make_vit()
    bases = [base_tensors(make_vit(seed=seed), image_size=32) for seed in (1, 0)]
    wrong, _, _ = hold(model, victims, scheme=scheme, base=bases[0], public=public)
    empty, _, _ = hold(model, victims, scheme=scheme, ciphertexts=noise, base=bases[1], public=public)
    assert ssim(StemKey().run(empty).images, victims).mean() < 0.06
    # Second moments of ciphertexts, which correct a drifted base, tell a little of an orthogonal key by themselves.
    assert ssim(StemKey().run(wrong).images, victims).mean() < 0.15
    assert float(StemKey().run(wrong).facts["agreement"]) < 0.6


def test_what_a_scheme_does_inside_blocks_is_public():
    assert kind_of(create_scheme("vit-orthogonal")) == "orthogonal"
    assert kind_of(create_scheme("etc-color")) == "signed"
    scheme = create_scheme("vit-orthogonal", block_size=4)
    images = np.random.default_rng(0).integers(0, 256, (80, 32, 32, 3), dtype=np.uint8)
    assert kind_of(scheme.bind(fit_asset(scheme, images=images))) == "affine"


@pytest.fixture(scope="module")
def fine_tuned(make_vit):
    """A public model, and what it became when it was trained on digits in colors of their own."""
    data = load_digits()
    images = np.repeat(np.repeat(data.images[:1000] * 15, 4, axis=1), 4, axis=2)
    images = np.rint(images[..., None] * np.random.default_rng(0).uniform(0.4, 1, (1000, 1, 1, 3))).astype(np.uint8)
    public, tuned = make_vit(), copy.deepcopy(make_vit()).train()
    pixels, labels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1, torch.from_numpy(data.target)
    stepper = torch.optim.AdamW(tuned.parameters(), lr=1e-3)
    for batch in torch.randperm(1000, generator=torch.Generator().manual_seed(0)).split(100):
        stepper.zero_grad()
        nn.functional.cross_entropy(tuned(pixels[batch]), labels[batch]).backward()
        stepper.step()
    moved = tuned.patch_embed.proj.weight - public.patch_embed.proj.weight
    assert moved.norm() > 0.03 * public.patch_embed.proj.weight.norm(), "nothing was learned, so nothing is shown"
    return public, tuned.eval()


@pytest.mark.parametrize("scheme", ["vit-permutation", "vit-orthogonal"])
def test_a_base_that_was_really_fine_tuned_still_gives_the_key(fine_tuned, victims, public, scheme):
    """A public model is trained on private images, then encrypted: the attacker has the public one."""
    start, tuned = fine_tuned
    made, key, half = create_scheme(scheme, block_size=4), Key.generate(), (0.5,) * 3
    encrypted = encrypt_model(tuned, scheme=made, key=key, image_size=32, mean=half, std=half)
    evidence = ModelEvidence(
        scheme=made,
        stem=extract_stem(encrypted),
        ciphertexts=made.encrypt(victims, key=key).images,
        victims=len(victims),
        base=base_tensors(start, image_size=32),
        public=public,
    )
    read = StemKey().run(evidence).images
    if scheme == "vit-permutation":
        assert np.array_equal(read, victims)
    assert ssim(read, victims).mean() > 0.9


def test_a_whitened_key_is_read_as_any_affine_one(make_vit, victims, sight, monkeypatch):
    model, key = make_vit(), Key.generate()
    scheme = create_scheme("vit-orthogonal", block_size=4)
    images = np.random.default_rng(0).integers(0, 256, (200, 32, 32, 3), dtype=np.uint8)
    scheme = scheme.bind(fit_asset(scheme, images=images))
    stem = extract_stem(encrypt_model(model, scheme=scheme, key=key, image_size=32, **sight))
    evidence = ModelEvidence(
        scheme=scheme,
        stem=stem,
        ciphertexts=scheme.encrypt(victims, key=key).images,
        victims=len(victims),
        base=base_tensors(model, image_size=32),
    )
    assert ssim(StemKey().run(evidence).images, victims).mean() > 0.99
    monkeypatch.setattr(key_recovery, "kind_of", lambda scheme: "orthogonal")
    assert ssim(StemKey().run(evidence).images, victims).mean() < 0.9
