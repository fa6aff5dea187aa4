"""The block order from the encrypted model alone, where its position information has a structure that is public.

* An index of relative positions, ``index[j, k] = f(row_j - row_k, column_j - column_k)``: the values that stand in
  row j say where j lies, whatever the order.
* Fixed sine-cosine tables and rotary tables are functions of the grid: each row is looked up (`match_rows`).
* Where rotary tables are made at run time the encrypted model stores the block order itself.
* Learned tables are no public function, but neighbors have similar rows: seriation lays them out, up to a turn or a
  mirror image of the whole grid, as far as the model has learned its grid. Take it as a start for a jigsaw solver.

Source: the design study of this project; fixed tables after He et al., "Masked autoencoders" (CVPR 2022), rotary ones
after Su et al., Neurocomputing 568 (2024).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Budget, Images, Reconstruction
from pixelveil.attacks.public_images.layout import find_layout
from pixelveil.attacks.public_images.readings import turned
from pixelveil.attacks.stem.embedding import Floats, as_array, patch_rows
from pixelveil.attacks.stem.evidence import ModelEvidence
from pixelveil.attacks.stem.model_attack import ModelAttack
from pixelveil.attacks.stem.positions import Order, match_rows, pair_features, pair_table
from pixelveil.attacks.stem.tokens import blocks_to_images
from pixelveil.plans.geometry import join_blocks, split_blocks
from pixelveil.schemes import Scheme
from pixelveil.steps import BlockScramble

if TYPE_CHECKING:
    from torch import Tensor

    from pixelveil.models.layout import Layout

__all__ = [
    "Structure",
    "StructuredPositions",
    "TurnedGrid",
    "find_structure",
    "order_from_index",
    "order_from_learned_table",
    "order_from_table",
    "relative_index",
    "sincos_tables",
]

# Agreement above which a table is the fixed one; an unrelated table stays far below.
_FITS = 0.99
# Mean cosine of neighbors in a table that has learned its grid; in one of random rows the best order has a third of it.
_ALIKE = 0.4
_GRAY = 128


@dataclass(frozen=True, kw_only=True, eq=False)
class Structure:
    """A block order, and what gave it away.

    Args:
        order: int64 (N,), source block of each place.
        source: What kind of position information.
        exact: Whether the order is the block order itself. That of a fixed table on a square grid is one up to a
            transposition of the grid, that of a learned table up to any turn.
    """

    order: Order = field(repr=False)
    source: Literal["stored order", "relative index", "fixed table", "learned table"]
    exact: bool


def sincos_tables(*, rows: int, columns: int, width: int) -> tuple[Floats, ...]:
    """Return the fixed position tables of a grid that public code makes, (rows * columns, width) each.

    Sines and cosines of row and column at width / 4 frequencies: the coordinates one after the other, each with its
    sines and cosines (masked autoencoders), or the sines of both before the cosines (timm). Which coordinate comes
    first differs from code to code; on a square grid that only transposes the grid.

    Args:
        rows: Of patches.
        columns: Of patches.
        width: Values of a token, a multiple of 4.
    """
    speed = 1.0 / 10_000 ** (np.arange(width // 4) / (width // 4))
    row, column = (place[:, None] * speed for place in np.divmod(np.arange(rows * columns), columns))
    return tuple(
        np.concatenate(waves, axis=1)
        for first, second in ((column, row), (row, column))
        for waves in (
            (np.sin(first), np.cos(first), np.sin(second), np.cos(second)),
            (np.sin(first), np.sin(second), np.cos(first), np.cos(second)),
        )
    )


def relative_index(*, rows: int, columns: int) -> NDArray[np.int64]:
    """Return the index of relative positions of all pairs of patches, (N, N), a number for each offset.

    >>> relative_index(rows=1, columns=3).tolist()
    [[2, 1, 0], [3, 2, 1], [4, 3, 2]]
    """
    row, column = np.divmod(np.arange(rows * columns), columns)
    down, right = (np.subtract.outer(place, place) for place in (row, column))
    return np.asarray((down + rows - 1) * (2 * columns - 1) + right + columns - 1, np.int64)


def order_from_index(index: NDArray[np.int64], *, rows: int, columns: int) -> Order | None:
    """Return the block order from an index of relative positions, or None if it is none of a grid.

    Args:
        index: Of all pairs of patches, (N, N), whatever numbers it gives to offsets as long as they rise with them.
        rows: Of patches.
        columns: Of patches.

    >>> index = relative_index(rows=2, columns=2)
    >>> order = np.array([2, 0, 3, 1])
    >>> order_from_index(index[np.ix_(order, order)], rows=2, columns=2).tolist()
    [2, 0, 3, 1]
    """
    plain = relative_index(rows=rows, columns=columns)
    seen = np.unique(index, return_inverse=True)[1].reshape(index.shape)
    order = match_rows([pair_features(seen.astype(np.float64))], [pair_features(plain.astype(np.float64))]).order
    return order if (plain[np.ix_(order, order)] == seen).all() else None


def order_from_table(table: Floats, *, rows: int, columns: int) -> Order | None:
    """Return the block order of a fixed sine-cosine table, or None if it is none; on a square grid up to transposition.

    A constant row may have been added to all rows, such as the correction of a bias.

    Args:
        table: What a model holds for each patch, (N, D).
        rows: Of patches.
        columns: Of patches.
    """
    if table.shape[1] % 4:
        return None
    fixed = sincos_tables(rows=rows, columns=columns, width=table.shape[1])
    best = max((match_rows([table], [one]) for one in fixed), key=lambda found: found.agreement)
    return best.order if best.agreement > _FITS else None


def order_from_learned_table(table: Floats, *, rows: int, columns: int, generator: np.random.Generator) -> Order | None:
    """Return the block order that puts similar rows next to each other, up to a turn or mirror image of the grid.

    None where neighbors are hardly alike in any order: the table has learned no grid.

    Args:
        table: What a model holds for each patch, (N, F).
        rows: Of patches.
        columns: Of patches.
        generator: Draws starts.
    """
    centered = table - table.mean(axis=0)
    units = centered / np.maximum(np.linalg.norm(centered, axis=1, keepdims=True), 1e-12)
    row, column = np.divmod(np.arange(rows * columns), columns)
    apart = np.hypot(np.subtract.outer(row, row), np.subtract.outer(column, column))
    alike = units @ units.T
    order = find_layout(np.clip(alike, 0, 1), np.exp(-apart), generator=generator)
    neighbors = apart[np.ix_(order, order)] == 1
    return order if neighbors.any() and float(alike[neighbors].mean()) > _ALIKE else None


def find_structure(
    tensors: Mapping[str, Tensor], *, layout: Layout, generator: np.random.Generator
) -> Structure | None:
    """Return the block order that the position information of a stem gives away; None where it tells nothing.

    Args:
        tensors: Of the stem.
        layout: What they are.
        generator: Draws starts of seriation.
    """
    (rows, columns), count = layout.grid, layout.patches
    stored = {f"{wrapped.module}.order" for wrapped in layout.wrapped}
    learned: Floats | None = None
    for entry in layout.gathers:
        tensor = tensors[entry.name]
        if entry.name in stored:
            order = as_array(tensor).astype(np.int64)[entry.start : entry.start + count] - entry.start
            return Structure(order=order, source="stored order", exact=True)
        if len(entry.axes) == 2 and not tensor.is_floating_point():
            index = pair_table(tensor, entry, count=count).astype(np.int64)
            if (found := order_from_index(index, rows=rows, columns=columns)) is not None:
                return Structure(order=found, source="relative index", exact=True)
        if len(entry.axes) == 1 and tensor.is_floating_point():
            table = patch_rows(tensor, entry, count=count)
            if (found := order_from_table(table, rows=rows, columns=columns)) is not None:
                return Structure(order=found, source="fixed table", exact=rows != columns)
            learned = table if learned is None else learned
    if learned is None:
        return None
    guess = order_from_learned_table(learned, rows=rows, columns=columns, generator=generator)
    if guess is None:
        return None
    return Structure(order=guess, source="learned table", exact=False)


@dataclass(frozen=True, kw_only=True)
class TurnedGrid:
    """A reading that turns the grid of blocks but not the blocks.

    Args:
        turn: 0 to 7, as of `turned`; 5 is the transposition.
        side: Of a block, in pixels.
    """

    turn: int
    side: int

    def __call__(self, images: Images, /) -> Images:
        """Return the images (n, H, W, C), H = W, in this reading."""
        count, height, width, channels = images.shape
        shape = (height, width, channels)
        blocks = split_blocks(images, block=(self.side, self.side))
        grid = turned(blocks.reshape(count, height // self.side, width // self.side, -1), turn=self.turn)
        return join_blocks(grid.reshape(blocks.shape), shape=shape, block=(self.side, self.side))


def _readings(found: Structure, *, shape: tuple[int, int, int], side: int) -> tuple[TurnedGrid, ...]:
    """Return the readings that a structure leaves open; grids that are not square keep their shape."""
    if found.source == "fixed table":
        turns: tuple[int, ...] = (0, 5)
    else:
        turns = tuple(range(8)) if shape[0] == shape[1] else (0, 2, 4, 6)
    return tuple(TurnedGrid(turn=turn, side=side) for turn in turns)


@dataclass(frozen=True, kw_only=True)
class StructuredPositions(ModelAttack):
    """Put the blocks back in order with the model's own position information; nothing else is known.

    It breaks block scrambling wherever positions are a public function of the grid. What a scheme does inside blocks
    stays; from a learned table it gives a start for a jigsaw solver at best.
    """

    name: ClassVar[str] = "structured-positions"
    title: ClassVar[str] = "The block order from position tables of the encrypted model"
    citation: ClassVar[str] = "design study of this project"
    access: ClassVar[Access] = "model"
    cost: ClassVar[str] = "cubic in the number of blocks, once per key"

    def obstacle(self, scheme: Scheme) -> str:
        """Return why a scheme has no block order to find; empty where it has."""
        if scheme.key_policy == "shared" and not any(isinstance(step, BlockScramble) for step in scheme.steps()):
            return "it does not scramble blocks"
        return ModelAttack.obstacle(self, scheme)

    def run(
        self,
        evidence: ModelEvidence,
        *,
        budget: Budget | None = None,
        advance: Callable[[int, int], None] | None = None,
    ) -> Reconstruction:
        """Read the victims; see `ModelAttack.run`. The work is one pass, so that the budget is not looked at."""
        self.check(evidence)
        layout, shape = evidence.layout, evidence.shape
        found = find_structure(evidence.stem.tensors, layout=layout, generator=evidence.generator)
        side = layout.embedding.patch_size
        blocks = split_blocks(evidence.ciphertexts[: evidence.victims].astype(np.float64), block=(side, side))
        if advance:
            advance(1, 1)
        if found is None:
            # Ciphertexts as they are would be no reading of the positions.
            gray = np.full((evidence.victims, *shape), _GRAY, np.uint8)
            return Reconstruction(images=gray, facts={"source": "nothing"})
        return Reconstruction(
            images=blocks_to_images(blocks, order=found.order, shape=shape, side=side),
            versions=() if found.exact else _readings(found, shape=shape, side=side),
            facts={"source": found.source},
        )
