"""Patch embeddings for keys that differ from block to block, in place of a convolution or a linear layer.

Let position j hold ``y_j = A_j x + c_j``. Two modules give the tokens of the plain image:

* `SignedEmbedding`, where every A_j is a signed permutation (EtC, per-block shuffling and flipping): one kernel, made
  for the key of position 0, and for each position an index and a sign that turn its key into that one. It takes a few
  megabytes.
* `DenseEmbedding`, for any invertible A_j: N kernels ``W_j = W D^-1 A_j^-1 D`` and N biases. It takes N times the
  memory of the plain kernel, all of which is read for every batch.

What they show: whoever holds either module can compute ``A_0 A_j^-1`` for all positions (the first one stores it, the
second gives it by comparing two kernels), so that to this reader a key per block is no more than one key for all. The
first kernel is hidden by the key of position 0 only, exactly as in a model with one key for all blocks: a public
checkpoint, one known image, or the smoothness of trained kernels gives it away, and then all images.

Training: the kernel of a `SignedEmbedding` learns from all positions as the plain model's does, and with mean and
deviation 1/2 takes its very steps. The kernels of a `DenseEmbedding` are independent parameters, each of which learns
from its own position alone: that is another model to train.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pixelveil.errors import UsageError
from pixelveil.models.layout import Layout

__all__ = ["DenseEmbedding", "SignedEmbedding", "per_position"]


class SignedEmbedding(nn.Module):
    """One kernel, and for each position the signed permutation that turns its key into the kernel's own.

    The values v of the patch at position j become ``scale[j] * v[index[j]] + shift[j]``, which the kernel then maps.
    ``scale`` is a sign times the ratio of two deviations; with ``shift`` it makes the result exact for any mean and
    deviation of the pre-processing, since gathering and flipping happen after it.

    Args:
        layer: The convolution or linear layer that it replaces; its parameters become this module's own.
        layout: Where the layer stands.
    """

    index: Tensor
    scale: Tensor
    shift: Tensor

    def __init__(self, layer: nn.Module, *, layout: Layout) -> None:
        super().__init__()
        self.weight, self.bias = _parameters(layer)
        self.convolution, self.image_size, self.grid = isinstance(layer, nn.Conv2d), layout.image_size, layout.grid
        weight, shape = self.weight, (layout.patches, self.weight[0].numel())
        self.register_buffer("index", torch.arange(shape[1], device=weight.device).repeat(shape[0], 1))
        self.register_buffer("scale", torch.ones(shape, dtype=weight.dtype, device=weight.device))
        self.register_buffer("shift", torch.zeros(shape, dtype=weight.dtype, device=weight.device))

    def forward(self, pixels: Tensor) -> Tensor:
        """Return what the replaced layer would return for the plain image: a map of tokens, or a sequence."""
        patches = _patches(pixels, image_size=self.image_size, grid=self.grid)
        turned = torch.addcmul(self.shift, patches.gather(2, self.index.expand_as(patches)), self.scale)
        tokens = functional.linear(turned, self.weight.flatten(1), self.bias)
        return _as_layer(tokens, grid=self.grid if self.convolution else None)

    def extra_repr(self) -> str:
        """Say what it holds."""
        return f"weight {tuple(self.weight.shape)}, {len(self.index)} signed permutations"


class DenseEmbedding(nn.Module):
    """A kernel and a bias for each position.

    Args:
        layer: The convolution or linear layer that it replaces; each position begins with its kernel and bias.
        layout: Where the layer stands.
    """

    def __init__(self, layer: nn.Module, *, layout: Layout) -> None:
        super().__init__()
        weight, bias = _parameters(layer)
        self.convolution, self.image_size, self.grid = isinstance(layer, nn.Conv2d), layout.image_size, layout.grid
        self.weight = _repeat(weight.flatten(1), layout.patches)
        self.bias = None if bias is None else _repeat(bias, layout.patches)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return what the replaced layer would return for the plain image: a map of tokens, or a sequence."""
        patches = _patches(pixels, image_size=self.image_size, grid=self.grid).transpose(0, 1)
        tokens = patches @ self.weight.transpose(1, 2)
        if self.bias is not None:
            tokens = tokens + self.bias[:, None]
        return _as_layer(tokens.transpose(0, 1), grid=self.grid if self.convolution else None)

    def extra_repr(self) -> str:
        """Say what it holds."""
        return f"weight {tuple(self.weight.shape)}"


def per_position(layer: nn.Module, *, layout: Layout) -> nn.Module:
    """Return the module of the layout's form that answers as a layer does.

    Args:
        layer: The patch embedding, with ``weight`` and perhaps ``bias``. Where it has the form already, it is returned.
        layout: Where it stands.
    """
    kind = {"shared": type(layer), "signed": SignedEmbedding, "dense": DenseEmbedding}[layout.form]
    return layer if isinstance(layer, kind) else kind(layer, layout=layout)


def _parameters(layer: nn.Module) -> tuple[nn.Parameter, nn.Parameter | None]:
    """Return weight and bias of a layer."""
    return layer.get_parameter("weight"), dict(layer.named_parameters(recurse=False)).get("bias")


def _repeat(tensor: Tensor, count: int) -> nn.Parameter:
    """Return a parameter that holds a tensor ``count`` times."""
    values = tensor.detach().expand(count, *tensor.shape).clone()
    return nn.Parameter(values, requires_grad=tensor.requires_grad)


def _patches(pixels: Tensor, *, image_size: tuple[int, int], grid: tuple[int, int]) -> Tensor:
    """Return the patches (n, N, L) of images (n, C, H, W), row by row, or of patches as they are.

    Raises:
        UsageError: There is not one patch for each position.
    """
    (height, width), (rows, columns) = image_size, grid
    image = pixels.ndim == 4
    if pixels.shape[2:] != image_size if image else pixels.shape[1] != rows * columns:
        raise UsageError(
            f"the model has a key for each of {rows}x{columns} patches; this input is {tuple(pixels.shape)}",
            hint=f"give images of {height}x{width}, the size that the model was encrypted for",
        )
    if not image:
        return pixels
    parts = pixels.reshape(len(pixels), -1, rows, height // rows, columns, width // columns)
    return parts.permute(0, 2, 4, 1, 3, 5).reshape(len(pixels), rows * columns, -1)


def _as_layer(tokens: Tensor, *, grid: tuple[int, int] | None) -> Tensor:
    """Return tokens (n, N, D) as the replaced layer gives them: a map (n, D, rows, columns), or without grid as is.

    In its memory order too, for models that normalize in float32 add up in that order.
    """
    shaped = tokens if grid is None else tokens.transpose(1, 2).reshape(len(tokens), -1, *grid)
    return shaped.contiguous()
