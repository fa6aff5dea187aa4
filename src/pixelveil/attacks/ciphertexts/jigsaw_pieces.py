"""From the blocks of ciphertexts to a picture, for each scheme that moves blocks: which pieces, in which states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Budget
from pixelveil.attacks.ciphertexts.jigsaw_costs import Measure, pair_costs
from pixelveil.attacks.ciphertexts.jigsaw_solver import Assembly, Search, assemble
from pixelveil.attacks.ciphertexts.jigsaw_states import States
from pixelveil.attacks.ciphertexts.pixel_order import read_order, tree_signs
from pixelveil.attacks.public_images.readings import roughness, turned
from pixelveil.plans.geometry import join_blocks
from pixelveil.schemes import Scheme

__all__ = ["Pieces", "puzzle_states", "read_pieces"]

Blocks = NDArray[np.uint8]

_MIDDLE = 127.5
# Main blocks whose sub-blocks lie alike: more of them tell no more.
_MAIN_BLOCKS = 400
_SMALL = Search(tries=30, patience=10, elite=6)


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """A puzzle: the scheme, the grid of blocks, how joints are measured and how long is searched.

    Args:
        scheme: With its public parameters.
        shape: Rows and columns of blocks, channels of the ciphertexts.
        planes: Pictures that lie side by side in a ciphertext.
        measure: See `pair_costs`.
        regularizer: See `pair_costs`.
        search: See `Search`.
        learned: From how many images the key is read.
        generator: Of the search.
        budget: For all of it.
    """

    scheme: Scheme
    shape: tuple[int, int, int]
    planes: int
    measure: Measure
    regularizer: float
    search: Search
    learned: int
    generator: np.random.Generator
    budget: Budget


def puzzle_states(scheme: Scheme, *, channels: int) -> States:
    """Return the states in which whole blocks of a scheme lie; those of its values are undone before.

    Args:
        scheme: One that the attack applies to.
        channels: Of the plain images.
    """
    if scheme.name == "etc-gray":
        return States(turns=8, signs=2)
    if scheme.name in ("etc-color", "vit-compressible"):
        return States(turns=8, signs=2, orders=6 if channels == 3 else 1)
    return States()


def read_pieces(blocks: Blocks, pieces: Pieces) -> tuple[Blocks, float]:
    """Return the blocks of images under one key in their places, and the share of joints that are sure.

    Args:
        blocks: uint8 (n, N, L) of ciphertexts.
        pieces: The puzzle.
    """
    name, wants = pieces.scheme.name, pieces.scheme.parameters
    if name == "vit-compressible":
        own = wants["per_block"]
        inside = _sub_blocks_read(blocks, pieces)
        states = puzzle_states(pieces.scheme, channels=pieces.shape[2]) if own else States()
        return _assembled(inside, pieces, states, turned_alike=not own)
    if name in ("etc-color", "etc-gray"):
        states = puzzle_states(pieces.scheme, channels=pieces.shape[2])
        return _assembled(blocks, pieces, states)
    shuffled = wants.get("shuffle", True)
    blocks = _values_read(blocks, pieces)
    if wants.get("scramble_blocks", True):
        return _assembled(blocks, pieces, States(), turned_alike=shuffled)
    return (_turned_to_fit(blocks, pieces) if shuffled else blocks), 1.0


def _values_read(blocks: Blocks, pieces: Pieces) -> Blocks:
    """Return blocks with their values in order, up to a turn of all blocks, a color order and a sign."""
    wants, side, channels = pieces.scheme.parameters, pieces.scheme.block, pieces.shape[2]
    seen = blocks[: pieces.learned].reshape(-1, blocks.shape[2])
    fixed = pieces.scheme.name == "vit-restricted"
    if wants.get("shuffle", fixed):
        order = read_order(
            seen,
            side=side,
            channels=channels,
            inverted=wants.get("invert", False),
            mostly_fixed=fixed and wants["fixed_values"] > 500,
            budget=Budget(seconds=pieces.budget.left / 2),
        )
        source, inverted = order.source, order.inverted
        if fixed:
            readings = source[States(turns=8, orders=6 if channels == 3 else 1).lanes(side=side, channels=channels)]
            source = readings[(readings == np.arange(len(source))).sum(axis=1).argmax()]
        return np.asarray(blocks[:, :, source] ^ np.where(inverted, np.uint8(255), np.uint8(0)))
    if not wants.get("invert", False):
        return blocks
    return np.asarray(blocks ^ np.where(tree_signs(seen.astype(np.float64)) < 0, np.uint8(255), np.uint8(0)))


def _turned_to_fit(blocks: Blocks, pieces: Pieces) -> Blocks:
    """Return blocks that are in their places, all turned alike, in the turn with the smoothest picture."""
    rows, columns, channels = pieces.shape
    side = pieces.scheme.block
    readings = blocks[:, :, States(turns=8).lanes(side=side, channels=channels)]
    shape = (rows * side, columns * side, channels)
    rough = [
        roughness(
            join_blocks(np.ascontiguousarray(readings[: pieces.learned, :, turn]), shape=shape, block=(side, side))
        )
        for turn in range(8)
    ]
    return np.ascontiguousarray(readings[:, :, int(np.argmin(rough))])


def _sub_blocks_read(blocks: Blocks, pieces: Pieces) -> Blocks:
    """Return main blocks whose sub-blocks are in place, up to a common state: of all of them, or of each."""
    wants, channels = pieces.scheme.parameters, pieces.shape[2]
    side, small = wants["block_size"], wants["sub_block_size"]
    states, across = puzzle_states(pieces.scheme, channels=channels), side // small
    count, number, lanes = blocks.shape
    parts = blocks.reshape(count, number, across, small, across, small, channels).swapaxes(3, 4)
    parts = parts.reshape(count, number, across * across, small, small, channels)
    result = np.empty_like(parts)
    groups: list[Any] = [np.s_[:, one] for one in range(number)] if wants["per_block"] else [np.s_[:, :]]
    for group in groups:
        seen = parts[: pieces.learned][group].reshape(-1, *parts.shape[2:])
        costs = pair_costs(
            seen[:: -(-len(seen) // _MAIN_BLOCKS)],
            states=states,
            measure=pieces.measure,
            regularizer=pieces.regularizer,
        )
        found = assemble(
            costs,
            shape=(across, across),
            states=states,
            generator=pieces.generator,
            search=_SMALL,
            budget=pieces.budget,
        )
        moved = parts[group][..., found.pieces.ravel(), :, :, :]
        result[group] = states.show(moved, found.states.ravel())
    result = result.reshape(count, number, across, across, small, small, channels).swapaxes(3, 4)
    return np.ascontiguousarray(result).reshape(count, number, lanes)


def _assembled(blocks: Blocks, pieces: Pieces, states: States, *, turned_alike: bool = False) -> tuple[Blocks, float]:
    """Return blocks in their places and states, and the share of sure joints; see `read_pieces`.

    Args:
        blocks: uint8 (n, N, L).
        pieces: The puzzle.
        states: In which blocks lie.
        turned_alike: Whether all blocks may be turned in the same way, so that the frame may lie on its side.
    """
    rows, columns, channels = pieces.shape
    columns //= pieces.planes
    count, number, _ = blocks.shape
    side = pieces.scheme.block
    # Costs, and what sorting and summing them takes.
    if 4 * 4 * number**2 * states.count * 1.5 > pieces.budget.megabytes * 1e6 or number == 1:
        return blocks, 0.0
    seen = blocks[: pieces.learned].reshape(-1, number, side, side, channels)
    start = None
    if pieces.scheme.name == "vit-restricted":
        start = Assembly(
            pieces=np.arange(number).reshape(1, rows, columns), states=np.zeros((1, rows, columns), np.int64)
        )
    frames = [(rows, columns), (columns, rows)] if turned_alike and rows != columns else [(rows, columns)]
    found = []
    for frame in frames:
        costs = pair_costs(seen, states=states, measure=pieces.measure, regularizer=pieces.regularizer)
        assembly = assemble(
            costs,
            shape=frame,
            states=states,
            generator=pieces.generator,
            layers=pieces.planes,
            start=start if frame == (rows, columns) else None,
            search=pieces.search,
            budget=pieces.budget,
        )
        found.append(assembly)
    best = min(found, key=lambda one: one.energy)
    if pieces.planes > 1:
        best = _planes_aligned(best, seen, states)
    placed = blocks.reshape(count, number, side, side, channels)[:, best.pieces.swapaxes(0, 1).ravel()]
    shown = states.show(placed, best.states.swapaxes(0, 1).ravel())
    if best.pieces.shape[1:] != (rows, columns):
        # The frame that fits lies on its side: turn it, with all that is in it.
        upright = np.arange(number).reshape(columns, rows)
        turned_blocks = turned(shown.reshape(-1, side, side, channels), turn=1).reshape(shown.shape)
        shown = turned_blocks[:, np.rot90(upright).ravel()]
    return np.ascontiguousarray(shown).reshape(blocks.shape), best.sure


def _planes_aligned(found: Assembly, seen: Blocks, states: States) -> Assembly:
    """Return planes turned, mirrored and inverted so that they correlate with the first one most."""
    _, rows, columns = found.pieces.shape
    side = seen.shape[2]

    def picture(layer: int) -> NDArray[np.float64]:
        shown = states.show(seen[:, found.pieces[layer].ravel()], found.states[layer].ravel())
        shape = (rows * side, columns * side, 1)
        flat = np.ascontiguousarray(shown).reshape(len(seen), rows * columns, -1)
        return join_blocks(flat, shape=shape, block=(side, side)).astype(np.float64) - _MIDDLE

    turns, signs, _ = states.parts()
    reference = picture(0)
    reference -= reference.mean(axis=(1, 2), keepdims=True)
    for layer in range(1, len(found.pieces)):
        own = picture(layer)
        likeness = [
            float((reference * turned(own, turn=int(turn))).sum()) * (-1 if sign else 1)
            if rows == columns or turn % 2 == 0
            else -np.inf
            for turn, sign in zip(turns, signs, strict=True)
        ]
        found = found.layer_turned(layer, state=int(np.argmax(likeness)), group=states)
    return found
