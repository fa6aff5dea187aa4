"""ELE-AdaptNet: a sub-network for each block position and a learned matrix that puts blocks back in order."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from pixelveil.errors import UsageError
from pixelveil.models.adaptation.settings import AdaptationSettings

__all__ = ["EleAdaptation", "PositionalBlocks", "ele_fits", "ele_parameters", "permutation_loss", "variation_loss"]

_OUT = 16
_LARGEST = 50_000_000
_PERMUTATION_WEIGHT = 1e-3
_VARIATION_WEIGHT = 0.1
_SMOOTH_CHANNELS = 3


class EleAdaptation(nn.Module):
    """Read each block with a sub-network of its own, mix the N blocks by a matrix U, and shuffle to full resolution.

    1. Block position j has its own convolution B x B with stride B, ``3 -> 16 B^2``, spectrally normalized, without
       bias; batch normalization over the batch alone; leaky ReLU of slope 0.2: a vector ``f_j``.
    2. ``h_k = sum_j f_j U_jk`` with the pseudo permutation matrix U (N x N), free of constraints.
    3. Pixel shuffle by B: 16 x H x W.

    Training adds ``auxiliary_loss``. Source: Madono, Tanaka, Onishi and Ogawa, AAAI-WS (2020), arXiv 2001.07761,
    section 3 and equations 5, 7 and 8; sizes as in the author's program.

    Args:
        settings: Of the images: block size and image size.

    Raises:
        UsageError: It would have more than 50 million parameters.
    """

    out_channels = _OUT

    def __init__(self, settings: AdaptationSettings) -> None:
        super().__init__()
        if not ele_fits(settings):
            raise UsageError(
                f"ELE-AdaptNet for {settings.blocks**2} blocks of {settings.block_size} pixels would have "
                f"{ele_parameters(settings):,} parameters",
                hint="take the adaptation 'le', or smaller images and blocks",
            )
        self.grid = settings.blocks
        self.block_size = settings.block_size
        wide = _OUT * settings.block_size**2
        self.blocks = PositionalBlocks(positions=self.grid**2, entries=3 * settings.block_size**2, out=wide)
        self.normalize = nn.BatchNorm1d(self.grid**2 * wide)  # a mean and a deviation for each position and channel
        self.permutation = nn.Parameter(torch.empty(self.grid**2, self.grid**2))
        nn.init.kaiming_uniform_(self.permutation, a=math.sqrt(5))
        self._adapted: Tensor | None = None

    def forward(self, batch: Tensor) -> Tensor:
        """Return features (n, 16, H, W) of normalized images (n, 3, H, W)."""
        entries = functional.pixel_unshuffle(batch, self.block_size).flatten(2).transpose(1, 2)  # (n, N, L)
        read = self.blocks(entries)
        read = functional.leaky_relu(self.normalize(read.flatten(1)).view_as(read), 0.2)
        mixed = read.transpose(1, 2) @ self.permutation  # (n, 16 B^2, N)
        adapted = functional.pixel_shuffle(mixed.reshape(len(batch), -1, self.grid, self.grid), self.block_size)
        self._adapted = adapted if self.training else None
        return adapted

    def auxiliary_loss(self) -> Tensor:
        """Return ``1e-3 L_U + 0.1 L_s`` of the batch that was just seen: a scalar to add to the classifier's loss."""
        loss = _PERMUTATION_WEIGHT * permutation_loss(self.permutation)
        if self._adapted is not None:
            loss = loss + _VARIATION_WEIGHT * variation_loss(self._adapted.float())
            self._adapted = None  # the graph of a batch must not outlive it
        return loss


class PositionalBlocks(nn.Module):
    """A linear map of its own for each block position, divided by its largest singular value.

    The value is estimated by one step of power iteration a batch (Miyato et al., ICLR 2018), for all positions at
    once.

    Args:
        positions: N.
        entries: Numbers in a block, L.
        out: Numbers that come of them.
    """

    left: Tensor

    def __init__(self, *, positions: int, entries: int, out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(positions, entries, out))
        bound = 1 / math.sqrt(entries)  # as PyTorch begins its convolutions
        nn.init.uniform_(self.weight, -bound, bound)
        self.register_buffer("left", functional.normalize(torch.randn(positions, 1, entries), dim=2))
        with torch.no_grad():
            for _ in range(15):
                self._iterate()

    def forward(self, blocks: Tensor) -> Tensor:
        """Return (n, N, out) of blocks (n, N, L)."""
        if self.training:
            with torch.no_grad():
                self._iterate()
        # A copy: the next step's iteration changes the buffer while this one's gradient still needs it.
        left = self.left.clone()
        with torch.no_grad():
            right = functional.normalize(left @ self.weight, dim=2)
        largest = (left @ self.weight @ right.transpose(1, 2)).clamp_min(1e-12)
        read: Tensor = torch.einsum("npl,plo->npo", blocks, self.weight / largest)
        return read

    def _iterate(self) -> None:
        right = functional.normalize(self.left @ self.weight, dim=2)
        self.left.copy_(functional.normalize(right @ self.weight.transpose(1, 2), dim=2))


def ele_parameters(settings: AdaptationSettings) -> int:
    """Return how many parameters `EleAdaptation` has.

    >>> ele_parameters(AdaptationSettings(image_size=32, block_size=4))
    823296
    """
    positions, wide = settings.blocks**2, _OUT * settings.block_size**2
    return positions * wide * (3 * settings.block_size**2 + 2) + positions**2


def ele_fits(settings: AdaptationSettings) -> bool:
    """Tell whether `EleAdaptation` is built for such images: up to 50 million parameters."""
    return ele_parameters(settings) <= _LARGEST


def permutation_loss(matrix: Tensor) -> Tensor:
    """Return how far a matrix is from having one entry in each row and column (equation 7).

    ``L_U = (1/N^2) [sum_i (|U_i.|_1 - |U_i.|_2) + sum_j (|U_.j|_1 - |U_.j|_2)]``, zero iff no row and no column has
    more than one entry.

    Args:
        matrix: Shape (N, N).

    >>> float(permutation_loss(torch.eye(4))), float(permutation_loss(torch.ones(4, 4)))
    (0.0, 1.0)
    """
    size = matrix.abs()
    rows = size.sum(dim=1) - torch.linalg.vector_norm(matrix, dim=1)
    columns = size.sum(dim=0) - torch.linalg.vector_norm(matrix, dim=0)
    total: Tensor = rows.sum() + columns.sum()
    return total / matrix.numel()


def variation_loss(features: Tensor) -> Tensor:
    """Return the total variation of adapted features (equation 8), as the author's program computes it.

    The squared forward differences of the first three channels on the grid without its last row and column, summed
    and divided by the batch and by ``(H - 1) W C``.

    Args:
        features: Shape (n, C, H, W).

    >>> float(variation_loss(torch.ones(2, 16, 8, 8)))
    0.0
    """
    count, channels, height, width = features.shape
    seen = features[:, :_SMOOTH_CHANNELS]
    corner = seen[..., :-1, :-1]
    down, across = seen[..., 1:, :-1] - corner, seen[..., :-1, 1:] - corner
    return (down.square().sum() + across.square().sum()) / (count * (height - 1) * width * channels)
