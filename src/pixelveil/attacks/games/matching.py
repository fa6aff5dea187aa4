"""G1, matching: which encrypted image is which plain one?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Budget, Images
from pixelveil.attacks.games.encoder_copy import added_vectors, no_encoder, patch_features, recover_encoder
from pixelveil.attacks.games.game import Deck, Game, GameResult, Scale, result_of
from pixelveil.attacks.games.referee import affordable, match, new_key, public_part
from pixelveil.attacks.games.rehearsal import Ruler, nearest, rehearse
from pixelveil.schemes import Scheme

__all__ = ["Guess", "Matching", "match_by_readings", "match_sets"]

_OWN = 2
# How often an image is encrypted, the rehearsal counted.
_TIMES = 5
_ENOUGH = 0.9
_FEWEST = 64
_ROUNDS = 6


@dataclass(frozen=True, kw_only=True, eq=False)
class Guess:
    """What readings say.

    Args:
        answers: For each encrypted image the place of a plain one, (K,).
        ruler: That was played.
        shares: What each reading found again in the rehearsal.
    """

    answers: NDArray[np.intp] = field(repr=False)
    ruler: Ruler
    shares: Mapping[str, float]


def match_by_readings(
    scheme: Scheme, plain: Images, encrypted: Images, *, public: Images, budget: Budget | None = None
) -> Guess:
    """Say for each encrypted image which plain one it is.

    The plain images are encrypted under keys of the player's own; the ruler of a rehearsal compares them with the
    encrypted ones, and an assignment uses each once.

    Args:
        scheme: Without its asset.
        plain: uint8 (K, H, W, C).
        encrypted: (K, H', W', C'), in another order.
        public: uint8 (m, H, W, C), for the stand-in of an asset.
        budget: Of the rehearsal; see `rehearse`.
    """
    rulers = rehearse(scheme, plain, public=public, budget=budget)
    ruler = rulers.best
    own = (plain,) if rulers.encrypt is None else tuple(rulers.encrypt()(plain) for _ in range(_OWN))
    return Guess(answers=nearest(ruler(*own), ruler(encrypted)), ruler=ruler, shares=rulers.shares)


def match_sets(
    scheme: Scheme, plain: Images, encrypted: Images, *, public: Images, budget: Budget | None = None
) -> tuple[NDArray[np.intp], dict[str, Any]]:
    """Say for each encrypted image which plain one it is, by readings; by a copy of the encoder where they do not do.

    Args:
        scheme: Without its asset.
        plain: uint8 (K, H, W, C).
        encrypted: (K, H', W', C'), in another order.
        public: uint8 (m, H, W, C), for the stand-in of an asset.
        budget: When it is spent, readings and rounds that are left are not tried.

    Returns:
        Places of plain images (K,), and facts.
    """
    guess = match_by_readings(scheme, plain, encrypted, public=public, budget=budget)
    ruler, answers = guess.ruler, guess.answers
    facts = {"reading": ruler.name, "ruler": ruler.kind, "rehearsed": ruler.rehearsed, "readings": dict(guess.shares)}
    if ruler.rehearsed < _ENOUGH and not no_encoder(scheme) and len(plain) >= _FEWEST:
        added = added_vectors(scheme, encrypted)
        _, _, answers = recover_encoder(patch_features(scheme, plain), added, answers, rounds=_ROUNDS, budget=budget)
        facts["matched by"] = "a copy of the encoder"
    return answers, facts


@dataclass(frozen=True, kw_only=True)
class Matching(Game):
    """Match a set of plain images with the set of their encryptions.

    The player has both sets, the scheme and no key. What no key hides, sorted folded values of cells, inner products
    of blocks or rows, coarse energy, finds most images again under most schemes, even if each image has a key of its
    own. Chance is one in the size of the set.

    Source: Yala et al., arXiv 2106.02484 (challenge 1); Carlini et al., arXiv 2108.07256; the design study of this
    project.

    Args:
        images: Size of the sets at most.
    """

    name: ClassVar[str] = "matching"
    title: ClassVar[str] = "Matching: which encrypted image is which plain one"
    citation: ClassVar[str] = "Yala et al., arXiv 2106.02484 (2021); Carlini et al., arXiv 2108.07256 (2021)"
    access: ClassVar[Access] = "public images"
    cost: ClassVar[str] = "quadratic in images; seconds for 2,000"
    scale: ClassVar[Scale] = "identification"

    images: int = 2000

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
        budget = budget or Budget()
        facts: dict[str, Any] = {}

        def player(plain: Images, encrypted: Images) -> NDArray[np.intp]:
            answers, said = match_sets(public_part(scheme), plain, encrypted, public=deck.public, budget=budget)
            facts.update(said)
            return answers

        few = deck.first(affordable(new_key(scheme), deck.images[: self.images], times=_TIMES, budget=budget))
        hits = match(scheme, few, player=player)
        if advance:
            advance(1, 1)
        count = len(few.images)
        return result_of(self.name, self.scale, hits=hits, trials=count, chance=1 / count, facts=facts)
