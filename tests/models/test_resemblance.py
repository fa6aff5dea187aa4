import copy
import warnings

import numpy as np
import pytest
import torch
from timm.models.mlp_mixer import MlpMixer, ResBlock

from pixelveil.errors import PixelveilWarning
from pixelveil.models import encrypt_model, encrypt_model_with_plan, extract_stem, warn_if_known
from pixelveil.plans import AffinePlan
from pixelveil.schemes import create_scheme

ARCHITECTURES = ["vit_tiny_patch16_224", "vit_base_patch16_clip_224", "beit_base_patch16_224", "resmlp"]


@pytest.fixture
def build(make_plain):
    def make(name, seed=0):
        if name != "resmlp":
            return make_plain(name, seed=seed)
        torch.manual_seed(seed)
        return MlpMixer(
            num_classes=5, img_size=32, patch_size=8, num_blocks=1, embed_dim=48, mlp_ratio=4, block_layer=ResBlock
        )

    return make


def drifted(model, amount):
    """Fine-tune: every weight moves by noise of a share of its own size."""
    tuned = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in tuned.parameters():
            parameter.add_(torch.randn_like(parameter) * parameter.std().nan_to_num(), alpha=amount)
    return tuned


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("amount", [0.0, 0.1, 0.5])
def test_a_stem_from_known_weights_is_warned_of(build, scheme, key, sight, name, amount):
    public = build(name)
    encrypted = encrypt_model(drifted(public, amount), scheme=scheme, key=key, image_size=32, **sight)
    with pytest.warns(PixelveilWarning, match="can compute the key"):
        found = warn_if_known(encrypted, reference=public.state_dict())
    assert found.known
    assert found.kernel is not None
    assert found.kernel > 0.999 if amount == 0 else found.kernel > 0.5


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_stem_from_other_weights_is_not(build, scheme, key, sight, name):
    encrypted = encrypt_model(build(name), scheme=scheme, key=key, image_size=32, **sight)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = warn_if_known(encrypted, reference=build(name, seed=1).state_dict())
    assert not found.known
    assert found.kernel is not None
    assert found.kernel < 0.15


def test_rows_of_one_common_kind_are_not_taken_for_known(plain, scheme, key, sight, make_plain):
    """Trained embeddings all look for the same few smooth patterns; that alone makes no two of them the same."""

    def smooth(model, seed):
        generator = torch.Generator().manual_seed(seed)
        model, basis = copy.deepcopy(model), torch.linalg.qr(torch.randn(192, 6, generator=torch.Generator()))[0]
        mix = torch.randn(48, 6, generator=generator)
        with torch.no_grad():
            model.patch_embed.proj.weight.copy_((mix @ basis.T).reshape(48, 3, 8, 8))
        return model

    encrypted = encrypt_model(smooth(plain, 1), scheme=scheme, key=key, image_size=32, **sight)
    other = {"patch_embed.proj.weight": smooth(plain, 2).state_dict()["patch_embed.proj.weight"]}
    assert not warn_if_known(encrypted, reference=other).known


def test_the_position_table_alone_gives_the_block_order_away(plain, make_plain, scheme, key, sight):
    encrypted = encrypt_model(plain, scheme=scheme, key=key, image_size=32, **sight)
    private = make_plain(seed=1).state_dict() | {"pos_embed": plain.state_dict()["pos_embed"]}
    with pytest.warns(PixelveilWarning, match="position rows found"):
        found = warn_if_known(encrypted, reference=private)
    assert found.positions == 1.0
    assert found.kernel is not None
    assert found.kernel < 0.15


def test_any_map_keeps_the_span_of_a_tall_embedding(make_plain, sight):
    plain = make_plain(embed_dim=384)
    rng = np.random.default_rng(0)
    plan = AffinePlan(matrix=rng.normal(size=(192, 192)) + 20 * np.eye(192), offset=rng.normal(size=192))
    encrypted = encrypt_model_with_plan(plain, plan=plan, image_size=32, **sight)
    with pytest.warns(PixelveilWarning, match="span"):
        assert warn_if_known(encrypted, reference=plain.state_dict()).span == pytest.approx(1.0)
    other = make_plain(seed=1, embed_dim=384).state_dict()
    assert warn_if_known(encrypted, reference=other).span == pytest.approx(0.0, abs=0.05)


def test_a_stem_and_other_prefixes_will_do(plain, scheme, key, sight):
    stem = extract_stem(encrypt_model(plain, scheme=scheme, key=key, image_size=32, **sight))
    reference = {f"model.backbone.{name}": tensor for name, tensor in plain.state_dict().items()}
    with pytest.warns(PixelveilWarning):
        assert warn_if_known(stem, reference=reference).kernel == pytest.approx(1.0, abs=1e-4)


def test_what_cannot_be_compared_is_not_judged(plain, scheme, key, sight, make_plain):
    encrypted = encrypt_model(plain, scheme=scheme, key=key, image_size=32, **sight)
    for reference in ({}, make_plain(embed_dim=96).state_dict()):
        found = warn_if_known(encrypted, reference=reference)
        assert (found.kernel, found.span, found.positions, found.known) == (None, None, None, False)


@pytest.mark.parametrize("kind", ["signed", "dense"])
def test_a_stem_of_keys_by_block_is_as_telling_as_one_of_one_key(make_plain, key, reflections, sight, kind):
    plain = make_plain()
    plan = (
        create_scheme("etc-color", block_size=8).plan(key=key, shape=(32, 32, 3)) if kind == "signed" else reflections
    )
    stem = extract_stem(encrypt_model_with_plan(plain, plan=plan, image_size=32, **sight))
    with pytest.warns(PixelveilWarning, match="comes from the reference weights"):
        assert warn_if_known(stem, reference=drifted(plain, 0.1).state_dict()).kernel > 0.9
    assert not warn_if_known(stem, reference=make_plain(seed=5).state_dict()).known
