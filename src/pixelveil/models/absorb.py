"""The algebra of model encryption, on tensors alone.

A plan turns the block x of an image (grey levels 0..255) into ``y = A x + c`` and puts block ``order[j]`` at place j.
The model reads ``(v/255 - mean) / std``. With mu and D the mean and deviation of each value of a block, its patch
embedding ``e = W u + b`` gives the same tokens on encrypted pixels as before on plain ones when ::

    W' = W D^-1 A^-1 D          b' = b + W D^-1 [A^-1 (mu - c/255) - mu]

which is exact for any invertible A, any mean and any deviation. The tokens then stand in the order of the encrypted
blocks, and what depends on a token's position follows: row j of a position table becomes row ``order[j]``.

After Kiya, Iijima, MaungMaung, Kinoshita, "Image and Model Transformation with Secret Key for Vision Transformer",
IEICE Trans. E106-D(1), 2023; the correction for mean and deviation removes its restriction to 1/2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pixelveil.models.layout import Embedding, Gather, Layout

__all__ = ["Undo", "absorb", "gather", "lift"]


@dataclass(frozen=True, repr=False)
class Undo:
    """What undoes a plan inside a patch, ``x = B y + d``, and how the plan ordered the patches.

    Args:
        matrix: B = A^-1, float64 (L, L), values of a patch in (row, column, channel) order.
        offset: d = -A^-1 c, float64 (L,), in grey levels 0..255.
        order: int64 (N,), source patch of each patch; None: patches stay.
    """

    matrix: Tensor
    offset: Tensor
    order: Tensor | None = None


def absorb(
    tensors: Mapping[str, Tensor], *, layout: Layout, undo: Undo, mean: Sequence[float], std: Sequence[float]
) -> dict[str, Tensor]:
    """Return the tensors of a stem under the plan that ``undo`` undoes.

    The arithmetic is float64; each result has the dtype and device of its tensor. Absorbing two plans one after the
    other is absorbing their composition.

    Args:
        tensors: All tensors that ``layout.names`` names; left as they are.
        layout: What they are.
        undo: The inverse of the plan inside patches, and its order.
        mean: Mean of each color component, on pixels in [0, 1].
        std: Deviation of each color component.

    Returns:
        New tensors of the same names.
    """
    result = {name: tensors[name].detach().clone() for name in layout.names}
    embedding = layout.embedding
    kernel, correction = _absorb_embedding(tensors[embedding.weight], embedding, undo=undo, mean=mean, std=std)
    result[embedding.weight].copy_(kernel)
    if undo.order is not None:
        for entry in layout.gathers:
            result[entry.name] = gather(result[entry.name], entry, order=undo.order)
    if embedding.bias:
        result[embedding.bias].copy_(result[embedding.bias].double().cpu() + correction)
    elif layout.shifted is not None:
        rows = _patch_rows(result[layout.shifted.name], layout.shifted, count=layout.patches)
        rows.copy_(rows.double().cpu() + correction)
    return result


def _absorb_embedding(
    weight: Tensor, embedding: Embedding, *, undo: Undo, mean: Sequence[float], std: Sequence[float]
) -> tuple[Tensor, Tensor]:
    """Return W' in the shape of W, and b' - b, both float64 on the CPU."""
    side, channels = embedding.patch_size, embedding.channels
    values = weight.detach().double().cpu()
    # Algebra is done in the plan's own order (row, column, channel); a convolution is brought to it and back.
    convolution = embedding.flatten == "chw"
    if convolution:
        values = values.reshape(len(values), channels, side, side).permute(0, 2, 3, 1)
    flat = values.reshape(len(values), -1)
    mu = torch.tensor(list(mean), dtype=torch.float64).repeat(side * side)
    deviation = torch.tensor(list(std), dtype=torch.float64).repeat(side * side)
    raw = flat / deviation
    correction = raw @ (undo.matrix @ mu + undo.offset / 255.0 - mu)
    kernel = (raw @ undo.matrix) * deviation
    if convolution:
        kernel = kernel.reshape(-1, side, side, channels).permute(0, 3, 1, 2)
    return kernel.reshape(weight.shape), correction


def gather(tensor: Tensor, entry: Gather, *, order: Tensor) -> Tensor:
    """Return the tensor with its patch entries in the block order; other entries stay.

    >>> rows = torch.tensor([[0], [10], [20], [30]])
    >>> gather(rows, Gather(name="table", axes=(0,), start=1), order=torch.tensor([2, 0, 1])).flatten().tolist()
    [0, 30, 10, 20]
    """
    shape = tensor.shape
    if entry.square:
        side = math.isqrt(tensor.numel())
        tensor = tensor.reshape(side, side)
    for axis in entry.axes:
        index = torch.arange(tensor.shape[axis])
        index[entry.start : entry.start + len(order)] = order.cpu() + entry.start
        tensor = tensor.index_select(axis, index.to(tensor.device))
    return tensor.reshape(shape)


def lift(matrix: Tensor, offset: Tensor, *, factor: int, side: int, channels: int) -> tuple[Tensor, Tensor]:
    """Return the map of a patch that does the same map in each of its blocks.

    Args:
        matrix: (l, l), the map inside one block.
        offset: (l,).
        factor: Blocks along one side of the patch.
        side: Side of a block in pixels.
        channels: Color components; l = side * side * channels.

    Returns:
        (L, L) and (L,) with L = factor**2 * l, values of the patch in (row, column, channel) order.

    >>> lift(torch.eye(3) * 2, torch.ones(3), factor=2, side=1, channels=3)[0].diagonal().tolist() == [2.0] * 12
    True
    """
    whole = factor * side
    places = torch.arange(whole * whole * channels).reshape(factor, side, factor, side, channels)
    blocks = places.permute(0, 2, 1, 3, 4).reshape(factor * factor, -1)
    large = torch.zeros(places.numel(), places.numel(), dtype=matrix.dtype)
    shift = torch.zeros(places.numel(), dtype=offset.dtype)
    for block in blocks:
        large[block[:, None], block[None, :]] = matrix
        shift[block] = offset
    return large, shift


def _patch_rows(table: Tensor, entry: Gather, *, count: int) -> Tensor:
    """Return a view of the rows of a position table that belong to patches."""
    return table.narrow(entry.axes[0], entry.start, count)
