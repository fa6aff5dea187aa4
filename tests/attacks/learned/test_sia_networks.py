import numpy as np
import pytest
import torch

from pixelveil.attacks.learned.cells import Cells
from pixelveil.attacks.learned.fitting import reproducible
from pixelveil.attacks.learned.sia_networks import adaptation_network, attention_discriminator, sia_generator

PIXELS = Cells(rows=32, columns=32, taken=(1, 1, 3), given=(1, 1, 3))
BLOCKS = Cells(rows=8, columns=8, taken=(4, 4, 3), given=(4, 4, 3))


def millions(network):
    return sum(parameter.numel() for parameter in network.parameters()) / 1e6


def test_published_sizes():
    assert millions(sia_generator(cells=BLOCKS)) == pytest.approx(1.09, rel=0.01)
    assert millions(sia_generator(cells=PIXELS)) == pytest.approx(0.35, rel=0.01)
    assert millions(attention_discriminator(shape=(32, 32, 3))) == pytest.approx(13.36, rel=0.01)


@pytest.mark.parametrize(
    "cells",
    [
        PIXELS,
        BLOCKS,
        Cells(rows=4, columns=12, taken=(8, 8, 1), given=(8, 8, 1)),  # planes side by side
        Cells(rows=2, columns=2, taken=(1, 1, 64), given=(16, 16, 3)),  # codes of patches
    ],
    ids=str,
)
def test_shapes(cells):
    seen = torch.rand(3, cells.taken[2], cells.rows * cells.taken[0], cells.columns * cells.taken[1])
    height, width, channels = cells.image_shape
    assert sia_generator(cells=cells, channels=2, width=4)(seen).shape == (3, channels, height, width)
    judged = attention_discriminator(shape=cells.image_shape, width=2)(torch.rand(3, channels, height, width))
    assert judged.shape == (3, 1)


def test_each_position_has_a_network_of_its_own_and_reads_its_block_alone():
    network = adaptation_network(cells=BLOCKS, channels=2).eval()
    one = torch.rand(1, 3, 32, 32)
    other = one.clone()
    other[:, :, 5, 9] += 1  # in the block at (1, 2)
    changed = (network(one) != network(other)).any(dim=1)[0]
    assert changed[4:8, 8:12].any()
    changed[4:8, 8:12] = False
    assert not changed.any()
    alike = network(torch.ones(1, 3, 32, 32))
    assert not torch.allclose(alike[:, :, :4, :4], alike[:, :, :4, 4:8])


def test_weights_have_spectral_norm_one():
    with reproducible(0), torch.no_grad():
        network = adaptation_network(cells=BLOCKS, channels=2).train()
        for _ in range(60):
            weights = network._normal()
        norms = torch.linalg.matrix_norm(weights, ord=2)
    torch.testing.assert_close(norms, torch.ones(64), rtol=0.1, atol=0)


def test_turned_positions_see_the_same():
    """Weights that start as common ones, turned, make of turned blocks what the common ones make of the blocks."""
    generator = np.random.default_rng(0)
    matrices = np.stack([np.linalg.qr(generator.normal(size=(3, 3)))[0] for _ in range(1024)]).astype(np.float32)
    identity = np.broadcast_to(np.eye(3, dtype=np.float32), (1024, 3, 3)).copy()
    with reproducible(0):
        network = adaptation_network(cells=PIXELS, turns=(identity, matrices)).train()
    pixels = torch.rand(8, 1, 3).expand(8, 1024, 3)
    hidden = torch.einsum("npd,pde->npe", pixels, torch.from_numpy(matrices)).reshape(8, 32, 32, 3).permute(0, 3, 1, 2)
    found = network(hidden.contiguous()).detach()
    assert found.std(dim=(2, 3)).mean() < 0.5 * found.std(dim=0).mean()
