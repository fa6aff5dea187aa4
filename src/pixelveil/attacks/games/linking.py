"""G2, linking: do two encrypted images, under different keys, show the same picture?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Budget, Images
from pixelveil.attacks.games.game import Deck, Game, GameResult, Scale, result_of
from pixelveil.attacks.games.referee import affordable, link_scores, new_key, public_part
from pixelveil.attacks.games.rehearsal import Rulers, calibrated, rehearse, similarity
from pixelveil.schemes import Scheme

__all__ = ["Linking", "better_scores"]

Scores = NDArray[np.float64]

_REHEARSED = 256
# How often an image is encrypted, the rehearsal counted.
_TIMES = 4


def better_scores(rulers: Rulers, public: Images) -> Callable[[Scores], Scores]:
    """Return what is done to similarities before one threshold serves all pairs: nothing, or calibration.

    Args:
        rulers: Of the rehearsal.
        public: uint8 (m, H, W, C), encrypted under two keys of the player's own to see which links more pairs.
    """
    ways: tuple[Callable[[Scores], Scores], ...] = (np.asarray, calibrated)
    if rulers.encrypt is None:
        return calibrated
    few = public[:_REHEARSED]
    scores = similarity(*(rulers.best(rulers.encrypt()(few)) for _ in range(2)))
    found = [link_scores(np.arange(len(few)), way(scores)) for way in ways]
    return max(zip(ways, found, strict=True), key=lambda one: (one[1].tpr.value, one[1].auc.value))[0]


@dataclass(frozen=True, kw_only=True)
class Linking(Game):
    """Score pairs of encrypted images by how likely they show the same picture.

    Every image is encrypted twice: under two keys where images share one (two clients, or one before and after a
    change of keys), else under two of its own. The player has both sets, public images to rehearse with, and no plain
    image of them. Right answers are true pairs that score above all false ones; the area under the ROC curve and
    the true pairs at one false pair in 1,000 say the rest.

    Source: the design study of this project.

    Args:
        images: Pictures at most; all pairs of two sets of so many are scored.
        rekeyed: Whether the two sets have different keys; else linking is what one data set shows of itself, which
            is everything where equal images are encrypted alike.
    """

    name: ClassVar[str] = "linking"
    title: ClassVar[str] = "Linking: which encrypted images show the same picture, under different keys"
    citation: ClassVar[str] = "design study of this project"
    access: ClassVar[Access] = "public images"
    cost: ClassVar[str] = "quadratic in images; seconds for 1,000"
    scale: ClassVar[Scale] = "linking"

    images: int = 1000
    rekeyed: bool = True

    def obstacle(self, scheme: Scheme) -> str:
        """Return nothing: every scheme can be played."""
        return ""

    def play(
        self,
        scheme: Scheme,
        deck: Deck,
        *,
        budget: Budget | None = None,
        advance: Callable[[int, int], None] | None = None,
    ) -> GameResult:
        """Play it; see `Game.play`. When the budget is spent, readings that are left are not tried."""
        self.check(scheme, deck)
        budget, encrypt = budget or Budget(), new_key(scheme, noise=deck.noise)
        few = deck.images[: affordable(encrypt, deck.images[: self.images], times=_TIMES, budget=budget)]
        rulers = rehearse(public_part(scheme), deck.public, public=deck.public, budget=budget)
        first = encrypt(few)
        order = deck.referee.permutation(len(few))
        second = (new_key(scheme, noise=deck.noise) if self.rekeyed else encrypt)(few[order])
        if advance:
            advance(1, 2)
        score = better_scores(rulers, deck.public)
        found = link_scores(order, score(similarity(rulers.best(first), rulers.best(second))))
        if advance:
            advance(2, 2)
        facts: dict[str, Any] = {
            "area under the curve": round(found.auc.value, 4),
            "true pairs at one false in 1,000": round(found.tpr.value, 4),
            "reading": rulers.best.name,
            "ruler": rulers.best.kind,
            "rehearsed": rulers.best.rehearsed,
            "keys": "different" if self.rekeyed else "the same",
            "false pairs": len(few) * (len(few) - 1),
        }
        return result_of(
            self.name,
            self.scale,
            hits=found.hits,
            trials=len(few),
            chance=1 / len(few),
            auc=found.auc,
            tpr=found.tpr,
            fpr=found.fpr,
            facts=facts,
        )
