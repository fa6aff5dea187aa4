"""`SignedPermutations`: plans that move, flip and shift the values of blocks, kept as index and sign.

A dense matrix for each of the 196 blocks of a 224x224 image takes 0.9 GB; as index and sign they take 1 MB.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.plans.affine import AffinePlan
from pixelveil.plans.geometry import BlockGrid, split_blocks
from pixelveil.plans.lane import LanePlan

__all__ = ["SignedPermutations", "signed_from_affine", "signed_from_lanes"]


@dataclass(frozen=True, eq=False, repr=False)
class SignedPermutations:
    """A map of each block that is a signed permutation with an offset, in grey levels 0..255.

    For block j of the result, with source block ``o = block_order[j]``::

        y_j[l] = sign[j, l] * x_o[index[j, l]] + offset[j, l]

    Args:
        index: Integers (N, L), one row for each block, or (1, L), one map for all.
        sign: int8, 1 or -1, of the same shape.
        offset: float64, of the same shape, grey levels.
        block: Height and width of a block in pixels. None: the whole image is one block.
        block_order: Integers (N,), the source block of each block. None: blocks stay.
    """

    index: NDArray[np.int64]
    sign: NDArray[np.int8]
    offset: NDArray[np.float64]
    block: tuple[int, int] | None
    block_order: NDArray[np.int64] | None = None

    def __repr__(self) -> str:
        """Say what its shape is; its content is the key."""
        return f"SignedPermutations({len(self.index)} maps of {self.index.shape[1]} values)"

    @property
    def shared(self) -> bool:
        """Whether all blocks have the same map."""
        return all(bool((part == part[:1]).all()) for part in (self.index, self.sign, self.offset))

    def row(self, block: int) -> SignedPermutations:
        """Return the map of one block alone, as a map for all blocks that stay."""
        one = slice(block, block + 1)
        return replace(self, index=self.index[one], sign=self.sign[one], offset=self.offset[one], block_order=None)

    def dense(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the maps as matrices (N, L, L) and offsets (N, L)."""
        matrix = np.zeros((*self.index.shape, self.index.shape[1]))
        np.put_along_axis(matrix, self.index[..., None], self.sign[..., None].astype(np.float64), axis=-1)
        return matrix, self.offset

    def to_first(self) -> SignedPermutations:
        """Return what turns every block's result into that of the first block's map: ``A_0 A_j^-1``.

        For ``y_j = A_j x + c_j`` it gives ``A_0 x + c_0``; blocks stay where they are.
        """
        back = np.argsort(self.index, axis=1)  # value k of the source lies at place back[j, k] of the result
        place = back[:, self.index[0]]
        sign = self.sign[:1] * np.take_along_axis(self.sign, place, axis=1)
        offset = self.offset[:1] - sign * np.take_along_axis(self.offset, place, axis=1)
        return replace(self, index=place, sign=sign, offset=offset, block_order=None)

    def in_patches(self, *, shape: tuple[int, int, int], side: int) -> SignedPermutations:
        """Return the same plan in square patches: smaller blocks are joined, larger ones are cut.

        Args:
            shape: (H, W, C) of the images.
            side: Side of a patch in pixels.

        Returns:
            One row for each patch; an order only where patches move.

        Raises:
            UsageError: A value comes from another patch than the rest of its patch, or is lost; the plan is for other
                images.
        """
        height, width, channels = shape
        lanes = np.arange(height * width * channels).reshape(1, *shape)
        block = self.block or (height, width)
        places = self._places(BlockGrid(height=height, width=width, channels=channels, block=block), lanes)
        order = np.arange(len(places)) if self.block_order is None else self.block_order
        source = np.empty(lanes.size, np.int64)
        sign, offset = np.empty(lanes.size, np.int8), np.empty(lanes.size)
        source[places] = np.take_along_axis(places[order], np.broadcast_to(self.index, places.shape), axis=1)
        sign[places], offset[places] = self.sign, self.offset
        spots = split_blocks(lanes, block=(side, side))[0]
        where = np.empty(lanes.size, np.int64)
        where[spots.reshape(-1)] = np.arange(lanes.size)
        patch, index = np.divmod(where[source[spots]], spots.shape[1])
        if (patch != patch[:, :1]).any():
            raise self.misfit(side=side)
        whole = np.sort(index, axis=1) == np.arange(spots.shape[1])
        moved = patch[:, 0]
        if not whole.all() or not (np.sort(moved) == np.arange(len(spots))).all():
            raise UsageError("the plan loses values, so it cannot be undone")
        return SignedPermutations(
            index=index,
            sign=sign[spots],
            offset=offset[spots],
            block=(side, side),
            block_order=None if (moved == np.arange(len(spots))).all() else moved,
        )

    def _places(self, grid: BlockGrid, lanes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number in the image of each value of each block, if the plan is for such images."""
        found = {len(part) for part in (self.index, self.block_order) if part is not None} - {1}
        if grid.lanes != self.index.shape[1] or found - {grid.blocks}:
            blocks = (found or {1}).pop()
            raise UsageError(
                f"the plan is for {blocks} blocks of {self.index.shape[1]} values; images of "
                f"{grid.height}x{grid.width}x{grid.channels} have {grid.blocks} of {grid.lanes}",
                hint="make the plan for the model's image size",
            )
        places: NDArray[np.int64] = split_blocks(lanes, block=grid.block)[0]
        return places

    def misfit(self, *, side: int) -> UsageError:
        """Return the error of a plan whose values do not stay together in patches of a side."""
        if self.block is None:
            return UsageError(
                f"values are moved between patches of {side}x{side}",
                hint="use a scheme whose steps stay inside square blocks",
            )
        height, width = self.block
        if side % height or side % width:
            return UsageError(
                f"blocks of {height}x{width} do not fit patches of {side}x{side}: "
                "a block would reach into several patches",
                hint=f"use block_size={side}",
            )
        return UsageError(
            f"blocks of {height}x{width} are moved between patches of {side}x{side}",
            hint=f"use block_size={side}, or leave blocks in place (-p scramble_blocks=false, where the scheme has it)",
        )


def signed_from_lanes(plan: LanePlan, *, shape: tuple[int, int, int]) -> SignedPermutations:
    """Return a lane plan for all images as signed permutations, without making a matrix.

    Args:
        plan: A plan over bytes that flips by 0 or 255.
        shape: (H, W, C) of the images; a plan without blocks is one block of this size.

    Raises:
        UsageError: The plan moves half bytes, flips single bits, or differs from image to image.

    >>> plan = signed_from_lanes(LanePlan(source=[1, 0, 2], flip=[0, 255, 0], block_size=1), shape=(2, 2, 3))
    >>> plan.index.tolist(), plan.sign.tolist(), plan.offset.tolist()
    ([[1, 0, 2]], [[1, -1, 1]], [[0.0, 255.0, 0.0]])
    """
    if plan.count > 1:
        raise UsageError("the plan differs from image to image")
    if plan.lane != "byte":
        raise UsageError("a plan over half bytes is not affine in pixel values")
    if not np.isin(plan.flip, (0, 255)).all():
        raise UsageError("XOR with a mask other than 0 or 255 is not affine in pixel values")
    choice = np.zeros(1, np.intp) if plan.choice is None else plan.choice[0].astype(np.intp)
    flip = plan.flip[0][choice]
    return SignedPermutations(
        index=plan.source[0][choice].astype(np.int64),
        sign=np.where(flip == 255, -1, 1).astype(np.int8),
        offset=flip.astype(np.float64),
        block=plan.block_size,
        block_order=None if plan.block_order is None else plan.block_order[0].astype(np.int64),
    )


def signed_from_affine(plan: AffinePlan) -> SignedPermutations | None:
    """Return an affine plan for all images as signed permutations, or None if one of its matrices is none.

    >>> signed_from_affine(AffinePlan(matrix=[[0, -1, 0], [1, 0, 0], [0, 0, 1]])).index.tolist()
    [[1, 0, 2]]
    """
    maps = plan.matrix.reshape(-1, plan.lanes, plan.lanes)
    # One look at the first map spares most other plans a pass over all of them.
    for part in (maps[:1], maps):
        filled = part != 0
        if not (filled.sum(1) == 1).all() or not (filled.sum(2) == 1).all() or not (np.abs(part[filled]) == 1).all():
            return None
    index = filled.argmax(2)
    sign = np.take_along_axis(maps, index[..., None], axis=2)[..., 0].astype(np.int8)
    offset = plan.offset.reshape(-1, plan.lanes)
    rows = max(len(index), len(offset))
    return SignedPermutations(
        index=np.broadcast_to(index, (rows, plan.lanes)),
        sign=np.broadcast_to(sign, (rows, plan.lanes)),
        offset=np.broadcast_to(offset, (rows, plan.lanes)),
        block=(plan.block_size, plan.block_size),
        block_order=None if plan.block_order is None else plan.block_order.reshape(-1).astype(np.int64),
    )
