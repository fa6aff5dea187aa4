import copy

import numpy as np
import pytest
import torch

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.keys import Key
from pixelveil.models import encrypt_model, extract_stem, load_stem, rekey_stem, verify_model
from pixelveil.models.outputs import normalize
from pixelveil.plans import AffinePlan
from pixelveil.schemes import create_scheme

ROTARY = "vit_small_patch16_rope_mixed_224"
ARCHITECTURES = ["vit_tiny_patch16_224", "vit_base_patch16_clip_224", "beit_base_patch16_224", ROTARY]


def encrypt(plain, scheme, key, sight, **options):
    return encrypt_model(plain, scheme=scheme, key=key, image_size=32, **options, **sight)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_trunk_is_the_same_for_every_key_and_the_stem_is_not(make_plain, name, scheme, sight):
    models = [encrypt(make_plain(name), scheme, Key.generate(), sight) for _ in range(2)]
    first, second = (extract_stem(model) for model in models)
    trunks = [
        {label: tensor for label, tensor in model.state_dict().items() if label not in first.tensors}
        for model in models
    ]
    assert trunks[0].keys() == trunks[1].keys()
    assert all(torch.equal(trunks[0][label], trunks[1][label]) for label in trunks[0])
    assert first.info.trunk == second.info.trunk
    moving = {label for label in first.tensors if not label.endswith(".bias")}
    assert moving
    assert not any(torch.equal(first.tensors[label], second.tensors[label]) for label in moving)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_swapped_stem_changes_the_key(make_plain, name, scheme, images, sight):
    plain, keys = make_plain(name), [Key.generate(), Key.generate()]
    first, second = (encrypt(plain, scheme, key, sight) for key in keys)
    load_stem(first, extract_stem(second))
    verify_model(plain, first, scheme=scheme, key=keys[1], images=images, **sight)
    assert first.pixelveil == second.pixelveil


def test_a_swap_keeps_the_parameters_themselves(plain, scheme, key, sight):
    """Optimizers, captured graphs and other threads hold on to the tensors, so they are filled and not replaced."""
    model = encrypt(plain, scheme, key, sight)
    before = {name: id(parameter) for name, parameter in model.named_parameters()}
    load_stem(model, extract_stem(encrypt(plain, scheme, Key.generate(), sight)))
    assert {name: id(parameter) for name, parameter in model.named_parameters()} == before


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_plain_trunk_takes_a_stem(make_plain, name, scheme, key, images, sight):
    plain = make_plain(name)
    trunk = copy.deepcopy(plain)
    load_stem(trunk, extract_stem(encrypt(plain, scheme, key, sight)))
    verify_model(plain, trunk, scheme=scheme, key=key, images=images, **sight)


def test_a_stem_is_a_copy(plain, scheme, key, sight):
    model = encrypt(plain, scheme, key, sight)
    stem = extract_stem(model)
    before = {name: tensor.clone() for name, tensor in stem.tensors.items()}
    load_stem(model, extract_stem(encrypt(plain, scheme, Key.generate(), sight)))
    assert all(torch.equal(stem.tensors[name], before[name]) for name in before)
    assert stem.nbytes == sum(tensor.nbytes for tensor in before.values())


def test_a_stem_does_not_show_its_tensors(plain, scheme, key, sight):
    assert "tensor(" not in repr(extract_stem(encrypt(plain, scheme, key, sight)))


def test_a_plain_model_has_no_stem(plain):
    with pytest.raises(UsageError, match="not encrypted"):
        extract_stem(plain)


@pytest.mark.parametrize("prepared", [True, False])
def test_another_trunk_refuses_a_stem_and_stays_as_it_is(make_plain, plain, scheme, key, sight, prepared):
    stem = extract_stem(encrypt(plain, scheme, key, sight))
    other = make_plain(seed=1)
    trunk = encrypt(other, scheme, Key.generate(), sight) if prepared else copy.deepcopy(other)
    before = copy.deepcopy(trunk.state_dict())
    with pytest.raises(IntegrityError, match="other weights"):
        load_stem(trunk, stem)
    assert all(torch.equal(tensor, before[name]) for name, tensor in trunk.state_dict().items())


@pytest.mark.parametrize("options", [{"img_size": 64}, {"embed_dim": 96}, {"class_token": False, "global_pool": "avg"}])
def test_another_architecture_refuses_a_stem(make_plain, plain, scheme, key, sight, options):
    stem = extract_stem(encrypt(plain, scheme, key, sight))
    with pytest.raises(IntegrityError):
        load_stem(make_plain(**options), stem)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_rekeyed_stem_is_that_of_direct_encryption(make_plain, name, scheme, images, sight):
    plain, key = make_plain(name), Key.generate()
    old = key.active
    model = encrypt(plain, scheme, key, sight)
    new = key.rotate()
    renewed = rekey_stem(extract_stem(model), scheme=scheme, old_key=old, new_key=new, image_size=32, **sight)
    direct = extract_stem(encrypt(plain, scheme, new, sight))
    assert renewed.info == direct.info
    for label, tensor in direct.tensors.items():
        torch.testing.assert_close(renewed.tensors[label], tensor, atol=2e-5, rtol=1e-4)
    load_stem(model, renewed)
    verify_model(plain, model, scheme=scheme, key=key, images=images, **sight)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_stem_of_keys_by_block_is_rekeyed_and_swapped(make_plain, name, block_scheme, images, sight):
    plain, key = make_plain(name), Key.generate()
    old = key.active
    model = encrypt(plain, block_scheme, key, sight)
    new = key.rotate()
    renewed = rekey_stem(extract_stem(model), scheme=block_scheme, old_key=old, new_key=new)
    direct = extract_stem(encrypt(plain, block_scheme, new, sight))
    assert renewed.info == direct.info
    assert renewed.tensors.keys() == direct.tensors.keys()
    for label, tensor in direct.tensors.items():
        torch.testing.assert_close(renewed.tensors[label], tensor, atol=2e-5, rtol=1e-4)
    load_stem(model, renewed)
    verify_model(plain, model, scheme=block_scheme, key=key, images=images, **sight)
    trunk = copy.deepcopy(plain)
    load_stem(trunk, renewed)
    verify_model(plain, trunk, scheme=block_scheme, key=key, images=images, **sight)


class Reflecting:
    """A scheme of an orthogonal matrix for each block, as a stand-in: the catalogue has none."""

    name, digest, key_policy, parameters = "reflecting", "d", "shared", None

    def encrypted_shape(self, shape):
        return shape

    def plan(self, *, key, shape, client):
        rng = np.random.default_rng(list(f"{key.fingerprint} {client}".encode()))
        normals = rng.normal(size=(16, 192))
        normals *= np.sqrt(2) / np.linalg.norm(normals, axis=1, keepdims=True)
        matrix = np.eye(192) - normals[:, :, None] * normals[:, None, :]
        return AffinePlan(matrix=matrix, offset=rng.uniform(0, 255, (16, 192)), block_order=rng.permutation(16))


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "vit_base_patch16_clip_224"])
def test_a_stem_of_kernels_by_position_is_rekeyed_whatever_training_made_of_it(make_plain, name, images, sight):
    plain, key, scheme = make_plain(name), Key.generate(), Reflecting()
    old = key.active
    model = encrypt(plain, scheme, key, sight)
    new = key.rotate()
    renewed = rekey_stem(extract_stem(model), scheme=scheme, old_key=old, new_key=new)
    direct = extract_stem(encrypt(plain, scheme, new, sight))
    for label, tensor in direct.tensors.items():
        torch.testing.assert_close(renewed.tensors[label], tensor, atol=2e-4, rtol=1e-4)
    with torch.no_grad():
        model.patch_embed.proj.weight.add_(torch.randn_like(model.patch_embed.proj.weight), alpha=0.1)

    def answer(epoch):
        encrypted = scheme.plan(key=epoch, shape=(32, 32, 3), client="").apply(images)
        with torch.no_grad():
            return model(normalize(encrypted, like=model.head.weight, **sight))

    before = answer(old)
    load_stem(model, rekey_stem(extract_stem(model), scheme=scheme, old_key=old, new_key=new))
    torch.testing.assert_close(answer(new), before, atol=2e-3, rtol=1e-3)


def test_stems_of_two_forms_do_not_fit_each_other(plain, key, sight):
    one = encrypt(plain, create_scheme("vit-permutation", block_size=8), key, sight)
    many = encrypt(plain, create_scheme("etc-color", block_size=8), key, sight)
    for model, stem in ((one, extract_stem(many)), (many, extract_stem(one))):
        before = copy.deepcopy(model.state_dict())
        with pytest.raises(IntegrityError, match="has the form"):
            load_stem(model, stem)
        assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_a_plain_trunk_that_refuses_a_stem_keeps_its_patch_embedding(make_plain, plain, key, sight):
    stem = extract_stem(encrypt(plain, create_scheme("etc-color", block_size=8), key, sight))
    trunk = make_plain(seed=1)
    with pytest.raises(IntegrityError, match="other weights"):
        load_stem(trunk, stem)
    assert isinstance(trunk.patch_embed.proj, torch.nn.Conv2d)


def test_a_hundred_rotations_do_not_wear_the_weights_out(plain, images, sight):
    scheme, key = create_scheme("vit-orthogonal", block_size=8), Key.generate()
    model = encrypt(plain, scheme, key, sight)
    stem = extract_stem(model)
    for _ in range(100):
        old = key.active
        stem = rekey_stem(stem, scheme=scheme, old_key=old, new_key=key.rotate())
    load_stem(model, stem)
    assert verify_model(plain, model, scheme=scheme, key=key, images=images, **sight).max_difference_float32 < 1e-4


def test_a_stem_can_be_given_to_a_client(plain, scheme, key, images, sight):
    stem = extract_stem(encrypt(plain, scheme, key, sight))
    model = copy.deepcopy(plain)
    load_stem(model, rekey_stem(stem, scheme=scheme, old_key=key, new_key=key, client="clinic"))
    verify_model(plain, model, scheme=scheme, key=key, images=images, client="clinic", **sight)


def test_rekeying_with_the_wrong_key_scheme_or_statistics_is_refused(plain, scheme, key, sight):
    stem, new = extract_stem(encrypt(plain, scheme, key, sight)), Key.generate()
    with pytest.raises(IntegrityError, match="encrypted with key"):
        rekey_stem(stem, scheme=scheme, old_key=Key.generate(), new_key=new)
    other = create_scheme(scheme.name, block_size=8, scramble_blocks=False)
    with pytest.raises(IntegrityError, match="other name or parameters"):
        rekey_stem(stem, scheme=other, old_key=key, new_key=new)
    for wrong in ({"mean": (0.5,) * 3}, {"std": (0.5,) * 3}, {"image_size": 64}):
        with pytest.raises(IntegrityError, match="the stem is for"):
            rekey_stem(stem, scheme=scheme, old_key=key, new_key=new, **wrong)
