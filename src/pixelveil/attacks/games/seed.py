"""G7, seed: is the key what a public program draws from a small number?"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pixelveil.attacks.attack import Access, Budget, Pairs
from pixelveil.attacks.ciphertexts.brute_force import search_seeds, seeded_plan
from pixelveil.attacks.games.game import Deck, Game, GameResult, Scale, result_of
from pixelveil.attacks.games.referee import new_key, public_part
from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_out
from pixelveil.schemes.legacy.seeds import RECIPES, Generator

__all__ = ["Seed"]

_HOURS = 3600.0
_WORD = 32
_IMAGES = 2


@dataclass(frozen=True, kw_only=True)
class Seed(Game):
    """Find the seed that a public program drew its key from, by trying all up to a bound.

    Where a scheme bears another program's material, that is what is attacked; else the referee draws seeds and uses
    the public programs' recipes, which shows what a seed in place of a key is worth. In the negative control the key
    is one of this package, 256 bits from the operating system.

    Source: the design study of this project; Carlini et al., arXiv 2011.05315 (seeds of InstaHide's challenge).

    Args:
        bits: Seeds below ``2 ** bits`` are drawn and tried.
        trials: Seeds that the referee draws.
        known: Whether the player has one known image with its ciphertext; else the smoothest image decides.
    """

    name: ClassVar[str] = "seed"
    title: ClassVar[str] = "Seed: all small seeds of public programs are tried"
    citation: ClassVar[str] = "design study of this project; Carlini et al., arXiv 2011.05315 (2021)"
    access: ClassVar[Access] = "pairs"
    cost: ClassVar[str] = "linear in seeds; some thousand a second"
    scale: ClassVar[Scale] = "recovery"

    bits: int = 10
    trials: int = 3
    known: bool = True

    def obstacle(self, scheme: Scheme) -> str:
        """Return why no seed can stand for the key; empty where public programs draw it from one."""
        if scheme.key_policy in ("derived", "ephemeral", "none"):
            return "every image has a key of its own, which no public program draws from one seed"
        return "" if _generators(scheme) else "no public program is known that draws its key from a seed"

    def play(
        self,
        scheme: Scheme,
        deck: Deck,
        *,
        budget: Budget | None = None,
        advance: Callable[[int, int], None] | None = None,
    ) -> GameResult:
        """Play it; see `Game.play`. When the budget is spent, the seeds that are left are not drawn."""
        self.check(scheme, deck)
        budget = budget or Budget()
        known, generators = public_part(scheme), _generators(scheme)
        shape, coins = scheme.laid_out_shape(deck.shape), deck.referee
        few = lay_out(deck.images[:_IMAGES], block=scheme.block, planes=scheme.planes)
        hits = tried = played = 0
        started, trials = time.monotonic(), 1 if scheme.legacy else self.trials
        for number in range(trials):
            if played and budget.spent:
                break
            seed, generator = int(coins.integers(1 << self.bits)), generators[number % len(generators)]
            truth = (seed, generator)
            if deck.noise or scheme.legacy:  # a key of this package, or whatever the other program drew
                encrypted = new_key(known if deck.noise else scheme)(deck.images[:_IMAGES])
            else:
                encrypted = seeded_plan(known, generator=generator, seed=seed, shape=shape).apply(few)
            pairs = Pairs(plain=deck.images[:1], encrypted=encrypted[:1]) if self.known else None
            found = search_seeds(known, encrypted, generators=generators, bits=self.bits, pairs=pairs, budget=budget)
            hits += found.certain and (scheme.legacy or (found.seed, found.generator) == truth)
            tried, played = tried + found.tried, played + 1
            if advance:
                advance(number + 1, trials)
        rate = tried / max(time.monotonic() - started, 1e-9)
        facts: dict[str, Any] = {
            "bits": self.bits,
            "generators": ", ".join(generators),
            "seeds a second": round(rate, 1),
            "hours for 32 bits": round(2.0**_WORD / rate / _HOURS, 1),
        }
        chance = 1 / (len(generators) << self.bits)
        return result_of(self.name, self.scale, hits=hits, trials=played, chance=chance, facts=facts)


def _generators(scheme: Scheme) -> tuple[Generator, ...]:
    """Return the libraries that public programs draw all of a scheme's key with."""
    shape = scheme.laid_out_shape((2 * scheme.block, 2 * scheme.block, 3))
    found: list[Generator] = []
    for name, generator in RECIPES:
        if name != scheme.name:
            continue
        try:
            plan = seeded_plan(scheme, generator=generator, seed=0, shape=shape)
        except UsageError:
            continue  # a part only, or a variant that the program does not have
        if np.prod(plan.source.shape):
            found.append(generator)
    return tuple(found)
