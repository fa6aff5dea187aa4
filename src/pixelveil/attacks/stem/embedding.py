"""A patch embedding in the units of an attacker: grey levels in (row, column, channel) order, whatever holds the key.

With normalization folded in, the token of a block x of the plain image is ``z = K x + k``. A key ``y = A x + c`` turns
that into ``K' = K A^-1`` and ``k' = k - K' c``, so that the encrypted model computes the very same z from y
(Kiya, Iijima, MaungMaung and Kinoshita, IEICE Trans. E106-D(1), 2023).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Images
from pixelveil.plans.geometry import flatten_order, split_blocks

if TYPE_CHECKING:
    from torch import Tensor

    from pixelveil.models.layout import Embedding, Gather, Layout

__all__ = ["Floats", "PatchEmbedding", "Turns", "as_array", "patch_rows", "read_embedding"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Turns:
    """What an encrypted model does to the block at each position before one kernel reads them all.

    It turns the key of each position into that of the first one, ``x[index] * sign + shift``; the server holds it.

    Args:
        index: int64 (N, L).
        sign: float64 (N, L), 1 or -1.
        shift: float64 (N, L), grey levels.
    """

    index: NDArray[np.int64] = field(repr=False)
    sign: Floats = field(repr=False)
    shift: Floats = field(repr=False)

    def apply(self, blocks: Floats) -> Floats:
        """Return blocks (n, N, L) under the key of the first position."""
        moved = np.take_along_axis(blocks, np.broadcast_to(self.index, blocks.shape), axis=2)
        result: Floats = moved * self.sign + self.shift
        return result


@dataclass(frozen=True, kw_only=True, eq=False)
class PatchEmbedding:
    """Tokens of blocks, ``z = K x + k``, without what depends on the position.

    Args:
        kernel: float64 (D, L), or (N, D, L) with one for each position.
        bias: float64 (D,) or (N, D).
        side: Side of a block in pixels.
        channels: Color components; L = side * side * channels.
        turns: What comes before; None: nothing.
    """

    kernel: Floats = field(repr=False)
    bias: Floats = field(repr=False)
    side: int
    channels: int
    turns: Turns | None = None

    @property
    def width(self) -> int:
        """Values of a token, D."""
        return int(self.kernel.shape[-2])

    @property
    def lanes(self) -> int:
        """Values of a block, L."""
        return int(self.kernel.shape[-1])

    @property
    def by_position(self) -> bool:
        """Whether each position has a kernel of its own."""
        return self.kernel.ndim == 3

    def blocks(self, images: Images) -> Floats:
        """Return the blocks of images (n, H, W, C) as one kernel reads them, float64 (n, N, L)."""
        blocks = split_blocks(images.astype(np.float64), block=(self.side, self.side))
        return blocks if self.turns is None else self.turns.apply(blocks)

    def tokens(self, images: Images) -> Floats:
        """Return the tokens that the model computes of images (n, H, W, C), grey levels: float64 (n, N, D)."""
        blocks = self.blocks(images)
        if self.by_position:
            products: Floats = np.einsum("ndl,bnl->bnd", self.kernel, blocks, optimize=True)
        else:
            products = blocks @ self.kernel.T
        result: Floats = products + self.bias
        return result


def read_embedding(
    tensors: Mapping[str, Tensor], *, layout: Layout, mean: Sequence[float], std: Sequence[float]
) -> PatchEmbedding:
    """Return the patch embedding among the tensors of a stem, with normalization folded in.

    Where the layer has no bias, the mean row of the position table counts as bias: a correction is added to all rows,
    and no block order changes their mean.

    Args:
        tensors: All tensors that ``layout.names`` names.
        layout: What they are, in any form.
        mean: Mean of each color component, on pixels in [0, 1].
        std: Deviation of each color component.
    """
    embedding, patches = layout.embedding, layout.patches
    places = flatten_order(
        block=(embedding.patch_size, embedding.patch_size), channels=embedding.channels, flatten=embedding.flatten
    )
    deviation, middle = (np.tile(np.asarray(part, np.float64), embedding.patch_size**2) for part in (std, mean))
    weight = as_array(tensors[embedding.weight])
    weight = weight if embedding.form == "dense" else weight.reshape(len(weight), -1)
    kernel = weight[..., places] / (255.0 * deviation)
    bias = np.zeros(kernel.shape[:-1])
    if embedding.bias:
        bias = bias + as_array(tensors[embedding.bias])
    if layout.shifted is not None:
        bias = bias + patch_rows(tensors[layout.shifted.name], layout.shifted, count=patches).mean(axis=0)
    return PatchEmbedding(
        kernel=kernel,
        bias=bias - kernel @ (255.0 * middle),
        side=embedding.patch_size,
        channels=embedding.channels,
        turns=_read_turns(tensors, embedding, places=places, mean=middle, deviation=deviation),
    )


def patch_rows(table: Tensor, entry: Gather, *, count: int) -> Floats:
    """Return what a position table holds for each patch, float64 (patches, values).

    Args:
        table: The tensor.
        entry: Which of its axes number patches; the first one is taken.
        count: Number of patches.
    """
    values = as_array(table)
    rows = np.take(values, np.arange(entry.start, entry.start + count), axis=entry.axes[0])
    return np.moveaxis(rows, entry.axes[0], 0).reshape(count, -1)


def as_array(tensor: Tensor) -> Floats:
    """Return a tensor as float64 array on the CPU."""
    values: Floats = tensor.detach().cpu().double().numpy()
    return values


def _read_turns(
    tensors: Mapping[str, Tensor], embedding: Embedding, *, places: NDArray[np.intp], mean: Floats, deviation: Floats
) -> Turns | None:
    """Return what a `SignedEmbedding` does to normalized values in its own order, on grey levels in ours."""
    if not embedding.maps:
        return None
    index, scale, shift = (as_array(tensors[name])[:, places] for name in embedding.maps)
    back = np.argsort(places)
    source = back[index.astype(np.int64)]
    sign = scale * deviation / deviation[source]
    level = deviation * shift + mean - sign * mean[source]
    return Turns(index=source, sign=sign, shift=255.0 * level)
