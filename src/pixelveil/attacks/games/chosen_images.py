"""G3, chosen images (IND-CPA): of two images that the player chose, which one was encrypted?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Budget, Images
from pixelveil.attacks.games.game import Deck, Game, GameResult, Scale, result_of
from pixelveil.attacks.games.readings import Reading, readings_for
from pixelveil.attacks.games.referee import Encrypt, new_key, public_part, tell_apart
from pixelveil.schemes import Scheme

__all__ = ["ChosenImages", "Distinguisher", "chosen_pairs", "train_distinguisher"]

_PARTS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Distinguisher:
    """Tells ciphertexts of two images apart by where they lie between two means.

    Args:
        name: Of the reading.
        reading: What is looked at.
        direction: (d,).
        middle: Of the two means along it.
        rehearsed: Share of right answers in the rehearsal.
    """

    name: str
    reading: Reading = field(repr=False)
    direction: NDArray[np.float64] = field(repr=False)
    middle: float
    rehearsed: float

    def __call__(self, encrypted: Images) -> NDArray[np.intp]:
        """Return 0 or 1 for each ciphertext (n, H', W', C')."""
        return np.asarray(self.reading(encrypted) @ self.direction > self.middle, np.intp)


def chosen_pairs(image: Images, *, generator: np.random.Generator) -> Mapping[str, tuple[Images, Images]]:
    """Return the pairs of images that the player asks for.

    Args:
        image: uint8 (H, W, C), something with texture.
        generator: For the layout.

    Returns:
        "texture" (a flat image and one with texture of the same mean), "brightness" (the same picture dark and bright,
        neither the other's negative) and "layout" (the same pixels, in their places and in no order).
    """
    mean = image.mean(axis=(0, 1), keepdims=True)
    flat = np.broadcast_to(np.rint(mean).astype(np.uint8), image.shape).copy()
    dark = image // 4
    pixels = image.reshape(-1, image.shape[2])
    mixed = generator.permutation(pixels, axis=0).reshape(image.shape)
    return {"texture": (flat, image), "brightness": (dark, dark + np.uint8(160)), "layout": (image, mixed)}


def train_distinguisher(
    pair: tuple[Images, Images],
    *,
    readings: Mapping[str, Reading],
    encrypt: Encrypt,
    copies: int,
    budget: Budget | None = None,
) -> Distinguisher:
    """Return what tells a pair apart best, learned from encryptions of both.

    Args:
        pair: Two images (H, W, C).
        readings: What may be looked at.
        encrypt: The oracle.
        copies: Encryptions of each image.
        budget: When it is spent, readings that are left are not tried.
    """
    both = [encrypt(np.repeat(one[None], copies, axis=0)) for one in pair]
    found: list[Distinguisher] = []
    for name, reading in readings.items():
        if name == "distances":  # of a set, of which there is none here
            continue
        if found and budget is not None and budget.spent:
            break
        rows = [reading(one).astype(np.float64) for one in both]
        right = []
        for part in range(_PARTS):
            held = np.arange(copies) % _PARTS == part
            direction, middle = _direction(rows[0][~held], rows[1][~held])
            right.append(np.mean([(rows[0][held] @ direction <= middle), (rows[1][held] @ direction > middle)]))
        direction, middle = _direction(*rows)
        share = float(np.mean(right))
        found.append(
            Distinguisher(name=name, reading=reading, direction=direction, middle=middle, rehearsed=round(share, 4))
        )
        if share == 1:  # nothing that comes later is better
            break
    return max(found, key=lambda one: one.rehearsed)


@dataclass(frozen=True, kw_only=True)
class ChosenImages(Game):
    """Choose two images, see one of them encrypted, say which; with an oracle that encrypts anything (IND-CPA).

    Three pairs are played: flat against texture, dark against bright, the same pixels in another layout. What counts is
    the pair that the player tells apart best in the rehearsal. A scheme that is deterministic under one key loses
    every pair; a block cipher in a proper mode gives nothing away but the size.

    Args:
        trials: Questions for each pair.
        copies: Encryptions of each image to learn from.
    """

    name: ClassVar[str] = "chosen-images"
    title: ClassVar[str] = "Chosen images: which of two was encrypted (IND-CPA)"
    citation: ClassVar[str] = "Goldwasser and Micali, JCSS 28 (1984); design study of this project"
    access: ClassVar[Access] = "oracle"
    cost: ClassVar[str] = "about a thousand encryptions of one image; seconds"
    scale: ClassVar[Scale] = "distinguishing"

    trials: int = 400
    copies: int = 96

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
        """Play it; see `Game.play`. When the budget is spent, pairs that are left are not played."""
        self.check(scheme, deck)
        budget = budget or Budget()
        readings = readings_for(public_part(scheme), shape=deck.shape)
        spread = deck.public.reshape(len(deck.public), -1).std(axis=1)
        pairs = chosen_pairs(deck.public[int(spread.argmax())], generator=deck.player)
        encrypt, coins = new_key(scheme), deck.referee
        results: dict[str, tuple[float, GameResult]] = {}
        for number, (label, pair) in enumerate(pairs.items()):
            if results and budget.spent:
                break
            clock = Budget(seconds=budget.left / (len(pairs) - number))
            player = train_distinguisher(pair, readings=readings, encrypt=encrypt, copies=self.copies, budget=clock)
            hits = tell_apart(
                pair, encrypt=encrypt, trials=self.trials, generator=coins, player=player, noise=deck.noise
            )
            facts: dict[str, Any] = {"pair": label, "reading": player.name, "rehearsed": player.rehearsed}
            result = result_of(self.name, self.scale, hits=hits, trials=self.trials, chance=0.5, facts=facts)
            results[label] = player.rehearsed, result
            if advance:
                advance(number + 1, len(pairs))
        advantages = {label: asdict(result.advantage) for label, (_, result) in results.items()}
        best = max(results.values(), key=lambda one: one[0])[1]
        facts = {**best.facts, "advantage by pair": advantages}
        return result_of(self.name, self.scale, hits=best.hits, trials=best.trials, chance=0.5, facts=facts)


def _direction(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return direction and middle of two classes (n, d), number by number (a diagonal linear discriminant)."""
    means = first.mean(axis=0), second.mean(axis=0)
    within = (first.var(axis=0) + second.var(axis=0)) / 2
    gap = means[1] - means[0]
    direction = gap / (within + 1e-3 * float(np.mean(gap**2)) + 1e-9)
    return direction, float((means[0] + means[1]) @ direction / 2)
