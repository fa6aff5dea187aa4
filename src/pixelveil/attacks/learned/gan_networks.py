"""The networks of the GAN attack: generators that read pixels or blocks, and a discriminator of images."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from pixelveil.attacks.learned.cells import Cells

if TYPE_CHECKING:
    from torch import nn

__all__ = ["block_generator", "discriminator", "generator_of", "pixel_generator", "published_weights"]

_DEVIATION = 0.02
_SLOPE = 0.2
_KERNEL = 4
_POOL = 3


def pixel_generator(*, inputs: int, outputs: int, width: int = 64) -> nn.Module:
    """Return 1x1 convolutions, inputs -> w -> 2w -> 4w -> outputs, batch norm and ReLU between; no tanh.

    Args:
        inputs: Channels of a ciphertext.
        outputs: Channels of an image.
        width: w; 64 as published.
    """
    from torch import nn

    layers: list[nn.Module] = []
    for factor in (1, 2, 4):
        layers += [nn.Conv2d(inputs, factor * width, 1), nn.BatchNorm2d(factor * width), nn.ReLU()]
        inputs = factor * width
    return nn.Sequential(*layers, nn.Conv2d(inputs, outputs, 1))


def block_generator(*, cells: Cells, hidden: int, features: int = 32) -> nn.Module:
    """Return a convolution of the size of a block, two 1x1, each block spread over its pixels, one more; no tanh.

    Args:
        cells: What is read for what.
        hidden: Channels of a block between; its number of values as published.
        features: Channels of a pixel before the last convolution; 32 as published.
    """
    from torch import nn

    tall, wide, outputs = cells.given
    spread: nn.Module = nn.PixelShuffle(tall)
    if cells.count == 1:  # the only cells that need not be square
        spread = nn.Sequential(nn.Flatten(), nn.Unflatten(1, (features, tall, wide)))
    widths = (hidden, hidden, features * tall * wide)
    first = nn.Conv2d(cells.taken[2], hidden, cells.taken[:2], stride=cells.taken[:2])
    layers: list[nn.Module] = [first, nn.BatchNorm2d(hidden), nn.ReLU()]
    for before, after in itertools.pairwise(widths):
        layers += [nn.Conv2d(before, after, 1), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, spread, nn.Conv2d(features, outputs, 1))


def generator_of(cells: Cells, *, width: int, features: int) -> nn.Module:
    """Return the generator for a scheme's cells, whose weights are drawn from PyTorch's generator.

    Args:
        cells: What is read for what.
        width: Of a generator of pixels; 64 as published. Blocks have at most four times as many channels.
        features: Of a generator of blocks; 32 as published.
    """
    if cells.taken[:2] == cells.given[:2] == (1, 1):
        network = pixel_generator(inputs=cells.taken[2], outputs=cells.given[2], width=width)
    else:
        network = block_generator(cells=cells, hidden=min(cells.lanes, 4 * width), features=features)
    return published_weights(network)


def discriminator(*, channels: int, side: int, width: int = 64) -> nn.Module:
    """Return the discriminator: two 4x4 convolutions of stride 2 (w, 2w), one of stride 1, maxima; logits.

    32 -> 16 -> 8 -> 5 -> 1 pixels a side; of larger images each part is judged, of smaller ones the kernels shrink.
    Only the second convolution has spectral norm. A logit instead of the published sigmoid gives the same loss.

    Args:
        channels: Of images.
        side: The smaller of height and width, at least 4.
        width: w; 64 as published.
    """
    from torch import nn
    from torch.nn.utils.parametrizations import spectral_norm

    kernel = min(_KERNEL, side // 4)
    pool = min(_POOL, side // 4 - kernel + 1)
    network = nn.Sequential(
        nn.Conv2d(channels, width, 4, stride=2, padding=1),
        nn.LeakyReLU(_SLOPE),
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
        nn.LeakyReLU(_SLOPE),
        nn.Conv2d(2 * width, 1, kernel),
        nn.MaxPool2d(pool),
        nn.Flatten(),
    )
    published_weights(network)
    spectral_norm(network[2])
    return network


def published_weights(network: nn.Module) -> nn.Module:
    """Draw weights of convolutions from N(0, 0.02), of batch norms from N(1, 0.02), set biases to 0; return it."""
    from torch import nn

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
            mean = 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0
            nn.init.normal_(module.weight, mean, _DEVIATION)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network
