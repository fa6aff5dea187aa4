"""ELE-AdaptNet: published size, its losses by hand, and the matrix puts blocks back."""

import pytest
import torch

from pixelveil.errors import UsageError
from pixelveil.models.adaptation.ele_adapt import (
    EleAdaptation,
    PositionalBlocks,
    ele_parameters,
    permutation_loss,
    variation_loss,
)
from pixelveil.models.adaptation.settings import AdaptationSettings

SETTINGS = AdaptationSettings(image_size=32)
SMALL = AdaptationSettings(image_size=8)


def test_size():
    """The paper gives 29.3 M parameters with and 28.5 M without it."""
    network = EleAdaptation(SETTINGS)
    assert sum(weight.numel() for weight in network.parameters()) == ele_parameters(SETTINGS) == 823_296
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 16, 32, 32)


def test_the_inverse_permutation_undoes_block_scrambling():
    """With equal sub-networks and U = the inverse permutation, scrambled and plain images give the same."""
    network = EleAdaptation(SMALL)
    order = torch.tensor([2, 0, 3, 1])
    with torch.no_grad():
        network.blocks.weight.copy_(network.blocks.weight[:1].expand(4, -1, -1))
        network.blocks.left.copy_(network.blocks.left[:1].expand(4, -1, -1))
        network.permutation.copy_(torch.eye(4))
    network.eval()
    batch = torch.rand(2, 3, 8, 8)
    plain = network(batch)
    blocks = batch.unflatten(3, (2, 4)).unflatten(2, (2, 4)).permute(0, 2, 4, 1, 3, 5).flatten(1, 2)  # (n, 4, 3, 4, 4)
    scrambled = blocks[:, order].unflatten(1, (2, 2)).permute(0, 3, 1, 4, 2, 5).reshape(2, 3, 8, 8)
    assert not torch.allclose(network(scrambled), plain, atol=1e-3)
    with torch.no_grad():
        network.permutation.copy_(torch.eye(4)[order])
    assert torch.allclose(network(scrambled), plain, atol=1e-5)


def test_the_loss_of_a_matrix():
    shuffled = torch.eye(5)[torch.randperm(5)]
    assert permutation_loss(shuffled) == 0
    assert permutation_loss(-3 * shuffled) == 0
    matrix = torch.tensor([[3.0, 4.0], [0.0, 0.0]])  # rows: (7 - 5) + 0; columns: nothing
    assert permutation_loss(matrix) == pytest.approx(2 / 4)


def test_the_loss_of_features_by_a_loop():
    features = torch.rand(2, 4, 5, 6)
    total = 0.0
    for image in features:
        for channel in image[:3]:
            for row in range(4):
                for column in range(5):
                    here = channel[row, column]
                    total += float((channel[row + 1, column] - here) ** 2 + (channel[row, column + 1] - here) ** 2)
    assert float(variation_loss(features)) == pytest.approx(total / (2 * 4 * 6 * 4), rel=1e-5)


def test_the_auxiliary_loss_is_of_the_batch_just_seen():
    network = EleAdaptation(SMALL).train()
    adapted = network(torch.rand(4, 3, 8, 8))
    loss = network.auxiliary_loss()
    expected = 1e-3 * permutation_loss(network.permutation) + 0.1 * variation_loss(adapted)
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
    loss.backward()
    assert network.permutation.grad.abs().sum() > 0
    assert network.blocks.weight.grad.abs().sum() > 0
    again = network.auxiliary_loss().detach()
    assert float(again) == pytest.approx(1e-3 * float(permutation_loss(network.permutation.detach())))
    network.eval()(torch.rand(4, 3, 8, 8))
    assert network._adapted is None


def test_the_maps_of_positions_have_norm_one_and_are_their_own():
    blocks = PositionalBlocks(positions=3, entries=12, out=20)
    for _ in range(30):
        blocks(torch.zeros(1, 3, 12))
    blocks.eval()
    maps = blocks(torch.eye(12)[:, None].expand(12, 3, 12)).detach()  # (L, N, out): the effective matrices
    for position in range(3):
        assert float(torch.linalg.matrix_norm(maps[:, position], 2)) == pytest.approx(1, rel=1e-2)
    assert not torch.allclose(maps[:, 0], maps[:, 1])


def test_what_would_be_too_large():
    with pytest.raises(UsageError, match="parameters") as caught:
        EleAdaptation(AdaptationSettings(image_size=224, block_size=16))
    assert "'le'" in caught.value.hint
