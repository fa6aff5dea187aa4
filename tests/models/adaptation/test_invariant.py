"""What the front end reads is bit for bit the same under every key, and all that a key leaves."""

import numpy as np
import pytest
import torch

from pixelveil.keys import Key
from pixelveil.models.adaptation.invariant import InvariantAdaptation, InvariantFeatures, sorted_channels
from pixelveil.models.adaptation.settings import AdaptationSettings, settings_for
from pixelveil.schemes import create_scheme
from pixelveil.training.dataset import to_network

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
NORMALIZATION = [((0.5,) * 3, (0.5,) * 3), ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]


def read(images, *, mean=(0.5,) * 3, std=(0.5,) * 3):
    return to_network(torch.from_numpy(images), mean=mean, std=std)


@pytest.mark.parametrize(("mean", "std"), NORMALIZATION)
@pytest.mark.parametrize("parameters", [{}, {"shuffle": "none"}, {"shuffle": "per_image"}, {"flip": "exact_half"}])
def test_two_keys_and_none_look_the_same(parameters, mean, std):
    scheme = create_scheme("skk", **parameters)
    network = InvariantAdaptation(settings_for(scheme, image_size=16, mean=mean, std=std)).eval()
    first, second = (scheme.encrypt(IMAGES, key=Key.generate()).images for _ in range(2))
    assert not np.array_equal(first, second)
    seen = [network(read(images, mean=mean, std=std)) for images in (IMAGES, first, second)]
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0], seen[2])


def test_without_a_shuffle_components_keep_their_places():
    kept = InvariantFeatures(settings_for(create_scheme("skk", shuffle="none"), image_size=16))
    swapped = np.ascontiguousarray(IMAGES[..., ::-1])
    assert not torch.equal(kept(read(IMAGES)), kept(read(swapped)))
    assert torch.equal(kept(read(IMAGES)).flip(1), kept(read(swapped)))


def test_it_tells_pixels_of_different_orbits_apart():
    """All 816 multisets of folded values of a coarse grid give different features."""
    features = InvariantFeatures(AdaptationSettings(image_size=1))
    grid = np.array([(a, b, c) for a in range(0, 128, 8) for b in range(a, 128, 8) for c in range(b, 128, 8)], np.uint8)
    seen = features(read(grid[:, None, None])).flatten(1)
    assert len(grid) == 816
    assert len(torch.unique(seen, dim=0)) == len(grid)
    assert seen.min() > 0
    assert seen.max() <= 1


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sorting(channels):
    values = torch.randint(0, 256, (5, channels, 3, 3)).float()
    assert torch.equal(sorted_channels(values), values.sort(dim=1).values)
