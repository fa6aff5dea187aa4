"""Every game against chance, with its interval and its control, on five schemes and CIFAR-10.

Every game is played on noise too: AES-CTR noise in place of the plain images; in the membership game, coins in place of
the truth. Schemes are as published, but with blocks of 4 pixels where networks on 32 x 32 images have them. "known" is
where the player must win, as in an audit.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pixelveil.attacks.attack import Budget
from pixelveil.attacks.games import GAMES, Deck, Game, GameResult, create_game, judge_game
from pixelveil.attacks.games.accumulation import energy_curve, over_images
from pixelveil.attacks.games.labels import Labels
from pixelveil.attacks.games.linking import Linking
from pixelveil.attacks.games.matching import Matching
from pixelveil.attacks.games.reidentification import Reidentification
from pixelveil.attacks.intervals import Interval
from pixelveil.audit.positive import GAME_POSITIVES
from pixelveil.schemes import Scheme, create_scheme

__all__ = ["run"]

IMAGES = 800
SECONDS = 3.0
"""Of each game on each scheme, and on noise."""

SCHEMES: Mapping[str, Mapping[str, Any]] = {
    "skk": {},
    "madono-ele": {},
    "etc-color": {"block_size": 4},
    "vit-orthogonal": {"block_size": 4},
    "xor-stream": {},
}
STUDY = {"skk": 1.0, "madono-ele": 1.0, "etc-color": 0.998, "vit-orthogonal": 1.0}
"""Matching among 2,000 images with a key for each, in the design study."""

COUNTS = (50, 100, 200, 400)
ENCRYPTIONS = (1, 4, 16)


def run(data: Path | None) -> dict[str, Any]:
    """Return results by game and scheme; nothing without CIFAR-10."""
    if data is None:
        return {}
    with np.load(data) as arrays:
        deck = Deck(
            images=arrays["x_test"][:IMAGES],
            public=arrays["x_train"][:IMAGES],
            labels=arrays["y_test"][:IMAGES].reshape(-1),
        )
    results: dict[str, Any] = {name: _on_all(create_game(name), deck) for name in GAMES}
    results["own keys"] = {name: _own_keys(name, deck) for name in STUDY}
    results["accumulation over images"] = _over_images(deck)
    results["accumulation over encryptions: correlation with |x - 127.5|"] = {
        name: energy_curve(create_scheme(name), deck.images[:50], counts=ENCRYPTIONS) for name in ("skk-g", "huang")
    }
    return results


def _on_all(game: Game, deck: Deck) -> dict[str, Any]:
    """Play on all schemes that the game says something about, and where the player is known to win."""
    found: dict[str, Any] = {}
    for name, parameters in SCHEMES.items():
        scheme = create_scheme(name, **parameters)
        obstacle = game.obstacle(scheme)
        found[name] = {"not applicable": obstacle} if obstacle else _played(game, scheme, deck)
    if (known := GAME_POSITIVES.get(game.name)) is not None:
        scheme = create_scheme(known.scheme, **known.parameters)
        found["known"] = {"scheme": known.scheme, **_played(replace(game, **known.settings), scheme, deck)}
    return found


def _own_keys(name: str, deck: Deck) -> dict[str, Any]:
    scheme = create_scheme(name, **SCHEMES[name], key_policy="ephemeral")
    return _played(Matching(), scheme, deck) | {"study": STUDY[name]}


def _over_images(deck: Deck) -> dict[str, Any]:
    """Return shares of right answers as more images are encrypted under one key."""
    one_key = create_scheme("skk", key_policy="shared")
    games: dict[str, tuple[Game, Scheme]] = {
        "matching, vit-orthogonal": (Matching(), create_scheme("vit-orthogonal", block_size=4)),
        "linking, vit-orthogonal": (Linking(), create_scheme("vit-orthogonal", block_size=4)),
        "labels, tanaka-le": (Labels(), create_scheme("tanaka-le")),
        "reidentification, skk with one key": (Reidentification(), one_key),
    }
    found = {}
    for label, (game, scheme) in games.items():
        results = over_images(game, scheme, deck, counts=COUNTS, budget=Budget(seconds=SECONDS))
        found[label] = {str(count): _figures(result) for count, result in results.items()}
    return found


def _played(game: Game, scheme: Scheme, deck: Deck) -> dict[str, Any]:
    """Play on a scheme and on noise; return figures, verdict and seconds."""
    start = time.perf_counter()
    result = game.play(scheme, deck, budget=Budget(seconds=SECONDS))
    seconds = time.perf_counter() - start
    noise = game.play(scheme, replace(deck, noise=True), budget=Budget(seconds=SECONDS))
    kept = {name: value for name, value in result.facts.items() if not isinstance(value, Mapping)}
    return {
        **_figures(result),
        "noise": _figures(noise),
        "verdict": judge_game(result, positive_passed=True).verdict,
        "verdict_noise": judge_game(noise, positive_passed=True).verdict,
        "seconds": round(seconds, 1),
        **kept,
    }


def _figures(result: GameResult) -> dict[str, Any]:
    found = {
        "hits": result.hits,
        "trials": result.trials,
        "share": _rounded(result.interval),
        "chance": round(result.chance, 6),
    }
    pairs = result.facts.get("advantage by pair", {})
    found |= {f"advantage: {label}": round(one["value"], 3) for label, one in pairs.items()}
    return found | {name: _rounded(figure) for name in ("auc", "tpr") if (figure := getattr(result, name)) is not None}


def _rounded(interval: Interval) -> list[float]:
    return [round(one, 4) for one in (interval.value, interval.low, interval.high)]
