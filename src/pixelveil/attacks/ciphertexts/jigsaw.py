"""Jigsaw-puzzle-solver attack: blocks are pieces, and what was done to a whole block is tried on its neighbors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Images, Reconstruction, Version
from pixelveil.attacks.ciphertexts.jigsaw_costs import Measure
from pixelveil.attacks.ciphertexts.jigsaw_pieces import Pieces, puzzle_states, read_pieces
from pixelveil.attacks.ciphertexts.jigsaw_solver import Search
from pixelveil.attacks.public_images.readings import Reading, color_readings, image_turns, products
from pixelveil.plans.geometry import join_blocks, split_blocks
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_back

__all__ = ["Jigsaw"]

_MOVED = ("etc-color", "etc-gray", "vit-compressible", "vit-permutation", "vit-restricted")


@dataclass(frozen=True, kw_only=True)
class Jigsaw(Attack):
    """Put scrambled blocks together again, from one ciphertext if need be.

    1. Where the values inside blocks are shuffled or inverted, all blocks alike, their order comes first: what was next
       to each other is alike in all blocks (`pixel_order.read_order`).
    2. What two blocks side by side would cost, in every state that the scheme knows (turns, mirrors, inversions, color
       orders: 96 for EtC), is summed over all images that share a key.
    3. Blocks are joined to the picture that costs least (`jigsaw_solver.assemble`).

    Gray EtC: three pictures are put together at once, one for each plane, and laid on each other. Sub-blocks inside
    main blocks: first these, then main blocks. Readings: turns of the picture, orders of channels, its negative.

    Source: Chuman, Kurihara and Kiya, IEICE E101-D (2018); Chuman and Kiya, arXiv 2202.00806 and Information 14(6):311
    (2023); Gallagher, CVPR (2012); sums over images, the search: this project.

    Args:
        measure: What a joint costs, see `pair_costs`.
        regularizer: Likewise.
        pooled: Images under one key that costs are summed over, at most.
        tries: Puzzles put together at most, see `Search`.
        patience: Likewise.
    """

    name: ClassVar[str] = "jigsaw"
    title: ClassVar[str] = "Jigsaw puzzle solver: blocks put together by their borders"
    citation: ClassVar[str] = "Chuman and Kiya, Information 14(6):311 (2023); Gallagher, CVPR (2012)"
    access: ClassVar[Access] = "ciphertexts"
    cost: ClassVar[str] = "quadratic in blocks, linear in states; seconds for 196 blocks in 96 states"
    grows: ClassVar[bool] = True

    measure: Measure = "gradients"
    regularizer: float = 1.0
    pooled: int = 20
    tries: int = 600
    patience: int = 150

    def obstacle(self, scheme: Scheme) -> str:
        """Return why a scheme leaves no pieces to put together; empty where it does."""
        if scheme.name not in _MOVED:
            return "it puts together blocks that keep their content; this scheme has none, or mixes what is in them"
        wants = scheme.parameters
        if scheme.name == "vit-permutation" and wants["per_block"] and (wants["shuffle"] or wants["invert"]):
            return "every block has a key of its own for its values, so that no two borders fit"
        return ""

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims; see `Attack.run`. When time is up the others stay as they are; facts tell how many."""
        self.check(evidence)
        budget, scheme = budget or Budget(), evidence.scheme
        block, shape = (scheme.block, scheme.block), evidence.ciphertexts.shape[1:]
        pieces = Pieces(
            scheme=scheme,
            shape=(shape[0] // scheme.block, shape[1] // scheme.block, shape[2]),
            planes=evidence.shape[2] if scheme.planes == "side by side" else 1,
            measure=self.measure,
            regularizer=self.regularizer,
            search=Search(tries=self.tries, patience=self.patience),
            learned=self.pooled,
            generator=evidence.generator,
            budget=budget,
        )
        shared, victims = scheme.key_policy == "shared", evidence.victims
        blocks = split_blocks(evidence.ciphertexts[: max(victims, self.pooled)], block=block)
        read, sure = blocks[:victims].copy(), []
        for start in range(0, 1 if shared else victims):
            if start and budget.spent:
                break
            own = budget if shared else _share(budget, victims - start)
            part = blocks if shared else blocks[start : start + 1]
            found, certain = read_pieces(part, replace(pieces, budget=own))
            read[start : start + len(found)] = found[:victims]
            sure.append(certain)
            if advance:
                advance(victims if shared else start + 1, victims)
        whole: Images = lay_back(
            join_blocks(read, shape=shape, block=block), shape=_padded(evidence), planes=scheme.planes
        )
        height, width, channels = evidence.shape
        return Reconstruction(
            images=np.ascontiguousarray(whole[:, :height, :width]),
            versions=_versions(scheme, square=whole.shape[1] == whole.shape[2], channels=channels),
            per_image=not shared,
            facts={"sure_joints": float(np.mean(sure)), "tried": victims if shared else len(sure)},
        )


def _share(budget: Budget, victims: int) -> Budget:
    """Return a new budget with this victim's share of the time that is left."""
    return Budget(seconds=max(budget.left, 0.0) / victims, megabytes=budget.megabytes)


def _padded(evidence: Evidence) -> tuple[int, int, int]:
    """Return height, width and channels of the padded plain images, in which a turned picture must still fit."""
    height, width, channels = evidence.ciphertexts.shape[1:]
    side_by_side = evidence.scheme.planes == "side by side"
    return (height, width // evidence.shape[2], evidence.shape[2]) if side_by_side else (height, width, channels)


def _versions(scheme: Scheme, *, square: bool, channels: int) -> tuple[Version, ...]:
    """Return what the attack cannot tell: how the picture is turned, which channel is which, whether it is inverted."""
    states, shuffled = puzzle_states(scheme, channels=channels), scheme.parameters.get("shuffle", False)
    turned = states.turns > 1 or shuffled or scheme.name == "vit-restricted"
    recolored = channels == 3 and (turned or scheme.planes == "side by side")
    inverted = states.signs > 1 or scheme.parameters.get("invert", False)
    turns = image_turns(square=square) if turned else (Reading(),)
    colors = color_readings(channels=channels, orders=recolored, jointly=True)
    return products(turns, colors if inverted else [color for color in colors if not any(color.inverted)])
