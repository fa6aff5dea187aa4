"""Augmentation moves images as told, and only that far."""

import numpy as np
import pytest
import torch

from pixelveil.errors import UsageError
from pixelveil.keys import Key
from pixelveil.schemes import SCHEMES, create_scheme
from pixelveil.training.augment import Augmentation, augment, encrypted_augmentation, permitted


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_nothing_moves_by_default():
    batch = torch.rand(3, 3, 8, 8)
    assert augment(batch, settings=Augmentation(), generator=generator()) is batch


def test_flips_are_flips():
    batch = torch.rand(40, 3, 8, 8)
    moved = augment(batch, settings=Augmentation(flip=True), generator=generator())
    mirrored = [torch.allclose(new, old.flip(-1), atol=1e-5) for new, old in zip(moved, batch, strict=True)]
    kept = [torch.allclose(new, old, atol=1e-5) for new, old in zip(moved, batch, strict=True)]
    assert all(a != b for a, b in zip(mirrored, kept, strict=True))
    assert 8 < sum(mirrored) < 32


@pytest.mark.parametrize("settings", [Augmentation(shift=0.1), Augmentation(rotation=20), Augmentation(zoom=0.2)])
def test_movements_stay_near(settings):
    ramp = torch.linspace(0, 1, 16).expand(20, 1, 16, 16)
    moved = augment(ramp, settings=settings, generator=generator())
    change = (moved - ramp).abs()
    assert change.max() > 0.02
    assert change.max() < 0.35
    assert torch.equal(moved, augment(ramp, settings=settings, generator=generator()))
    assert not torch.equal(moved, augment(ramp, settings=settings, generator=generator(1)))
    assert moved.min() >= -1e-6  # borders repeat; nothing comes from nowhere
    assert moved.max() <= 1 + 1e-6


def test_pixels_move_as_they_are():
    """Every moved image is a mirrored or plain window of the framed one; no value is computed."""
    batch = torch.randint(0, 256, (30, 3, 10, 8)).float()
    settings = Augmentation(flip=True, pixels=2)
    moved = augment(batch, settings=settings, generator=generator())
    assert moved.shape == batch.shape
    seen = set()
    for old, new in zip(batch, moved, strict=True):
        framed = torch.nn.functional.pad(old, (2, 2, 2, 2))
        found = [
            (mirrored, top, left)
            for mirrored in (False, True)
            for top in range(5)
            for left in range(5)
            if torch.equal(new.flip(-1) if mirrored else new, framed[:, top : top + 10, left : left + 8])
        ]
        assert len(found) == 1
        seen |= set(found)
    assert len(seen) > 15
    assert torch.equal(moved, augment(batch, settings=settings, generator=generator()))


def test_steps_are_whole_blocks():
    batch = torch.rand(40, 1, 12, 12) + 1
    moved = augment(batch, settings=Augmentation(pixels=5, step=4), generator=generator())
    shifts = {(int((image[0] == 0).all(dim=1).sum()), int((image[0] == 0).all(dim=0).sum())) for image in moved}
    assert shifts == {(0, 0), (0, 4), (4, 0), (4, 4)}


def test_resampling_and_pixels_together():
    batch = torch.rand(5, 3, 16, 16)
    both = augment(batch, settings=Augmentation(flip=True, rotation=5, pixels=3), generator=generator())
    assert both.shape == batch.shape
    assert (both == 0).any()


@pytest.mark.parametrize("wrong", [{"step": 0}, {"pixels": -1}])
def test_movements_that_are_none(wrong):
    with pytest.raises(UsageError, match="shifted"):
        Augmentation(**wrong)


IMAGES = np.random.default_rng(1).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)


def encrypted(name, images):
    """Images under the one key of the test."""
    return create_scheme(name, **BLOCKS.get(name, {})).encrypt(images, key=KEY).images.astype(np.float64)


KEY = Key.generate()
BLOCKS = {name: {"block_size": 4} for name, kind in SCHEMES.items() if hasattr(kind, "block_size")}
BLOCKS["vit-compressible"] = {"block_size": 4, "sub_block_size": 2}
MIXING = [name for name, kind in SCHEMES.items() if "mix" in kind.augmentations and kind().key_policy == "shared"]


def test_nothing_is_permitted_that_is_not_said():
    assert permitted(create_scheme("skk")) == ("flip", "shift", "cut")
    assert permitted(create_scheme("skk", key_policy="shared")) == ("flip", "shift", "cut", "mix")
    assert permitted(create_scheme("madono-ele")) == permitted(create_scheme("xor-stream")) == ()
    assert encrypted_augmentation(create_scheme("skk"), image_size=32) == Augmentation(flip=True, pixels=4)
    assert encrypted_augmentation(create_scheme("tanaka-le"), image_size=32) == Augmentation(pixels=4, step=4)
    assert not encrypted_augmentation(create_scheme("etc-color"), image_size=32)


@pytest.mark.parametrize("name", MIXING)
def test_weighted_sums_of_ciphertexts_are_those_of_images(name):
    """Where "mix" is declared, encryption under one key is affine."""
    even = IMAGES // 2 * 2  # so that means are whole numbers
    middle = (even.sum(axis=0, dtype=np.int64) // 2).astype(np.uint8)[None]
    assert np.allclose(encrypted(name, middle)[0], encrypted(name, even).mean(axis=0), atol=1e-2)


def test_half_bytes_do_not_mix():
    middle = (IMAGES.sum(axis=0, dtype=np.int64) // 2).astype(np.uint8)[None]
    apart = encrypted("tanaka-le", middle)[0] - encrypted("tanaka-le", IMAGES).mean(axis=0)
    assert np.abs(apart).max() > 16


def test_blocks_may_be_shifted_where_all_have_one_key():
    shifted = np.roll(IMAGES, (4, 8), axis=(1, 2))
    assert np.array_equal(encrypted("tanaka-le", shifted), np.roll(encrypted("tanaka-le", IMAGES), (4, 8), axis=(1, 2)))
    assert not np.array_equal(
        encrypted("madono-ele", shifted), np.roll(encrypted("madono-ele", IMAGES), (4, 8), axis=(1, 2))
    )


def test_a_box_of_another_image_under_pixel_keys():
    cut = IMAGES[:1].copy()
    cut[:, 3:9, 5:12] = IMAGES[1:, 3:9, 5:12]
    whole = encrypted("smkk", IMAGES)
    expected = whole[:1].copy()
    expected[:, 3:9, 5:12] = whole[1:, 3:9, 5:12]
    assert np.array_equal(encrypted("smkk", cut), expected)
