"""The generator: shapes of the paper, any size, instance normalization."""

import pytest

from pixelveil.schemes.learned.generator import generator, generator_shapes

torch = pytest.importorskip("torch")


def weights_for(**size):
    draws = torch.Generator().manual_seed(0)
    return {name: torch.rand(shape, generator=draws) - 0.5 for name, shape in generator_shapes(**size).items()}


def test_six_blocks_are_the_published_ones():
    shapes = generator_shapes()
    assert shapes["first/kernel"] == (64, 3, 7, 7)
    assert shapes["block5/1/kernel"] == (256, 256, 3, 3)
    assert "block6/0/kernel" not in shapes
    total = sum(torch.Size(shape).numel() for shape in shapes.values())
    assert total == 7837699  # that of the published 128-pixel generator


@pytest.mark.parametrize("side", [(16, 16), (1, 1), (7, 19), (33, 8), (4, 5)])
def test_any_size_stays(side):
    images = torch.rand(2, 3, *side)
    made = generator(images, weights_for(width=2, blocks=1))
    assert made.shape == images.shape
    assert made.min() >= 0
    assert made.max() <= 1


def test_brightness_and_contrast_of_the_input_hardly_matter():
    """The first instance normalization takes them out, but for the border constant of variances."""
    weights, images = weights_for(width=2, blocks=1), torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(generator(images * 0.5 + 0.2, weights), generator(images, weights), atol=1e-3, rtol=0)


def test_images_of_a_batch_do_not_meet():
    weights, images = weights_for(width=2, blocks=1), torch.rand(3, 3, 8, 8)
    together = generator(images, weights)
    alone = torch.cat([generator(image[None], weights) for image in images])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=0)
