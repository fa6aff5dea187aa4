"""The algebra of model encryption, on tensors alone.

A plan turns the block x of an image (grey levels 0..255) into ``y = A x + c`` and puts block ``order[j]`` at place j.
The model reads ``(v/255 - mean) / std``. With mu and D the mean and deviation of each value of a block, its patch
embedding ``e = W u + b`` gives the same tokens on encrypted pixels as before on plain ones when ::

    W' = W D^-1 A^-1 D          b' = b + W D^-1 [A^-1 (mu - c/255) - mu]

which is exact for any invertible A, any mean and any deviation. The tokens then stand in the order of the encrypted
blocks, and what depends on a token's position follows: row j of a position table becomes row ``order[j]``.

Where A and c differ from block to block there is a kernel for each position; where they differ by signed permutations
only, one kernel for the key of the first position, and what turns each position's key into that one.

After Kiya, Iijima, MaungMaung, Kinoshita, "Image and Model Transformation with Secret Key for Vision Transformer",
IEICE Trans. E106-D(1), 2023; the correction for mean and deviation removes its restriction to 1/2. Kernels by position
after Lin, Imaizumi, Kiya, Information 15(11), 723, 2024.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pixelveil.errors import UsageError
from pixelveil.models.layout import Embedding, Form, Gather, Layout
from pixelveil.plans.geometry import flatten_order
from pixelveil.plans.signed import SignedPermutations

__all__ = ["Undo", "absorb", "gather", "invert", "lift", "restore"]


@dataclass(frozen=True, repr=False)
class Undo:
    """What undoes a plan inside a patch, ``x = B y + d``, and how the plan ordered the patches.

    Args:
        matrix: B = A^-1, float64 (L, L), values of a patch in (row, column, channel) order; of the first patch where
            patches differ.
        offset: d = -A^-1 c, float64 (L,), in grey levels 0..255; of the first patch where patches differ.
        order: int64 (N,), source patch of each patch; None: patches stay.
        turns: Where patches differ by signed permutations: what turns each patch into what the first patch's map
            would have made of it.
        each: Where patches differ otherwise: gives B and d of a patch by its number. One at a time, for all of them
            take a gigabyte.
    """

    matrix: Tensor
    offset: Tensor
    order: Tensor | None = None
    turns: SignedPermutations | None = None
    each: Callable[[int], tuple[Tensor, Tensor]] | None = None

    @property
    def form(self) -> Form:
        """The form of patch embedding that absorbs it."""
        return "dense" if self.each is not None else "shared" if self.turns is None else "signed"

    def inverted(self) -> Undo:
        """Return what does the plan again, turns left out: ``y = A x + c``, back in the order before."""
        order, each = None if self.order is None else torch.argsort(self.order), self.each

        def again(patch: int) -> tuple[Tensor, Tensor]:
            if each is None:
                return invert(self.matrix, self.offset)
            return invert(*each(patch if order is None else int(order[patch])))

        matrix, offset = invert(self.matrix, self.offset)
        return Undo(matrix=matrix, offset=offset, order=order, each=None if each is None else again)


def absorb(
    tensors: Mapping[str, Tensor], *, layout: Layout, undo: Undo, mean: Sequence[float], std: Sequence[float]
) -> dict[str, Tensor]:
    """Return the tensors of a stem under the plan that ``undo`` undoes.

    The arithmetic is float64; each result has the dtype and device of its tensor. Absorbing two plans one after the
    other is absorbing their composition, where neither has turns.

    Args:
        tensors: All tensors that ``layout.names`` names; left as they are.
        layout: What they are, in the form "shared" or "dense".
        undo: The inverse of the plan inside patches, and its order.
        mean: Mean of each color component, on pixels in [0, 1].
        std: Deviation of each color component.

    Returns:
        New tensors, all that ``layout.in_form(undo.form).names`` names.
    """
    result = {name: tensors[name].detach().clone() for name in layout.names}
    embedding = layout.embedding
    normal = _Normal.of(embedding, mean=mean, std=std)
    if undo.order is not None:
        for entry in layout.gathers:
            result[entry.name] = gather(result[entry.name], entry, order=undo.order)
    if undo.each is not None:
        kernels, corrections = _absorb_each(tensors[embedding.weight], undo.each, undo.order, normal, layout.patches)
    else:
        kernels, corrections = normal.absorb(tensors[embedding.weight], undo.matrix, undo.offset)
    result[embedding.weight] = kernels
    if undo.turns is not None:
        maps = normal.maps(undo.turns, like=kernels)
        result |= dict(zip(layout.in_form("signed").embedding.maps, maps, strict=True))
    if embedding.bias:
        bias = result[embedding.bias]
        if bias.ndim > 1 and undo.order is not None:
            bias = bias[undo.order.to(bias.device)]
        result[embedding.bias] = (bias.double().cpu() + corrections).to(bias)
    elif layout.shifted is not None:
        rows = _patch_rows(result[layout.shifted.name], layout.shifted, count=layout.patches)
        rows.copy_(rows.double().cpu() + corrections)
    return result


def restore(
    tensors: Mapping[str, Tensor], *, layout: Layout, undo: Undo, mean: Sequence[float], std: Sequence[float]
) -> tuple[dict[str, Tensor], Layout]:
    """Return the tensors before `absorb` with the same ``undo``, in float64, and their layout.

    Kernels by position stay kernels by position, for training may have changed them one by one.

    Args:
        tensors: All tensors that ``layout.names`` names.
        layout: What they are, in the form that holds the key.
        undo: What was absorbed.
        mean: Mean of each color component, on pixels in [0, 1].
        std: Deviation of each color component.
    """
    before = layout.in_form("dense" if layout.form == "dense" else "shared")
    # Order tables and indices are integers and stay so.
    exact = {name: value.double() if value.is_floating_point() else value for name, value in tensors.items()}
    return absorb(exact, layout=before, undo=undo.inverted(), mean=mean, std=std), before


@dataclass(frozen=True)
class _Normal:
    """The algebra in the values that a patch embedding sees: normalized, and in its own order.

    Args:
        mean: mu, float64 (L,), in (row, column, channel) order as plans are.
        deviation: The diagonal of D, likewise.
        places: int64 (L,), where the patch embedding has the value at each place of (row, column, channel) order.
    """

    mean: Tensor
    deviation: Tensor
    places: Tensor

    @classmethod
    def of(cls, embedding: Embedding, *, mean: Sequence[float], std: Sequence[float]) -> _Normal:
        """Return it for a patch embedding and the statistics of a model's pre-processing."""
        side = embedding.patch_size
        order = flatten_order(block=(side, side), channels=embedding.channels, flatten=embedding.flatten)
        values = [torch.tensor(list(part), dtype=torch.float64).repeat(side * side) for part in (mean, std)]
        return cls(mean=values[0], deviation=values[1], places=torch.from_numpy(np.ascontiguousarray(order)))

    def absorb(self, weight: Tensor, matrix: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
        """Return W' as W is, and b' - b, float64 (D,) on the CPU."""
        flat = weight.detach().double().cpu().flatten(1)
        raw = flat[:, self.places] / self.deviation
        correction = raw @ (matrix @ self.mean + offset / 255.0 - self.mean)
        kernel = torch.empty_like(flat)
        kernel[:, self.places] = (raw @ matrix) * self.deviation
        return kernel.reshape(weight.shape).to(weight), correction

    def maps(self, turns: SignedPermutations, *, like: Tensor) -> tuple[Tensor, ...]:
        """Return index, scale and shift of a `SignedEmbedding`, (N, L) each, in the dtype of its kernel.

        From ``y_0 = s y[i] + t`` and ``y/255 = D v + mu`` follows ``v_0 = D^-1 (s D[i] v[i] + s mu[i] + t/255 - mu)``.
        """
        index, sign = torch.from_numpy(turns.index), torch.from_numpy(turns.sign).double()
        scale = sign * self.deviation[index] / self.deviation
        shift = (sign * self.mean[index] + torch.from_numpy(turns.offset) / 255.0 - self.mean) / self.deviation
        found = []
        for values, dtype in ((self.places[index], torch.int64), (scale, like.dtype), (shift, like.dtype)):
            placed = torch.empty_like(values)
            placed[:, self.places] = values
            found.append(placed.to(device=like.device, dtype=dtype))
        return tuple(found)


def _absorb_each(
    weight: Tensor, each: Callable[[int], tuple[Tensor, Tensor]], order: Tensor | None, normal: _Normal, count: int
) -> tuple[Tensor, Tensor]:
    """Return the kernels (N, D, L) of all positions, and their corrections, float64 (N, D)."""
    width = weight.shape[1] if weight.ndim == 3 else weight.shape[0]
    kernels = weight.new_empty((count, width, len(normal.mean)))
    corrections = torch.empty((count, width), dtype=torch.float64)
    for position in range(count):
        source = position if order is None else int(order[position])
        plain = weight[source] if weight.ndim == 3 else weight.flatten(1)
        kernels[position], corrections[position] = normal.absorb(plain, *each(position))
    return kernels, corrections


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


def invert(matrix: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
    """Return what undoes ``M x + o``, as matrix and offset.

    Raises:
        UsageError: The matrix is singular.
    """
    inverse, failed = torch.linalg.inv_ex(matrix)
    if int(failed):
        raise UsageError(
            "a matrix of the plan is singular, so the plan cannot be undone", hint="use invertible matrices"
        )
    return inverse, -inverse @ offset


def lift(matrices: Tensor, *, factor: int, side: int, channels: int) -> Tensor:
    """Return the map of a patch from the maps of its blocks.

    Args:
        matrices: (l, l), the map inside every block, or (factor**2, l, l), one for each.
        factor: Blocks along one side of the patch.
        side: Side of a block in pixels.
        channels: Color components; l = side * side * channels.

    Returns:
        (L, L) with L = factor**2 * l, values of the patch in (row, column, channel) order.

    >>> lift(torch.eye(3) * 2, factor=2, side=1, channels=3).diagonal().tolist() == [2.0] * 12
    True
    """
    whole = factor * side
    places = torch.arange(whole * whole * channels).reshape(factor, side, factor, side, channels)
    blocks = places.permute(0, 2, 1, 3, 4).reshape(factor * factor, -1)
    large = torch.zeros(places.numel(), places.numel(), dtype=matrices.dtype)
    for block, matrix in zip(blocks, matrices.expand(len(blocks), *matrices.shape[-2:]), strict=True):
        large[block[:, None], block[None, :]] = matrix
    return large


def _patch_rows(table: Tensor, entry: Gather, *, count: int) -> Tensor:
    """Return a view of the rows of a position table that belong to patches."""
    return table.narrow(entry.axes[0], entry.start, count)
