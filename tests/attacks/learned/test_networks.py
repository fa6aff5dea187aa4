import numpy as np
import pytest
import torch

from pixelveil.attacks.learned.networks import block_network, order_statistics, structural_loss, u_net
from pixelveil.attacks.learned.tensors import to_tensor
from pixelveil.attacks.measures import ssim


@pytest.mark.parametrize("shape", [(32, 32), (31, 17), (4, 4), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_networks_of_any_size_start_as_nothing(shape, channels):
    images = torch.rand(2, channels, *shape)
    for network in (u_net(channels, 5, width=4), block_network(channels, 5, block=4, width=4)):
        found = network(images)
        assert found.shape == (2, 5, *shape)
        assert not found.any()


def test_every_weight_learns_once_the_last_ones_have():
    images, wanted = torch.rand(4, 3, 16, 16), torch.rand(4, 2, 16, 16)
    for network in (u_net(3, 2, width=4), block_network(3, 2, block=4, width=4)):
        adam = torch.optim.Adam(network.parameters(), lr=1e-2)
        losses = []
        for _ in range(40):
            loss = ((network(images) - wanted) ** 2).mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
            losses.append(loss.item())
        assert losses[-1] < losses[0] / 2
        assert all(one.grad.abs().sum() > 0 for one in network.parameters())


def test_order_statistics_forget_the_order_and_the_sign():
    generator = torch.Generator().manual_seed(0)
    blocks = torch.rand(2, 48, 3, 2, generator=generator) * 2 - 1
    moved = blocks[:, torch.randperm(48, generator=generator)]
    images, others = (torch.nn.functional.pixel_shuffle(one, 4) for one in (blocks, moved))
    first, second = order_statistics(images, block=4), order_statistics(others, block=4)
    assert first.shape == (2, 64, 3, 2)
    assert torch.equal(first, second)
    inverted = order_statistics(-images, block=4)
    assert torch.equal(inverted[:, 32:], first[:, 32:])
    assert torch.allclose(inverted[:, :32], -first[:, :32].flip(1))


def test_the_structural_part_is_the_measure_with_the_population_s_covariance():
    generator = np.random.default_rng(0)
    first, second = generator.integers(256, size=(2, 1, 40, 40, 3), dtype=np.uint8)
    second = first // 2 + second // 2
    pair = to_tensor(first).double(), to_tensor(second).double()
    part = structural_loss(*pair, weight=1.0) - structural_loss(*pair, weight=0.0)
    assert 1 - part.item() == pytest.approx(float(ssim(first, second)[0]), abs=0.003)
    assert structural_loss(pair[0], pair[0]).item() == pytest.approx(0, abs=1e-9)


def test_small_images_have_a_loss_too():
    assert structural_loss(torch.zeros(1, 1, 3, 3), torch.ones(1, 1, 3, 3)).isfinite()
