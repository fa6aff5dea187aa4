from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from pixelveil.attacks.attack import Budget
from pixelveil.attacks.measures import ssim
from pixelveil.attacks.stem.gradient_inversion import GradientInversion, gradients_of, invert_gradients
from pixelveil.models.outputs import normalize

HALF = (0.5, 0.5, 0.5)
SETTINGS = {"shape": (16, 16, 3), "mean": HALF, "std": HALF, "steps": 300, "rate": 0.1, "variation": 0.001}


@pytest.fixture(scope="module")
def network():
    """Smooth and without pooling: the setting in which search is known to succeed."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 12, 5, stride=2, padding=2), nn.GELU(), nn.Conv2d(12, 12, 5, padding=2), nn.GELU(),
        nn.Flatten(), nn.Linear(12 * 64, 10),
    )  # fmt: skip


def searched(network, image, **more):
    pixels = normalize(image[None], mean=HALF, std=HALF, like=network[0].weight)
    update = gradients_of(network, pixels, torch.tensor([3]))
    settings = {**SETTINGS, "label": 3, "budget": Budget(seconds=60), **more}
    return invert_gradients(network, update, generator=np.random.default_rng(0), **settings)


def test_a_plain_image_is_found(network, victims):
    image = victims[0, ::2, ::2]
    found = searched(network, image)
    assert found.distance < 0.01
    assert found.steps == 300
    shown = np.clip(np.rint(found.image), 0, 255).astype(np.uint8)
    assert ssim(shown[None], image[None]).mean() > 0.95


def test_gradients_of_noise_do_not_show_the_image(network, victims, noise):
    found = searched(network, noise[0, ::2, ::2])
    shown = np.clip(np.rint(found.image), 0, 255).astype(np.uint8)
    assert ssim(shown[None], victims[:1, ::2, ::2]).mean() < 0.1


def test_time_ends_the_search(network, victims):
    assert searched(network, victims[0, ::2, ::2], budget=Budget(seconds=0)).steps == 1


def test_against_an_encrypted_model_it_is_within_its_budget(make_vit, hold, victims, sight):
    """It has second derivatives of attention, and says how near it came; the closed form is the attack to fear."""
    evidence, encrypted, _ = hold(make_vit(depth=1), victims[:2])
    pixels = normalize(evidence.ciphertexts, like=encrypted.patch_embed.proj.weight, **sight)
    updates = [gradients_of(encrypted, one[None], torch.tensor([1])) for one in pixels]
    evidence = replace(evidence, updates=updates, model=encrypted, labels=np.array([1, 1]))
    seen = []
    read = GradientInversion(steps=5).run(evidence, advance=lambda done, of: seen.append((done, of)))
    assert read.images.shape == (2, 32, 32, 3)
    assert read.facts["steps"] == 10
    assert 0 < float(read.facts["distance"]) < 2
    assert seen == [(1, 2), (2, 2)]
