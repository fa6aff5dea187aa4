"""G2, linking: do two encrypted images, under different keys, show the same picture?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from pixelveil.attacks.attack import Access, Budget
from pixelveil.attacks.games.game import Deck, Game, GameResult, Scale, result_of
from pixelveil.attacks.games.referee import link_scores, new_key, public_part
from pixelveil.attacks.games.rehearsal import calibrated, rehearse, similarity
from pixelveil.schemes import Scheme

__all__ = ["Linking"]


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
        """Play it; see `Game.play`. It is one pass, so that the budget is not looked at."""
        self.check(scheme, deck)
        few = deck.first(self.images).images
        rulers = rehearse(public_part(scheme), deck.public, public=deck.public)
        encrypt = new_key(scheme, noise=deck.noise)
        first = encrypt(few)
        order = deck.referee.permutation(len(few))
        second = (new_key(scheme, noise=deck.noise) if self.rekeyed else encrypt)(few[order])
        if advance:
            advance(1, 2)
        found = link_scores(order, calibrated(similarity(rulers.best(first), rulers.best(second))))
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
