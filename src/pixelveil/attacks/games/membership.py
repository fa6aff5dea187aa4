"""G8, membership: was an image among those that a model was trained on?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Budget
from pixelveil.attacks.games.classifier import cross_validated, fit_classifier
from pixelveil.attacks.games.game import Deck, Game, GameResult, Scale, result_of
from pixelveil.attacks.games.readings import sketch
from pixelveil.attacks.games.referee import member_scores, new_key
from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme

__all__ = ["Membership", "confidences", "likelihood_ratios"]

Floats = NDArray[np.float64]

_FPR = 1e-2
_LONGEST = 1024
_COPIES = 10_000_000


def confidences(
    rows: NDArray[np.float32],
    labels: NDArray[np.intp],
    member: NDArray[np.bool_],
    *,
    classes: int,
    strength: float,
    width: float,
    copies: int = 1,
) -> Floats:
    """Train one model on the members; return the margin of every row's own class, (n,).

    Args:
        rows: (n, d).
        labels: (n,).
        member: (n,), whom it is trained on.
        classes: How many there are.
        strength: Of the ridge.
        width: Of the kernel.
        copies: How often each member stands in the training set; more lowers the ridge for it.
    """
    fitted = fit_classifier(rows[member], labels[member], classes=classes, strength=strength / copies, width=width)
    scores = fitted.scores(rows)
    own = scores[np.arange(len(rows)), labels]
    scores[np.arange(len(rows)), labels] = -np.inf
    return np.asarray(own - scores.max(axis=1))


def likelihood_ratios(target: Floats, shadows: Floats, members: NDArray[np.bool_]) -> Floats:
    """Return how much likelier each row's margin is if it was a member, in logarithms.

    Margins of each row with and without it are taken as normal, with one variance for all rows on either side where
    shadow models are few. Source: Carlini et al., IEEE S&P (2022), arXiv 2112.03570 (LiRA, online).

    Args:
        target: Margins of the attacked model, (n,).
        shadows: Margins of the shadow models, (s, n).
        members: Whom each was trained on, (s, n).
    """
    means, spreads = [], []
    for side in (members, ~members):
        number = np.maximum(side.sum(axis=0), 1)
        mean = np.where(side, shadows, 0).sum(axis=0) / number
        deviations = np.where(side, shadows - mean, 0)
        means.append(mean)
        spreads.append(np.sqrt(max(float(np.square(deviations).sum() / side.sum()), 1e-12)))
    both = zip(means, spreads, strict=True)
    logs = [-np.square((target - mean) / spread) / 2 - np.log(spread) for mean, spread in both]
    return np.asarray(logs[0] - logs[1])


@dataclass(frozen=True, kw_only=True)
class Membership(Game):
    """Tell which encrypted images a small classifier was trained on, by shadow models (LiRA).

    The classifier learns half of the encrypted images under one key. The player knows how it is trained, asks it about
    all of them, and trains shadow models on random halves. Encrypting inputs does not lower what a model tells of its
    members, as long as the player can ask in the cipher domain; the figure on plain images stands beside it. Counted
    at one false member in 100. The model is a kernel classifier: a reference point, no verdict on deep networks.

    Source: Carlini et al., IEEE S&P (2022), arXiv 2112.03570.

    Args:
        images: Images at most.
        shadows: Shadow models.
        overfitted: Positive control: every member stands in the training set so often that the model fits it exactly.
    """

    name: ClassVar[str] = "membership"
    title: ClassVar[str] = "Membership: which images a model was trained on"
    citation: ClassVar[str] = "Carlini et al., IEEE S&P (2022), arXiv 2112.03570"
    access: ClassVar[Access] = "model"
    cost: ClassVar[str] = "one small model for each shadow; half a minute"
    scale: ClassVar[Scale] = "membership"
    needs_labels: ClassVar[bool] = True

    images: int = 1000
    shadows: int = 32
    overfitted: bool = False

    def obstacle(self, scheme: Scheme) -> str:
        """Return nothing: a classifier can be trained on whatever a scheme gives."""
        return ""

    def play(
        self,
        scheme: Scheme,
        deck: Deck,
        *,
        budget: Budget | None = None,
        advance: Callable[[int, int], None] | None = None,
    ) -> GameResult:
        """Play it; see `Game.play`. When the budget is spent, no further shadow models are trained."""
        self.check(scheme, deck, least=16)
        budget = budget or Budget()
        few = deck.first(self.images)
        names, labels = np.unique(np.asarray(few.labels), return_inverse=True)
        if len(names) < 2:
            raise UsageError("a classifier needs two classes")
        encrypted = new_key(scheme)(few.images)
        rows, plain = (
            sketch(images.reshape(len(images), -1).astype(np.float32), longest=_LONGEST)
            for images in (encrypted, few.images)
        )
        truth = _half(len(rows), deck.referee)
        scores, trained = self._attack(rows, labels, truth, deck=deck, budget=budget, advance=advance)
        on_plain, _ = self._attack(plain, labels, truth, deck=deck, budget=budget, advance=None)
        if deck.noise:  # members that no model ever saw as such
            truth = _half(len(rows), deck.referee, skip=1)
        auc, tpr = member_scores(truth, scores, fpr=_FPR)
        plain_auc, plain_tpr = member_scores(truth, on_plain, fpr=_FPR)
        middle = np.median(scores)
        hits = int(np.sum((scores > middle) == truth))
        facts: dict[str, Any] = {
            "area under the curve": round(auc.value, 4),
            "members at one false in 100": round(tpr.value, 4),
            "plain: area under the curve": round(plain_auc.value, 4),
            "plain: members at one false in 100": round(plain_tpr.value, 4),
            "shadow models": trained,
        }
        return result_of(
            self.name, self.scale, hits=hits, trials=len(rows), chance=0.5, auc=auc, tpr=tpr, fpr=_FPR, facts=facts
        )

    def _attack(
        self,
        rows: NDArray[np.float32],
        labels: NDArray[np.intp],
        truth: NDArray[np.bool_],
        *,
        deck: Deck,
        budget: Budget,
        advance: Callable[[int, int], None] | None,
    ) -> tuple[Floats, int]:
        """Return scores of all rows, and how many shadow models were trained."""
        classes = int(labels.max()) + 1
        _, strength, width = cross_validated(rows[truth], labels[truth], classes=classes)
        copies = _COPIES if self.overfitted else 1

        def margins(member: NDArray[np.bool_]) -> Floats:
            return confidences(rows, labels, member, classes=classes, strength=strength, width=width, copies=copies)

        members, found, player = [], [], deck.player
        for number in range(self.shadows):
            if number >= 4 and budget.spent:
                break
            members.append(_half(len(rows), player))
            found.append(margins(members[-1]))
            if advance:
                advance(number + 1, self.shadows)
        return likelihood_ratios(margins(truth), np.stack(found), np.stack(members)), len(found)


def _half(count: int, generator: np.random.Generator, *, skip: int = 0) -> NDArray[np.bool_]:
    """Return half of the places at random, after others that were drawn and not taken."""
    for _ in range(skip):
        generator.permutation(count)
    chosen = np.zeros(count, bool)
    chosen[generator.permutation(count)[: count // 2]] = True
    return chosen
