"""G6, labels: from some labeled ciphertexts, what do the others show?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Budget, Images
from pixelveil.attacks.games.classifier import Classifier, cross_validated, fit_classifier
from pixelveil.attacks.games.game import Deck, Game, GameResult, Scale, result_of
from pixelveil.attacks.games.readings import Reading, readings_for, sketch
from pixelveil.attacks.games.referee import new_key, public_part
from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme

__all__ = ["Labels", "train_on_readings"]

# The rest is for reading what is asked, and for plain images.
_OF_BUDGET = 0.5


def train_on_readings(
    images: Images,
    labels: NDArray[np.intp],
    *,
    classes: int,
    readings: dict[str, Reading],
    budget: Budget,
) -> tuple[str, float, Callable[[Images], NDArray[np.intp]]]:
    """Return the reading that labels are told from best, its share in cross-validation, and what tells them.

    Args:
        images: Labeled ciphertexts (m, H', W', C').
        labels: 0 to classes - 1, (m,).
        classes: How many there are.
        readings: What may be looked at.
        budget: When half of what is left of it is spent, readings that are left are not tried.
    """
    clock = Budget(seconds=_OF_BUDGET * budget.left)
    best, rows = (-1.0, 0.0, 0.0, ""), np.zeros((0, 0), np.float32)
    for name, reading in readings.items():
        if best[-1] and clock.spent:
            break
        read = reading(images)
        if (found := (*cross_validated(read, labels, classes=classes), name)) > best:
            best, rows = found, read
    share, strength, width, name = best
    fitted: Classifier = fit_classifier(rows, labels, classes=classes, strength=strength, width=width)
    return name, share, lambda others: fitted(readings[name](others))


@dataclass(frozen=True, kw_only=True)
class Labels(Game):
    """Tell classes of encrypted images, from encrypted images whose classes are known.

    Schemes for learning allow it by design; the figure says how much an observer with a few labels learns of all
    others, beside the same player on plain images. Chance is the share of the largest class. The player is a kernel
    classifier on whatever reading suits best: a network that is trained for hours tells more.

    Source: McPherson, Shokri and Shmatikov, arXiv 1609.00408 (2016); the design study of this project.

    Args:
        labeled: Encrypted images with labels at most; at least as many are asked for.
        asked: Encrypted images that are asked for at most.
    """

    name: ClassVar[str] = "labels"
    title: ClassVar[str] = "Labels: classes of encrypted images, from some that are labeled"
    citation: ClassVar[str] = "McPherson, Shokri and Shmatikov, arXiv 1609.00408 (2016)"
    access: ClassVar[Access] = "ciphertexts"
    cost: ClassVar[str] = "cubic in labeled images; half a minute for 1,000"
    scale: ClassVar[Scale] = "inference"
    needs_labels: ClassVar[bool] = True

    labeled: int = 1000
    asked: int = 1000

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
        self.check(scheme, deck, least=8)
        budget = budget or Budget()
        names, labels = np.unique(np.asarray(deck.labels), return_inverse=True)
        if len(names) < 2:
            raise UsageError("labels of one class tell nothing")
        order = deck.referee.permutation(len(deck.images))
        labeled = order[: min(self.labeled, len(order) // 2)]
        asked = order[len(labeled) : len(labeled) + self.asked]
        encrypt = new_key(scheme, noise=deck.noise)
        readings = dict(readings_for(public_part(scheme), shape=deck.shape))
        readings.pop("distances")  # of a set; there are two here
        known, unknown = encrypt(deck.images[labeled]), encrypt(deck.images[asked])
        name, share, tell = train_on_readings(
            known, labels[labeled], classes=len(names), readings=readings, budget=budget
        )
        hits = int(np.sum(tell(unknown) == labels[asked]))
        if advance:
            advance(1, 2)
        plain = self._plain(deck, labels, labeled=labeled, asked=asked)
        if advance:
            advance(2, 2)
        chance = float(np.bincount(labels[asked]).max() / len(asked))
        facts: dict[str, Any] = {
            "labeled": len(labeled),
            "classes": len(names),
            "reading": name,
            "rehearsed": round(share, 4),
            "plain": plain,
        }
        return result_of(self.name, self.scale, hits=hits, trials=len(asked), chance=chance, facts=facts)

    def _plain(
        self, deck: Deck, labels: NDArray[np.intp], *, labeled: NDArray[np.intp], asked: NDArray[np.intp]
    ) -> float:
        """Return the share of right answers of the same player on plain images."""
        classes = int(labels.max()) + 1
        rows = [sketch(deck.images[places].reshape(len(places), -1).astype(np.float32)) for places in (labeled, asked)]
        _, strength, width = cross_validated(rows[0], labels[labeled], classes=classes)
        fitted = fit_classifier(rows[0], labels[labeled], classes=classes, strength=strength, width=width)
        return round(float(np.mean(fitted(rows[1]) == labels[asked])), 4)
