"""Training an encrypted model on encrypted images: when its steps are those of the plain model on plain images.

The theorem behind fine-tuning a ViT adapted to a key (Nagamori, Shiota and Kiya, APSIPA Trans., 2024): with an
orthogonal change of basis, steps of SGD are the same steps; with a signed permutation, steps of any optimizer that
works entry by entry are too. Kernels that are independent for each position take other steps.
"""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from pixelveil.keys import Key
from pixelveil.models import encrypt_model, encrypt_model_with_plan, load_model, save_model
from pixelveil.models.outputs import normalize
from pixelveil.models.planning import encrypted_by
from pixelveil.plans import AffinePlan
from pixelveil.schemes import create_scheme

HALF = {"mean": (0.5,) * 3, "std": (0.5,) * 3}
ZERO = {"mean": (0.0,) * 3, "std": (0.5,) * 3}
STEPS = 3
SAME, OTHER = 1e-10, 1e-7

OPTIMIZERS = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=0.01),
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=1e-3),
}


def trained(model, images, optimizer, **sight):
    """Return the logits before each of three steps on the same images and after the last."""
    model = model.train()
    pixels = normalize(images, like=next(model.parameters()), **sight)
    labels = torch.arange(len(images)) % 10
    stepper = OPTIMIZERS[optimizer](model.parameters())
    seen = []
    for _ in range(STEPS):
        logits = model(pixels)
        seen.append(logits.detach())
        stepper.zero_grad()
        nn.functional.cross_entropy(logits, labels).backward()
        stepper.step()
    return torch.stack([*seen, model(pixels).detach()])


def drift(plain, plan, images, optimizer, **sight):
    """Return how far the logits of the two trainings are apart, at most, and what the encrypted model became."""
    plain = copy.deepcopy(plain).double()
    encrypted = encrypt_model_with_plan(plain, plan=plan, image_size=32, **sight)
    expected = trained(plain, images, optimizer, **sight)
    assert (expected[-1] - expected[0]).abs().max() > 1e-2, "nothing was learned, so nothing is shown"
    found = trained(encrypted, encrypted_by(plan, images), optimizer, **sight)
    assert (found[0] - expected[0]).abs().max() < SAME
    return (found - expected).abs().max().item()


def scheme_plan(key, name, **parameters):
    return create_scheme(name, block_size=8, **parameters).plan(key=key, shape=(32, 32, 3))


SIGNED = [("vit-permutation", {}), ("vit-permutation", {"per_block": True}), ("etc-color", {})]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(("name", "parameters"), SIGNED)
@pytest.mark.parametrize("architecture", ["vit_tiny_patch16_224", "vit_base_patch16_clip_224"])
def test_signed_permutations_train_as_the_plain_model(
    make_plain, key, images, architecture, name, parameters, optimizer
):
    """One kernel for all positions also where each block has a key: it learns from all of them, as the plain one."""
    plan = scheme_plan(key, name, **parameters)
    assert drift(make_plain(architecture), plan, images, optimizer, **HALF) < SAME


def test_orthogonal_matrices_train_as_the_plain_model_under_sgd_and_not_under_adamw(plain, key, images):
    plan = scheme_plan(key, "vit-orthogonal")
    assert drift(plain, plan, images, "sgd", **ZERO) < SAME
    assert drift(plain, plan, images, "adamw", **ZERO) > OTHER


def test_kernels_by_position_train_otherwise(plain, reflections, images):
    plan = AffinePlan(matrix=reflections.matrix, block_order=reflections.block_order)
    assert drift(plain, plan, images, "sgd", **ZERO) > OTHER


def test_other_statistics_make_other_steps(plain, key, images, sight):
    """The answers before training are exact for any mean and deviation; the change of basis is not orthogonal then."""
    assert drift(plain, scheme_plan(key, "vit-permutation"), images, "sgd", **sight) > OTHER
    assert drift(plain, scheme_plan(key, "vit-orthogonal"), images, "sgd", **HALF) > OTHER


@pytest.mark.parametrize("name", ["vit-permutation", "etc-color"])
def test_every_weight_of_an_encrypted_model_learns_and_its_key_does_not(plain, make_plain, key, images, name, tmp_path):
    scheme = create_scheme(name, block_size=8)
    model = encrypt_model(plain, scheme=scheme, key=key, image_size=32, **HALF)
    assert all(parameter.requires_grad and parameter.is_leaf for parameter in model.parameters())
    before = copy.deepcopy(model.state_dict())
    trained(model, scheme.encrypt(images, key=key).images, "adamw", **HALF)
    maps = set(model.pixelveil.layout.embedding.maps)
    for label, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[label]) == (label in maps), label
    save_model(model, tmp_path / "model.safetensors")
    again = load_model(tmp_path / "model.safetensors", model=make_plain(seed=1))
    assert all(torch.equal(tensor, again.state_dict()[label]) for label, tensor in model.state_dict().items())
    assert again.pixelveil.fingerprint == key.fingerprint


def test_images_and_labels_are_enough_to_tell_trainings_apart(plain, key, images):
    """The control: with a wrong key for the images the steps are others, so agreement above means something."""
    plan, other = scheme_plan(key, "etc-color"), scheme_plan(Key.generate(), "etc-color")
    double = copy.deepcopy(plain).double()
    encrypted = encrypt_model_with_plan(double, plan=plan, image_size=32, **HALF)
    found = trained(encrypted, other.apply(images), "sgd", **HALF)
    expected = trained(double, images, "sgd", **HALF)
    assert np.abs((found - expected).numpy()).max() > 1e-2
