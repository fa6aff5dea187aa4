"""Known plain images against plans that move and flip lanes: the plan is read off, exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Images, Pairs, Reconstruction
from pixelveil.attacks.pairs.matching import RecoveredLanes, recover_lanes
from pixelveil.attacks.pairs.structure import lane_structure, no_shared_lanes
from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_back, lay_out

__all__ = ["KnownPlaintextLanes", "plan_from_pairs", "read_with_plan"]


def plan_from_pairs(
    scheme: Scheme,
    pairs: Pairs,
    *,
    budget: Budget | None = None,
    advance: Callable[[int, int], None] | None = None,
) -> RecoveredLanes:
    """Return the plan that explains pairs under one key.

    Args:
        scheme: Whose lane plan all images share.
        pairs: Plain images of one shape with their ciphertexts.
        budget: See `recover_lanes`.
        advance: See `recover_lanes`.
    """
    _, height, width, channels = pairs.plain.shape
    structure = lane_structure(scheme, shape=(height, width, channels))
    plain = lay_out(pairs.plain, block=scheme.block, planes=scheme.planes)
    return recover_lanes(structure, plain, pairs.encrypted, budget=budget, advance=advance)


def read_with_plan(found: RecoveredLanes, evidence: Evidence) -> Images:
    """Return the victims, uint8 (victims, H, W, C), decrypted with a recovered plan."""
    images = found.plan.invert().apply(evidence.ciphertexts[: evidence.victims])
    read: Images = lay_back(images, shape=evidence.shape, planes=evidence.scheme.planes)
    return read


@dataclass(frozen=True, kw_only=True)
class KnownPlaintextLanes(Attack):
    """Match blocks by sorted, folded lanes and lanes by their values over blocks and images; then decrypt.

    It takes one image where a map is shared by many blocks (LE, the ViT schemes) or is one of a list (pixel keys, EtC),
    two for the last pixels of those, and some ten where each block has a secret map of its own (ELE).

    Source: Chang and Case, arXiv 2004.13263; Li et al., Signal Processing: Image Communication 23 (2008), of
    permutations in general; the recipes: the design study of this project.
    """

    name: ClassVar[str] = "known-plaintext-lanes"
    title: ClassVar[str] = "Known plaintext against shuffles and inversions"
    citation: ClassVar[str] = "design study of this project; Li et al., Signal Process. Image Commun. 23 (2008)"
    access: ClassVar[Access] = "pairs"
    cost: ClassVar[str] = "cubic in the lanes of a block and in the blocks of an image; seconds"

    def obstacle(self, scheme: Scheme) -> str:
        """Return why known images tell about no other; empty where they share a plan of lanes."""
        return no_shared_lanes(scheme)

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims; see `Attack.run`. Pairs must be of the victims' size: other sizes have other plans."""
        self.check(evidence)
        pairs = evidence.pairs
        assert pairs is not None  # noqa: S101 (for the type checker: check has made sure)
        if not len(pairs.plain) or pairs.plain.shape[1:] != evidence.shape:
            raise UsageError(f"pairs of {pairs.plain.shape} tell nothing about images of {evidence.shape}")
        found = plan_from_pairs(evidence.scheme, pairs, budget=budget or Budget(), advance=advance)
        facts = {"pairs": len(pairs.plain), "explained": found.explained, "certain": found.certain}
        return Reconstruction(images=np.asarray(read_with_plan(found, evidence)), facts=facts)
