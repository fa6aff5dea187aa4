"""Training on images that are encrypted batch by batch is training on encrypted images."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from pixelveil.errors import BudgetError, UsageError
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme
from pixelveil.training.augment import Augmentation
from pixelveil.training.dataset import ArrayImages
from pixelveil.training.loop import TrainSettings, train
from pixelveil.training.models import ModelSpec
from pixelveil.training.on_the_fly import Encrypting, encrypted_batch, encrypted_images

RANDOM = np.random.default_rng(0)
LABELS = np.arange(24) % 2
IMAGES = RANDOM.integers(0, 120, (24, 16, 16, 3)) + 130 * LABELS[:, None, None, None]
PLAIN = ArrayImages(IMAGES.astype(np.uint8), labels=LABELS)
SCHEME = create_scheme("tanaka-le")
SPEC = ModelSpec(
    architecture="resnet20",
    num_classes=2,
    image_size=16,
    classes=("dark", "bright"),
    architecture_options={"depth": 8},
    adaptation="tanaka",
)


def run(out, *, images, encrypting=None, settings, advance=None):
    return train(
        SPEC.build(seed=1),
        spec=SPEC,
        train_set=images,
        validation_set=images,
        settings=settings,
        out=out,
        encrypting=encrypting,
        advance=advance,
    )


def test_without_movements_it_equals_training_on_a_folder_under_the_same_key(tmp_path):
    key, settings = Key.generate(), TrainSettings(epochs=2, batch_size=8)
    folder = ArrayImages(SCHEME.encrypt(PLAIN.images, key=key).images, labels=LABELS)
    first = run(tmp_path / "a", images=folder, settings=settings)
    second = run(tmp_path / "b", images=PLAIN, settings=settings, encrypting=Encrypting(SCHEME, key=key))
    a, b = load_file(first.checkpoint), load_file(second.checkpoint)
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_images_move_before_they_are_encrypted():
    key, moves = Key.generate(), Augmentation(flip=True, pixels=3)
    raw = torch.from_numpy(PLAIN.images)
    made = encrypted_batch(
        raw, moves=moves, generator=torch.Generator().manual_seed(3), encrypting=Encrypting(SCHEME, key=key)
    )
    back = encrypted_batch(
        raw, moves=moves, generator=torch.Generator().manual_seed(3), encrypting=Identity(SCHEME)
    ).numpy()
    assert not np.array_equal(back, PLAIN.images)
    assert np.array_equal(SCHEME.encrypt(back, key=key).images, made.numpy())


class Identity(Encrypting):
    """Shows what is given to the encryption."""

    def __call__(self, images):
        assert images.dtype == np.uint8
        return images


def test_a_killed_run_ends_like_one_that_was_not(tmp_path):
    key = Key.generate()
    settings = TrainSettings(epochs=2, batch_size=8, augmentation=Augmentation(flip=True, pixels=2))
    options = {"images": PLAIN, "settings": settings, "encrypting": Encrypting(SCHEME, key=key)}
    run(tmp_path / "whole", **options)

    def kill(done, total):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", advance=kill, **options)
    run(tmp_path / "cut", **options)
    whole, cut = (load_file(tmp_path / name / "state.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    used = key.active.used
    run(tmp_path / "cut", **options)
    assert key.active.used == used  # finished: nothing is encrypted again
    with pytest.raises(UsageError, match="another encryption"):
        run(tmp_path / "cut", images=PLAIN, settings=settings, encrypting=Encrypting(SCHEME, key=Key.generate()))


def test_every_batch_counts_against_the_budget(tmp_path):
    key, settings = Key.generate(), TrainSettings(epochs=2, batch_size=8)
    run(tmp_path / "a", images=PLAIN, settings=settings, encrypting=Encrypting(SCHEME, key=key))
    assert key.active.used == 24 + 2 * 24
    with pytest.raises(BudgetError):
        run(tmp_path / "b", images=PLAIN, settings=settings, encrypting=Encrypting(SCHEME, key=Key.generate(budget=30)))


def test_all_images_at_once():
    key = Key.generate()
    made = encrypted_images(PLAIN, encrypting=Encrypting(SCHEME, key=key), batch_size=7)
    assert np.array_equal(made.images, SCHEME.encrypt(PLAIN.images, key=key).images)
    assert np.array_equal(made.labels, LABELS)


def test_the_facts_name_the_key_and_hold_nothing_secret():
    key = Key.generate()
    assert Encrypting(SCHEME, key=key).facts == {"scheme": SCHEME.digest, "key": key.fingerprint, "client": ""}
    assert Encrypting(create_scheme("skk", key_policy="ephemeral")).facts["key"] == ""
