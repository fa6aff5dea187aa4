"""G4, encoder recovery: from images and their encodings, in any order, make a copy of the secret encoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pixelveil.attacks.attack import Access, Budget
from pixelveil.attacks.games.encoder_copy import added_vectors, no_encoder, patch_features, recover_encoder
from pixelveil.attacks.games.game import Deck, Game, GameResult, Scale, result_of
from pixelveil.attacks.games.matching import match_by_readings
from pixelveil.attacks.games.referee import new_key, public_part
from pixelveil.attacks.games.rehearsal import nearest
from pixelveil.schemes import Scheme

__all__ = ["EncoderRecovery"]

_FEWEST = 48


@dataclass(frozen=True, kw_only=True)
class EncoderRecovery(Game):
    """Make a copy of a secret patch encoder from a set of plain images and their encodings in any order.

    1. Match the sets as in the matching game. 2. Put patches in one order by what vectors of a position have in common.
    3. Fit a copy (ridge regression on random features) on the images that are matched best, match again by it, some
    times. Then the copy says of images that nobody has seen which encoding is theirs, among all of them. Chance is
    one in their number. It is a light form of Carlini's attack, whose copy is trained by gradients for hours.

    Source: Yala et al., arXiv 2106.02484 (challenge 2); Carlini et al., arXiv 2108.07256.

    Args:
        images: Plain images with encodings at most.
        gallery: Images that the copy is tried on at most; a third of all where there are fewer.
        rounds: Of matching and fitting.
        patches: Of all images at most.
    """

    name: ClassVar[str] = "encoder-recovery"
    title: ClassVar[str] = "Encoder recovery: a copy of the secret encoder, from sets in any order"
    citation: ClassVar[str] = "Yala et al., arXiv 2106.02484 (2021); Carlini et al., arXiv 2108.07256 (2021)"
    access: ClassVar[Access] = "public images"
    cost: ClassVar[str] = "a few regressions on all patches; about a minute for 1,500 images"
    scale: ClassVar[Scale] = "identification"

    images: int = 1500
    gallery: int = 500
    rounds: int = 6
    patches: int = 32_000

    def obstacle(self, scheme: Scheme) -> str:
        """Return why there is no encoder to copy; empty where there is."""
        return no_encoder(scheme)

    def play(
        self,
        scheme: Scheme,
        deck: Deck,
        *,
        budget: Budget | None = None,
        advance: Callable[[int, int], None] | None = None,
    ) -> GameResult:
        """Play it; see `Game.play`. When the budget is spent, rounds that are left are not played."""
        self.check(scheme, deck, least=_FEWEST)
        budget = budget or Budget()
        height, width, _ = scheme.laid_out_shape(deck.shape)
        deck = deck.first(max(self.patches * scheme.block**2 // (height * width), _FEWEST))
        held = min(self.gallery, len(deck.images) // 3)
        known = deck.images[: min(self.images, len(deck.images) - held)]
        hidden = deck.images[len(known) : len(known) + held]
        encrypt, coins = new_key(scheme, noise=deck.noise), deck.referee
        order, places = coins.permutation(len(known)), coins.permutation(held)
        encoded, asked = encrypt(known[order]), encrypt(hidden[places])
        guess = match_by_readings(public_part(scheme), known, encoded, public=deck.public, budget=budget)
        if advance:
            advance(1, 2)
        features, unseen = (patch_features(scheme, one) for one in (known, hidden))
        added = added_vectors(scheme, np.concatenate([encoded, asked]))
        copy, patch_order, answers = recover_encoder(
            features, added[: len(known)], guess.answers, rounds=self.rounds, budget=budget
        )
        made = copy(unseen)[:, patch_order].reshape(held, -1)
        guesses = nearest(made, (added[len(known) :] / copy.scale).reshape(held, -1), one_to_one=False)
        if advance:
            advance(2, 2)
        facts: dict[str, Any] = {
            "matched at first": round(float(np.mean(guess.answers == order)), 4),
            "matched at last": round(float(np.mean(answers == order)), 4),
            "images": len(known),
            "reading": guess.ruler.name,
        }
        hits = int(np.sum(guesses == places))
        return result_of(self.name, self.scale, hits=hits, trials=held, chance=1 / held, facts=facts)
