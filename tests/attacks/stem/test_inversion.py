from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from pixelveil.attacks.attack import Budget
from pixelveil.attacks.measures import ssim
from pixelveil.attacks.stem.evidence import base_tensors
from pixelveil.attacks.stem.inversion import ModelInversion, invert_classes

FACTS = {"shape": (8, 8, 1), "mean": (0.5,), "std": (0.5,)}


@pytest.fixture(scope="module")
def classifier():
    """Softmax regression on digits, as in the paper; and the mean image of each class."""
    data = load_digits()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    pixels = torch.from_numpy(data.images / 8 - 1).float()[:, None]
    stepper = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-3)
    for _ in range(200):
        stepper.zero_grad()
        nn.functional.cross_entropy(model(pixels), torch.from_numpy(data.target)).backward()
        stepper.step()
    return model, np.stack([data.images[data.target == digit].mean(axis=0) for digit in range(10)])


def likeness(images, averages):
    """Correlation of each inversion with each class average, (10, 10)."""
    both = np.concatenate([images.reshape(10, -1), averages.reshape(10, -1)])
    return np.corrcoef(both)[:10, 10:]


def test_classes_look_like_their_averages(classifier):
    model, averages = classifier
    found = invert_classes(model, tuple(range(10)), sure=0.001, **FACTS)
    alike = likeness(found.images, averages)
    assert (alike.argmax(axis=1) == np.arange(10)).mean() >= 0.8
    assert max(found.costs) <= 0.001
    assert set(found.reasons) == {"sure enough"}


def test_a_model_that_learned_nothing_shows_nothing(classifier):
    torch.manual_seed(1)
    fresh = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    found = invert_classes(fresh, tuple(range(10)), steps=300, **FACTS)
    assert (likeness(found.images, classifier[1]).argmax(axis=1) == np.arange(10)).mean() <= 0.4


def test_every_end_of_a_search_has_its_reason(classifier):
    model, _ = classifier
    assert set(invert_classes(model, (0, 1), steps=3, **FACTS).reasons) == {"steps"}
    assert set(invert_classes(model, (0, 1), budget=Budget(seconds=0), **FACTS).reasons) == {"budget"}
    stuck = invert_classes(model, (0,), rate=0.0, window=5, **FACTS)
    assert stuck.reasons == ("no progress",)
    assert stuck.steps == 6


def test_the_search_under_a_key_is_the_encrypted_search(make_vit, hold, victims):
    """Permutations and inversions: what comes out, decrypted with the key, is the plain model's inversion."""
    plain = make_vit(depth=1).double()
    facts = {"shape": (32, 32, 3), "mean": (0.5,) * 3, "std": (0.5,) * 3, "steps": 20, "rate": 5.0}
    expected = invert_classes(plain, (2, 7), **facts)
    from pixelveil.keys import Key
    from pixelveil.models import encrypt_model
    from pixelveil.schemes import create_scheme

    scheme, key = create_scheme("vit-permutation", block_size=4), Key.generate()
    encrypted = encrypt_model(plain, scheme=scheme, key=key, image_size=32, mean=facts["mean"], std=facts["std"])
    found = invert_classes(encrypted, (2, 7), **facts)
    assert np.ptp(expected.images) > 1, "nothing moved, so nothing is shown"
    undo = scheme.plan(key=key, shape=(32, 32, 3)).to_affine().invert()
    np.testing.assert_allclose(undo.apply(found.images), expected.images, atol=1e-6)


def test_ciphertexts_come_out_and_with_the_base_pictures(make_vit, hold, victims):
    model = make_vit(depth=1)
    evidence, encrypted, _ = hold(model, victims[:4])
    evidence = replace(evidence, model=encrypted, labels=np.array([1, 2, 1, 2]))
    attack = ModelInversion(steps=20, rate=5.0)
    blind, told = attack.run(evidence), attack.run(replace(evidence, base=base_tensors(model, image_size=32)))
    assert np.array_equal(blind.images[0], blind.images[2])
    assert not np.array_equal(blind.images[0], blind.images[1])
    assert ssim(blind.images, told.images).mean() < 0.9
    assert "20" not in str(blind.facts["stopped"])
    assert str(blind.facts["stopped"]).split(":")[0] in ("steps", "sure enough", "no progress")
