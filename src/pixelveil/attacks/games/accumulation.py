"""G9, accumulation: how much more do several encryptions of one image show, or more images under one key?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pixelveil.attacks.attack import Access, Budget, Images
from pixelveil.attacks.ciphertexts.energy import energy, response
from pixelveil.attacks.games.game import Deck, Game, GameResult, Scale, result_of
from pixelveil.attacks.games.referee import affordable, new_key, public_part
from pixelveil.attacks.games.rehearsal import nearest, rehearse
from pixelveil.schemes import Scheme

__all__ = ["Accumulation", "energy_curve", "over_images"]

_OWN = 4


def energy_curve(scheme: Scheme, images: Images, *, counts: Sequence[int]) -> dict[int, float]:
    """Return how well the mean energy of m encryptions shows the folded image, by m: correlation over all pixels.

    The mean of ``(y - 127.5)^2`` over encryptions goes to ``(x - 127.5)^2``, blurred by the squared filter: its
    variance falls as 1/m.

    Args:
        scheme: One that inverts values and filters, with a key for each image.
        images: uint8 (n, H, W, C).
        counts: Numbers of encryptions, rising.
    """
    encrypt = new_key(scheme)
    stack = np.stack([encrypt(images) for _ in range(max(counts))])
    shape: tuple[int, int, int] = images.shape[1:]
    found = response(public_part(scheme), shape=shape)
    truth = 127.5 - np.abs(images.astype(np.float64) - 127.5).mean(axis=-1)
    truth -= truth.mean(axis=(1, 2), keepdims=True)
    curve = {}
    for count in counts:
        made = energy(stack[:count], response=found)[:, : shape[0], : shape[1], 0].astype(np.float64)
        made -= made.mean(axis=(1, 2), keepdims=True)
        products = (made * truth).sum(axis=(1, 2))
        lengths = np.sqrt((made**2).sum(axis=(1, 2)) * (truth**2).sum(axis=(1, 2)))
        curve[count] = round(float(np.mean(products / np.maximum(lengths, 1e-9))), 4)
    return curve


def over_images(
    game: Game, scheme: Scheme, deck: Deck, *, counts: Sequence[int], budget: Budget | None = None
) -> dict[int, GameResult]:
    """Play a game with growing numbers of images under one key.

    Args:
        game: Any game.
        scheme: The scheme.
        deck: With all images; the first are taken.
        counts: Numbers of images, rising.
        budget: When it is spent, larger numbers are not played.
    """
    results: dict[int, GameResult] = {}
    for count in counts:
        if results and budget is not None and budget.spent:
            break
        results[count] = game.play(scheme, deck.first(count), budget=budget)
    return results


@dataclass(frozen=True, kw_only=True)
class Accumulation(Game):
    """Match plain images with several encryptions of each: what is random averages out.

    The player has m encryptions of every image, knows which belong together, and takes the mean of what they show.
    Facts give the share of matched images for each m, up to the last, which counts.

    Source: the design study of this project.

    Args:
        images: Size of the sets at most.
        encryptions: Numbers of encryptions, rising.
    """

    name: ClassVar[str] = "accumulation"
    title: ClassVar[str] = "Accumulation: matching with several encryptions of each image"
    citation: ClassVar[str] = "design study of this project"
    access: ClassVar[Access] = "public images"
    cost: ClassVar[str] = "quadratic in images, linear in encryptions; half a minute for 500"
    scale: ClassVar[Scale] = "identification"

    images: int = 500
    encryptions: tuple[int, ...] = (1, 4, 16)

    def obstacle(self, scheme: Scheme) -> str:
        """Return why further encryptions show nothing new; empty where they may."""
        if scheme.key_policy == "shared" and not scheme.randomized:
            return "all encryptions of an image under one key are the same"
        return ""

    def play(
        self,
        scheme: Scheme,
        deck: Deck,
        *,
        budget: Budget | None = None,
        advance: Callable[[int, int], None] | None = None,
    ) -> GameResult:
        """Play it; see `Game.play`. When the budget is spent, larger numbers of encryptions are not asked for."""
        self.check(scheme, deck)
        budget = budget or Budget()
        encrypt = new_key(scheme, noise=deck.noise)
        wanted = 3 * _OWN + self.encryptions[-1]
        images = deck.images[: affordable(encrypt, deck.images[: self.images], times=wanted, budget=budget)]
        rulers = rehearse(public_part(scheme), images, public=deck.public, encryptions=_OWN, budget=budget)
        own: tuple[Images, ...] = (images,)
        if rulers.encrypt is not None:
            mine = rulers.encrypt()
            own = tuple(mine(images) for _ in range(_OWN))
        ours = rulers.best(*own)
        order = deck.referee.permutation(len(images))
        seen: list[Images] = []
        hits: dict[int, int] = {}
        for number in self.encryptions:
            if hits and budget.spent:
                break
            seen += [encrypt(images[order]) for _ in range(number - len(seen))]
            hits[number] = int(np.sum(nearest(ours, rulers.best(*seen)) == order))
            if advance:
                advance(number, self.encryptions[-1])
        facts: dict[str, Any] = {"reading": rulers.best.name, "encryptions": max(hits)}
        facts |= {f"matched with {number}": round(found / len(images), 4) for number, found in hits.items()}
        return result_of(
            self.name, self.scale, hits=hits[max(hits)], trials=len(images), chance=1 / len(images), facts=facts
        )
