"""Small networks of learned attacks: U-Nets that start as nothing, and fronts that see blocks without their order."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["block_network", "order_statistics", "structural_loss", "u_net"]

_NARROW = 0.2  # slope of leaky rectifiers below zero
_WINDOW = 7  # of the structural loss, as of the measure
_C1, _C2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
_RANKS = 32


def u_net(inputs: int, outputs: int, *, width: int, levels: int = 2, block: int = 2) -> nn.Module:
    """Return a U-Net whose output is 0 before the first step: what it learns is a correction of something.

    Squares of ``block`` pixels a side go to channels first and come back last, which makes it several times as fast.
    Each level has two 3x3 convolutions; between levels the side is halved by averages and the width doubled; the way
    back adds what the way down had. Images of any size: they are continued by their last values.

    Args:
        inputs: Channels of the input, (n, inputs, H, W).
        outputs: Channels of the output, (n, outputs, H, W).
        width: Channels at the first level.
        levels: How often the side is halved.
        block: Side of the squares.

    Source: Ronneberger, Fischer and Brox, MICCAI (2015), with sums in place of concatenations.
    """
    from torch import nn
    from torch.nn import functional

    class Residual(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.first = nn.Conv2d(channels, channels, 3, padding=1)
            self.second = nn.Conv2d(channels, channels, 3, padding=1)

        def forward(self, values: Tensor) -> Tensor:
            inner = self.first(functional.leaky_relu(values, _NARROW))
            result: Tensor = values + self.second(functional.leaky_relu(inner, _NARROW))
            return result

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            widths = [width * 2**level for level in range(levels + 1)]
            steps = list(itertools.pairwise(widths))
            self.enter = nn.Conv2d(inputs * block**2, width, 3, padding=1)
            self.down = nn.ModuleList([Residual(one) for one in widths])
            self.widen = nn.ModuleList([nn.Conv2d(less, more, 1) for less, more in steps])
            self.narrow = nn.ModuleList([nn.Conv2d(more, less, 1) for less, more in steps])
            self.up = nn.ModuleList([Residual(one) for one in widths[:-1]])
            self.leave = nn.Conv2d(width, outputs * block**2, 3, padding=1)
            nn.init.zeros_(self.leave.weight)
            nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

        def forward(self, images: Tensor) -> Tensor:
            tall, wide = images.shape[2:]
            multiple = block * 2**levels
            padded = functional.pad(images, (0, -wide % multiple, 0, -tall % multiple), mode="replicate")
            values = self.down[0](self.enter(functional.pixel_unshuffle(padded, block)))
            kept: list[Tensor] = []
            for level in range(levels):
                kept.append(values)
                values = self.down[level + 1](self.widen[level](functional.avg_pool2d(values, 2)))
            for level in reversed(range(levels)):
                larger = functional.interpolate(self.narrow[level](values), scale_factor=2.0, mode="nearest")
                values = self.up[level](larger + kept[level])
            return functional.pixel_shuffle(self.leave(values), block)[:, :, :tall, :wide]

    return UNet()


def block_network(inputs: int, outputs: int, *, block: int, width: int) -> nn.Module:
    """Return a network that sees each block as a whole, in its order and without it, and starts as nothing.

    A BxB convolution of stride B reads what has kept its place, sorted values what has not; a U-Net on the grid of
    blocks joins neighbors, and each of its cells becomes a block of pixels again.

    Args:
        inputs: Channels of the input, (n, inputs, H, W).
        outputs: Channels of the output, (n, outputs, H, W).
        block: Side of a block, B.
        width: Channels of a block.

    Source: the adaptation network of Madono et al., IEEE Access (2021), with sorted values as in its authors' code.
    """
    from torch import nn
    from torch.nn import functional

    class Blocks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            ranks = 2 * min(inputs * block**2, _RANKS)
            self.ordered = nn.Conv2d(inputs, width, block, stride=block)
            self.sorted = nn.Conv2d(ranks, width, 1)
            self.grid = u_net(width, outputs * block**2, width=width, levels=1, block=1)

        def forward(self, images: Tensor) -> Tensor:
            tall, wide = images.shape[2:]
            padded = functional.pad(images, (0, -wide % block, 0, -tall % block), mode="replicate")
            values = self.ordered(padded) + self.sorted(order_statistics(padded, block=block))
            return functional.pixel_shuffle(self.grid(values), block)[:, :, :tall, :wide]

    return Blocks()


def order_statistics(images: Tensor, *, block: int, most: int = _RANKS) -> Tensor:
    """Return what is left of each block when the order of its values is forgotten: some of them, sorted.

    Whatever moves values within a block leaves these alone; sorted distances from the middle do not change when values
    are inverted either.

    Args:
        images: (n, C, H, W) about [-1, 1], H and W multiples of the block.
        block: Side of a block.
        most: Ranks that are kept, evenly spread.

    Returns:
        (n, 2 r, H / block, W / block), r the ranks that are kept: of values, then of distances from the middle.

    >>> import torch
    >>> values = torch.tensor([[0.5, -1.0], [0.0, 0.25]]).reshape(1, 1, 2, 2)
    >>> order_statistics(values, block=2).flatten().tolist()
    [-1.0, 0.0, 0.25, 0.5, 0.0, 0.25, 0.5, 1.0]
    """
    import torch

    blocks = torch.nn.functional.pixel_unshuffle(images, block)
    size = blocks.shape[1]
    ranks = torch.linspace(0, size - 1, min(size, most)).round().long()
    return torch.cat([values.sort(dim=1).values[:, ranks] for values in (blocks, blocks.abs())], dim=1)


def structural_loss(found: Tensor, wanted: Tensor, *, weight: float = 0.1) -> Tensor:
    """Return ``|found - wanted| + weight * (1 - SSIM)``, both in the mean.

    Args:
        found: (n, C, H, W) about [-1, 1].
        wanted: Of the same shape.
        weight: Of the structural part, in windows of 7x7; of the whole image where it is smaller.
    """
    import torch

    window = min(_WINDOW, *found.shape[2:])

    def mean(values: Tensor) -> Tensor:
        return torch.nn.functional.avg_pool2d(values, window, stride=1)

    a, b = mean(found), mean(wanted)
    spread = mean(found**2) - a**2 + mean(wanted**2) - b**2
    both = mean(found * wanted) - a * b
    a, b = a + 1, b + 1  # luminance is measured from black
    ssim = (2 * a * b + _C1) * (2 * both + _C2) / ((a**2 + b**2 + _C1) * (spread + _C2))
    return (found - wanted).abs().mean() + weight * (1 - ssim.mean())
