import pytest
import torch
from torch import nn

from pixelveil.attacks.learned.cells import Cells
from pixelveil.attacks.learned.fitting import reproducible
from pixelveil.attacks.learned.gan_networks import block_generator, discriminator, generator_of, pixel_generator

PIXELS = Cells(rows=32, columns=32, taken=(1, 1, 3), given=(1, 1, 3))
BLOCKS = Cells(rows=8, columns=8, taken=(4, 4, 3), given=(4, 4, 3))


def weights(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_published_sizes():
    pixels = 3 * 64 + 64 * 128 + 128 * 256 + 256 * 3 + (64 + 128 + 256 + 3) + 2 * (64 + 128 + 256)
    assert weights(pixel_generator(inputs=3, outputs=3)) == pixels
    blocks = 48 * 48 + 48 * 48 + 48 * 512 + 32 * 3 + (48 + 48 + 512 + 3) + 2 * (48 + 48 + 512)
    assert weights(block_generator(cells=BLOCKS, hidden=48)) == blocks
    assert weights(discriminator(channels=3, side=32)) == 3 * 64 * 16 + 64 * 128 * 16 + 128 * 16 + 64 + 128 + 1


@pytest.mark.parametrize(
    "cells",
    [
        PIXELS,
        BLOCKS,
        Cells(rows=4, columns=12, taken=(8, 8, 1), given=(8, 8, 1)),  # planes side by side
        Cells(rows=2, columns=2, taken=(1, 1, 64), given=(16, 16, 3)),  # codes of patches
        Cells(rows=1, columns=1, taken=(24, 16, 3), given=(32, 24, 3)),  # a matrix for the whole image
    ],
    ids=str,
)
def test_shapes(cells):
    seen = torch.zeros(2, cells.taken[2], cells.rows * cells.taken[0], cells.columns * cells.taken[1])
    height, width, channels = cells.image_shape
    assert generator_of(cells, width=4, features=2)(seen).shape == (2, channels, height, width)


def test_pixels_and_blocks_are_read_alone():
    for cells, reach in ((PIXELS, 1), (BLOCKS, 4)):
        with reproducible(0):
            network = generator_of(cells, width=16, features=8).eval()
            one = torch.rand(1, 3, 32, 32)
        other = one.clone()
        other[:, :, 0, 0] += 1
        changed = (network(one) != network(other)).any(dim=1)[0]
        assert changed[:reach, :reach].any()
        assert not changed[reach:].any()
        assert not changed[:, reach:].any()


def test_one_figure_for_images_of_the_published_size_and_several_for_larger_ones():
    assert discriminator(channels=3, side=32, width=4)(torch.zeros(5, 3, 32, 32)).shape == (5, 1)
    assert discriminator(channels=1, side=48, width=4)(torch.zeros(5, 1, 48, 64)).shape[0] == 5
    assert discriminator(channels=1, side=8, width=4)(torch.zeros(5, 1, 8, 8)).shape[0] == 5


def test_weights_are_drawn_as_published_and_again():
    drawn, again = [], []
    for networks in (drawn, again):
        with reproducible(1):
            networks.append(generator_of(PIXELS, width=64, features=32))
    for one, other in zip(drawn[0].parameters(), again[0].parameters(), strict=True):
        assert torch.equal(one, other)
    convolution, norm = drawn[0][6], drawn[0][7]
    assert isinstance(convolution, nn.Conv2d)
    assert convolution.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert norm.weight.mean().item() == pytest.approx(1, abs=0.01)


def test_no_network_has_a_last_activation():
    for cells in (PIXELS, BLOCKS):
        names = [type(layer).__name__ for layer in generator_of(cells, width=4, features=2).modules()]
        assert not {"Tanh", "Sigmoid"} & set(names)
        assert names[-1] == "Conv2d"
