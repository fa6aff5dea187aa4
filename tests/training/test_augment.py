"""Augmentation moves images as told, and only that far."""

import pytest
import torch

from pixelveil.training.augment import Augmentation, augment


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
