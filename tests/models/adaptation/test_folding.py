"""Grey levels come back exactly, and folding forgets inversions and nothing else."""

import numpy as np
import pytest
import torch

from pixelveil.models.adaptation.folding import GreyLevels, folded_bytes, folded_nibbles
from pixelveil.training.dataset import to_network

EVERY = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).repeat(1, 1, 1, 3)


@pytest.mark.parametrize(
    ("mean", "std"), [((0.5,) * 3, (0.5,) * 3), ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), ((0.0,), (1.0,))]
)
def test_all_grey_levels_come_back_exactly(mean, std):
    batch = to_network(EVERY, mean=mean, std=std)
    assert torch.equal(GreyLevels(mean=mean, std=std)(batch), EVERY.permute(0, 3, 1, 2).float())


def test_normalization_is_no_weight():
    assert not GreyLevels(mean=[0.5], std=[0.5]).state_dict()


def test_folded_values_meet_iff_they_are_complements():
    values = torch.arange(256.0)
    folded = folded_bytes(values.clone())
    meet = folded[:, None] == folded[None]
    expected = (values[:, None] == values[None]) | (values[:, None] == 255 - values[None])
    assert torch.equal(meet, expected)


def test_folded_half_bytes():
    values = np.arange(256)
    folded = folded_nibbles(torch.from_numpy(values).float().reshape(1, 1, 16, 16))
    assert torch.equal(folded[0, 0].flatten(), torch.from_numpy(np.abs(2 * (values & 15) - 15)).float())
    assert torch.equal(folded[0, 1].flatten(), torch.from_numpy(np.abs(2 * (values >> 4) - 15)).float())
