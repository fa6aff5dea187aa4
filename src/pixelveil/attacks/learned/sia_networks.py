"""The networks of SIA-GAN: one adaptation network for each block position, a feature decoder, a discriminator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pixelveil.attacks.learned.cells import Cells

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    Turns = tuple[NDArray[np.float32], NDArray[np.float32]]

__all__ = ["adaptation_network", "attention_discriminator", "feature_decoder", "sia_generator"]

_SLOPE = 0.1
_ALONE = 0.1
"""Of each position's own part beside the common weights, where their turns are known."""


def adaptation_network(*, cells: Cells, channels: int = 16, turns: Turns | None = None) -> nn.Module:
    """Return one convolution for each block position (spectral norm, no bias), batch norm, leaky ReLU, pixel shuffle.

    The convolutions are as large as blocks and move by blocks, so that each is one matrix; all are kept together.

    Args:
        cells: What is read for what.
        channels: Of each pixel of the result; 16 as published.
        turns: Isometries that carry ciphertexts over to images (`Moments.turns`): weights start as common ones, turned.
            None: each position starts from its own.

    Returns:
        From (n, c, H', W') to (n, channels, H, W).
    """
    import torch
    from torch import nn

    tall, wide, _ = cells.given
    width = channels * tall * wide

    class Adaptation(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(cells.count, width, cells.lanes) / cells.lanes**0.5)
            if turns is not None:
                left, right = (torch.from_numpy(side) for side in turns)
                common = torch.randn(width, left.shape[2]) / left.shape[2] ** 0.5
                self.weight.data.mul_(_ALONE).add_(common @ left.transpose(1, 2) @ right)
            self.norm = nn.BatchNorm1d(cells.count * width)
            self.register_buffer("left", torch.nn.functional.normalize(torch.randn(cells.count, width), dim=1))

        def forward(self, images: Tensor) -> Tensor:
            parts = _split(images, cells).transpose(0, 1)
            values = (parts @ self._normal().transpose(1, 2)).transpose(0, 1)
            values = self.norm(values.flatten(1)).view(len(images), cells.rows, cells.columns, channels, tall, wide)
            joined = values.permute(0, 3, 1, 4, 2, 5).reshape(
                len(images), channels, cells.rows * tall, cells.columns * wide
            )
            return nn.functional.leaky_relu(joined, _SLOPE)

        def _normal(self) -> Tensor:
            with torch.no_grad():
                left = self.get_buffer("left")
                right = nn.functional.normalize(torch.einsum("pod,po->pd", self.weight, left), dim=1)
                if self.training:
                    left.copy_(nn.functional.normalize(torch.einsum("pod,pd->po", self.weight, right), dim=1))
            norms = torch.einsum("pod,po,pd->p", self.weight, left.clone(), right)
            return self.weight / norms.clamp_min(1e-6)[:, None, None]

    return Adaptation()


def feature_decoder(*, channels: int = 16, width: int = 64, outputs: int = 3) -> nn.Module:
    """Return the feature decoder: 3x3 convolutions with spectral norm, three residual blocks; no tanh.

    Args:
        channels: That the adaptation network gives.
        width: 64 as published.
        outputs: Channels of an image.
    """
    from torch import nn

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            first, last = _normal_convolution(width, width), _normal_convolution(width, width)
            self.inner = nn.Sequential(first, nn.BatchNorm2d(width), nn.LeakyReLU(_SLOPE), last, nn.BatchNorm2d(width))

        def forward(self, values: Tensor) -> Tensor:
            result: Tensor = values + self.inner(values)
            return result

    def stage(inputs: int) -> list[nn.Module]:
        return [_normal_convolution(inputs, width), nn.BatchNorm2d(width), nn.LeakyReLU(_SLOPE)]

    residuals = [Residual() for _ in range(3)]
    return nn.Sequential(*stage(channels), *residuals, *stage(width), _normal_convolution(width, outputs))


def sia_generator(*, cells: Cells, channels: int = 16, width: int = 64, turns: Turns | None = None) -> nn.Module:
    """Return both as one network, 1.09 million parameters for 4x4 blocks of 32x32 images, 0.35 million for pixels.

    Args:
        cells: What is read for what.
        channels: Between the two.
        width: Of the decoder.
        turns: See `adaptation_network`.
    """
    from torch import nn

    return nn.Sequential(
        adaptation_network(cells=cells, channels=channels, turns=turns),
        feature_decoder(channels=channels, width=width, outputs=cells.given[2]),
    )


def attention_discriminator(*, shape: tuple[int, int, int], width: int = 128) -> nn.Module:
    """Return the discriminator: three stages that halve the side, self-attention, one convolution, attention, linear.

    13.36 million parameters for 32x32 images; every layer has spectral norm.

    Args:
        shape: (H, W, C) of images; sides of at least 8.
        width: Of the first stage, then twice, four times and eight times as wide; 128 as published.

    Returns:
        From (n, C, H, W) to logits (n, 1).
    """
    from torch import nn
    from torch.nn.utils.parametrizations import spectral_norm

    height, wide, inputs = shape
    layers: list[nn.Module] = []
    for factor in (1, 2, 4):
        layers += [_normal_convolution(inputs, factor * width), nn.LeakyReLU(_SLOPE)]
        inputs = factor * width
        halved = spectral_norm(nn.Conv2d(inputs, inputs, 4, stride=2, padding=1))
        layers += [halved, nn.LeakyReLU(_SLOPE)]
    layers += [_self_attention(inputs), _normal_convolution(inputs, 2 * inputs), nn.LeakyReLU(_SLOPE)]
    layers += [_self_attention(2 * inputs), nn.Flatten()]
    return nn.Sequential(*layers, spectral_norm(nn.Linear(2 * inputs * (height // 8) * (wide // 8), 1)))


def _normal_convolution(inputs: int, outputs: int) -> nn.Module:
    from torch import nn
    from torch.nn.utils.parametrizations import spectral_norm

    return spectral_norm(nn.Conv2d(inputs, outputs, 3, padding=1))


def _self_attention(channels: int) -> nn.Module:
    """Return self-attention over pixels that starts as nothing (Zhang et al., ICML 2019)."""
    import torch
    from torch import nn
    from torch.nn.utils.parametrizations import spectral_norm

    class SelfAttention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            few = max(channels // 8, 1)
            self.query, self.key, self.value = (
                spectral_norm(nn.Conv2d(channels, outputs, 1)) for outputs in (few, few, channels)
            )
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, values: Tensor) -> Tensor:
            query, key, value = (part(values).flatten(2) for part in (self.query, self.key, self.value))
            attention = (query.transpose(1, 2) @ key).softmax(dim=2)
            seen: Tensor = (value @ attention.transpose(1, 2)).view_as(values)
            return values + self.weight * seen

    return SelfAttention()


def _split(images: Tensor, cells: Cells) -> Tensor:
    """Return tensors (n, c, H', W') as (n, cells, lanes), in the order of `Cells.split_encrypted`."""
    tall, wide, channels = cells.taken
    parts = images.view(len(images), channels, cells.rows, tall, cells.columns, wide)
    return parts.permute(0, 2, 4, 3, 5, 1).reshape(len(images), cells.count, cells.lanes)
