import numpy as np
import pytest

from pixelveil.schemes import create_scheme
from pixelveil.training.experiment_keys import encrypt_images, experiment_key, reproducible

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)


def encrypted(name, *, side="train", seed=0, **parameters):
    scheme = create_scheme(name, **parameters)
    return encrypt_images(scheme, IMAGES, key=experiment_key(name, seed=seed), side=side, seed=seed)


@pytest.mark.parametrize("policy", ["shared", "derived", "ephemeral"])
def test_the_same_seed_gives_the_same_images_and_another_one_others(policy):
    first = encrypted("skk", key_policy=policy)
    assert (first == encrypted("skk", key_policy=policy)).all()
    assert (first != encrypted("skk", key_policy=policy, seed=1)).any()


def test_keys_per_image_differ_between_images_and_sides_and_a_shared_key_does_not():
    twins = np.repeat(IMAGES[:1], 2, axis=0)
    scheme = create_scheme("skk", key_policy="ephemeral")
    first, second = encrypt_images(scheme, twins, key=experiment_key("x", seed=0), side="train", seed=0)
    assert (first != second).any()
    assert (encrypted("skk", key_policy="ephemeral") != encrypted("skk", key_policy="ephemeral", side="test")).any()
    assert (encrypted("tanaka-le") == encrypted("tanaka-le", side="test")).all()


def test_keys_that_nobody_keeps_give_what_keys_that_can_be_made_again_give():
    """Both fold to the same values: only the choice inside the orbit differs."""
    folded = np.sort(np.abs(encrypted("skk", key_policy="ephemeral") - 127.5), axis=3)
    assert (folded == np.sort(np.abs(IMAGES - 127.5), axis=3)).all()
    assert reproducible(create_scheme("tanaka-le")).key_policy == "shared"


def test_many_images_are_encrypted_in_parts_as_at_once(monkeypatch):
    whole = encrypted("skk", key_policy="derived")
    monkeypatch.setattr("pixelveil.training.experiment_keys._AT_ONCE", 4)
    assert (encrypted("skk", key_policy="derived") == whole).all()
