"""The models of an audit, and what an attacker holds of them."""

import sys

import pytest
import torch

from pixelveil.attacks.stem.april import April
from pixelveil.attacks.stem.collusion import ColludingClient
from pixelveil.attacks.stem.gradient_inversion import GradientInversion
from pixelveil.audit.bench import Bench
from pixelveil.audit.models import evidence_of_noise, hold, models_of, not_absorbed, one_map, patch_of, small_models
from pixelveil.errors import UsageError
from pixelveil.schemes import create_scheme


@pytest.fixture
def bench(images):
    return Bench(scheme=create_scheme("vit-permutation", block_size=8), images=images)


@pytest.fixture
def models():
    return small_models(shape=(16, 16, 3), patch=8)


@pytest.mark.parametrize(
    ("name", "parameters", "told"),
    [
        ("vit-permutation", {}, ""),
        ("vit-orthogonal", {}, ""),
        ("etc-color", {}, ""),
        ("smkk", {}, ""),
        ("skk", {}, "all images share"),
        ("tanaka-le", {}, "half bytes"),
        ("etc-gray", {}, "shape"),
        ("huang", {"key_policy": "shared"}, "affine"),
        ("instahide", {}, "no key"),
    ],
)
def test_which_schemes_a_model_absorbs(name, parameters, told):
    found = not_absorbed(create_scheme(name, **parameters))
    assert told in found
    assert bool(told) == bool(found)


def test_without_pytorch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "pixelveil[models]" in not_absorbed(create_scheme("vit-permutation"))


def test_which_schemes_do_the_same_to_all_patches():
    assert one_map(create_scheme("vit-permutation", block_size=8))
    assert one_map(create_scheme("vit-orthogonal", block_size=8))
    assert not one_map(create_scheme("vit-permutation", block_size=8, per_block=True))
    assert not one_map(create_scheme("smkk"))
    assert patch_of(create_scheme("smkk")) == 8
    assert patch_of(create_scheme("vit-orthogonal", block_size=4)) == 4


def test_small_models_are_the_same_each_time_and_leave_the_global_seed_alone(models):
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    again = small_models(shape=(16, 17, 3), patch=8)
    assert torch.equal(torch.rand(3), wanted)
    assert again.image_size == (16, 16)
    for one, other in zip(models.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_drift_is_a_tenth_of_each_weight(models):
    one, other = (each.patch_embed.proj.weight.detach() for each in (models.model, models.base))
    assert float((one - other).std() / other.std()) == pytest.approx(0.1, rel=0.05)
    same = small_models(shape=(16, 16, 3), patch=8, drift=0.0)
    assert torch.equal(same.model.patch_embed.proj.weight, same.base.patch_embed.proj.weight)


def test_images_smaller_than_a_patch_are_refused():
    with pytest.raises(UsageError, match="no patch"):
        small_models(shape=(7, 16, 3), patch=8)


def test_an_attacker_holds_no_key_and_what_the_attack_needs(bench, models):
    evidence = hold(bench, models, attack=ColludingClient())
    assert (len(evidence.ciphertexts), evidence.victims) == (144, 60)
    assert evidence.client is not None
    assert evidence.updates is None
    assert (evidence.ciphertexts == bench.encrypt(bench.images.encrypted)).all()
    assert len(hold(bench, models, attack=April(), victims=3).updates) == 3


def test_gradients_are_those_of_what_the_attack_reads(bench, models):
    few = hold(bench, models, attack=April(), victims=2)
    assert set(few.updates[0]) <= set(few.stem.info.layout.names)
    all_of_them = hold(bench, models, attack=GradientInversion(), victims=2)
    assert set(all_of_them.updates[0]) == {name for name, _ in all_of_them.model.named_parameters()}
    assert hold(bench, models, attack=April()).victims == 50


def test_noise_goes_through_the_same_model_under_the_same_key(bench, models):
    evidence = hold(bench, models, attack=April(), victims=2)
    noise = evidence_of_noise(evidence, bench=bench, attack=April())
    assert noise.stem is evidence.stem
    assert noise.ciphertexts.shape == evidence.ciphertexts.shape
    assert not (noise.ciphertexts == evidence.ciphertexts).all()
    name = evidence.layout.embedding.weight
    assert not torch.equal(noise.updates[0][name], evidence.updates[0][name])


def test_files_stand_for_the_users_own_models(models, tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"b")

    def digest(*names):
        files = [tmp_path / name for name in names]
        return models_of(models.model, base=None, image_size=16, mean=(0.5,), std=(0.5,), files=files).digest

    assert len({digest("a"), digest("b"), digest("a", "b"), digest("b", "a")}) == 4
    assert digest("a") == digest("a")
