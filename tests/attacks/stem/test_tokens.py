from itertools import pairwise

import numpy as np
import pytest
import torch

from pixelveil.attacks.measures import ssim
from pixelveil.attacks.stem.embedding import PatchEmbedding
from pixelveil.attacks.stem.evidence import base_tensors
from pixelveil.attacks.stem.tokens import (
    Errors,
    PlainTokens,
    decode_tokens,
    decoder,
    public_prior,
    read_ciphertexts,
    smooth_prior,
)
from pixelveil.plans.geometry import split_blocks

SCHEMES = [
    ("vit-permutation", {}),
    ("vit-permutation", {"per_block": True}),
    ("vit-orthogonal", {}),
    ("vit-orthogonal", {"scramble_blocks": False}),
    ("vit-compressible", {"sub_block_size": 2}),
    ("etc-color", {}),
]


@pytest.mark.parametrize(("scheme", "parameters"), SCHEMES)
@pytest.mark.parametrize("options", [{}, {"pre_norm": True}], ids=["vit", "clip"])
def test_every_scheme_is_read_exactly_with_the_base(make_vit, hold, victims, scheme, parameters, options):
    """No public images, no key: the embedding is as wide as a block has values."""
    model = make_vit(**options)
    base = base_tensors(model, image_size=32)
    evidence, _, _ = hold(model, victims, scheme=scheme, parameters=parameters, base=base)
    read = PlainTokens().run(evidence)
    assert np.abs(read.images.astype(int) - victims).max() <= 1
    assert read.facts["position_agreement"] > 0.999


def test_a_narrow_embedding_is_read_nearly(make_vit, hold, victims, public):
    model = make_vit(width=24)
    evidence, _, _ = hold(model, victims, base=base_tensors(model, image_size=32), public=public)
    assert ssim(PlainTokens().run(evidence).images, victims).mean() > 0.9


def test_the_more_values_a_token_has_the_better(victims, public):
    generator, similarity = np.random.default_rng(0), []
    prior = public_prior(public, side=8)
    blocks = split_blocks(victims, block=(8, 8)).astype(np.float64)
    for width in (24, 48, 96, 192):
        embedding = PatchEmbedding(
            kernel=generator.normal(size=(width, 192)), bias=generator.normal(size=width), side=8, channels=3
        )
        read = decode_tokens(embedding.tokens(victims), embedding=embedding, prior=prior)
        similarity.append(float(np.square(read - blocks).mean()))
    assert all(later < 0.7 * earlier for earlier, later in pairwise(similarity))
    assert similarity[-1] < 1e-12


def test_a_drifted_base_is_read_better_when_drift_is_expected(make_vit, hold, victims, public):
    tuned = make_vit()
    base = {name: tensor.clone() for name, tensor in base_tensors(tuned, image_size=32).items()}
    torch.manual_seed(5)
    weight = base["patch_embed.proj.weight"]
    weight.add_(torch.randn_like(weight) * weight.std() * 0.1)
    evidence, _, _ = hold(tuned, victims, scheme="vit-orthogonal", base=base, public=public)
    naive, expected = (ssim(PlainTokens(drift=drift).run(evidence).images, victims).mean() for drift in (0.0, 0.1))
    assert expected > naive + 0.05
    assert expected > 0.85


def test_another_base_reads_nothing(make_vit, hold, victims, public):
    other = base_tensors(make_vit(seed=1), image_size=32)
    evidence, _, _ = hold(make_vit(), victims, base=other, public=public)
    read = PlainTokens().run(evidence)
    assert ssim(read.images, victims).mean() < 0.05
    assert float(read.facts["position_agreement"]) < 0.5


def test_noise_is_not_read(make_vit, hold, victims, noise, public):
    model = make_vit()
    base = base_tensors(model, image_size=32)
    evidence, _, _ = hold(model, victims, ciphertexts=noise, base=base, public=public)
    assert ssim(PlainTokens().run(evidence).images, victims).mean() < 0.05


def test_flat_images_and_gray_ones(make_vit, hold):
    model = make_vit()
    flat = np.full((1, 32, 32, 3), 77, np.uint8)
    evidence, _, _ = hold(model, flat, base=base_tensors(model, image_size=32))
    assert (np.abs(read_ciphertexts(evidence.ciphertexts, evidence=evidence).astype(int) - 77) <= 1).all()
    gray = np.random.default_rng(0).integers(256, size=(2, 8, 8, 1), dtype=np.uint8)
    embedding = PatchEmbedding(
        kernel=np.random.default_rng(1).normal(size=(16, 16)), bias=np.zeros(16), side=4, channels=1
    )
    read = decode_tokens(embedding.tokens(gray), embedding=embedding, prior=smooth_prior(side=4, channels=1))
    np.testing.assert_allclose(read, split_blocks(gray, block=(4, 4)), atol=1e-6)


def test_the_decoder_inverts_or_estimates():
    generator = np.random.default_rng(0)
    prior = smooth_prior(side=2, channels=3)
    wide = generator.normal(size=(20, 12))
    np.testing.assert_allclose(decoder(wide, prior=prior) @ wide, np.eye(12), atol=1e-9)
    narrow = generator.normal(size=(5, 12))
    expected = prior.covariance @ narrow.T @ np.linalg.inv(narrow @ prior.covariance @ narrow.T)
    np.testing.assert_allclose(decoder(narrow, prior=prior), expected, atol=1e-9)
    tiny = Errors(own=1e-9 * np.eye(5), common=np.zeros((5, 5)))
    np.testing.assert_allclose(decoder(narrow, prior=prior, errors=tiny), expected, atol=1e-6)
