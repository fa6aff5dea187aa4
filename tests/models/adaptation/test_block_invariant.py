"""What the front end reads of a block is bit for bit the same under every key."""

import numpy as np
import pytest
import torch

from pixelveil.keys import Key
from pixelveil.models.adaptation.block_invariant import BlockInvariantAdaptation, BlockInvariantFeatures
from pixelveil.models.adaptation.settings import settings_for
from pixelveil.schemes import create_scheme
from pixelveil.training.dataset import to_network

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
CASES = [
    ("tanaka-le", {}),
    ("vit-permutation", {"block_size": 4, "scramble_blocks": False}),
    ("madono-ele", {}),
    ("etc-color", {"block_size": 4}),
]


def read(images):
    return to_network(torch.from_numpy(images), mean=(0.5,) * 3, std=(0.5,) * 3)


@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_blocks_look_the_same_under_two_keys(name, parameters):
    scheme = create_scheme(name, key_policy="derived", **parameters)
    features = BlockInvariantFeatures(settings_for(scheme, image_size=16))
    seen = []
    for images in (IMAGES, *(scheme.encrypt(IMAGES, key=Key.generate()).images for _ in range(2))):
        found = features(read(images))
        assert found.shape == (3, 96 if "le" in name.split("-") or "ele" in name else 48, 4, 4)
        blocks = found.flatten(2).transpose(1, 2)
        moves = name in ("madono-ele", "etc-color")  # whole blocks change places, so their order is forgotten here
        seen.append(torch.stack([torch.unique(one, dim=0) for one in blocks]) if moves else blocks)
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0], seen[2])


def test_the_network_reads_them():
    scheme = create_scheme("tanaka-le", key_policy="derived")
    network = BlockInvariantAdaptation(settings_for(scheme, image_size=16)).eval()
    first, second = (scheme.encrypt(IMAGES, key=Key.generate()).images for _ in range(2))
    assert network(read(first)).shape == (3, 16, 16, 16)
    assert torch.equal(network(read(first)), network(read(second)))
