"""A game as a cell of the grid: played on the scheme, on noise, and where the player must win."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pixelveil.attacks.attack import Budget
from pixelveil.attacks.games import Deck, Game, GameResult, judge_game
from pixelveil.attacks.intervals import Interval
from pixelveil.audit.bench import Bench
from pixelveil.audit.cell import Kind
from pixelveil.audit.control_store import Control, Question
from pixelveil.audit.positive import GAME_POSITIVES, GamePositive
from pixelveil.audit.subject import OfSubject
from pixelveil.audit.trial import Advance, Finding
from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme, create_scheme

__all__ = ["GameTrial"]

# The game in which the referee draws seeds in place of keys: true of programs that do so, not of this one.
_SEED = "seed"

_NOTHING_FOUND = ("NO LEAK FOUND", "INCONCLUSIVE")


@dataclass(frozen=True, kw_only=True)
class GameTrial(OfSubject):
    """A game of the catalogue with both controls.

    Args:
        game: With its settings.
        labeled: Whether the images have labels.
        positives: Where players must win, by the games' names.
    """

    game: Game
    labeled: bool = False
    positives: Mapping[str, GamePositive] = field(default_factory=lambda: GAME_POSITIVES)

    @property
    def subject(self) -> Game:
        """What is tried."""
        return self.game

    @property
    def kind(self) -> Kind:
        """Kind of the cell."""
        return "game"

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings of the game and of its positive control."""
        positive = self.positives.get(self.name)
        return {"game": asdict(self.game), "positive": None if positive is None else asdict(positive)}

    def obstacle(self, scheme: Scheme) -> str:
        """Return why the game says nothing about a scheme; empty where it can be played."""
        if self.game.needs_labels and not self.labeled:
            return "it needs labels: images in one folder for each class"
        if self.name == _SEED and not scheme.legacy and not self.game.obstacle(scheme):
            return "keys come from the operating system here; seeds stand for them in legacy material alone"
        return self.game.obstacle(scheme)

    def run(self, bench: Bench, *, seconds: float, advance: Advance | None = None) -> Finding:
        """Play it where the player must win, unless that was done, then on the scheme and on noise, in equal times."""
        images = bench.images
        deck = Deck(images=images.encrypted, public=images.public, labels=images.labels, seed=bench.seed)
        question = Question(name=self.name, settings=self.settings, data=images.digest, seed=bench.seed)
        positive, share = bench.controls.answer(
            question, seconds=seconds, run=lambda allowed: self._positive(deck, seconds=allowed)
        )
        result = self.game.play(bench.scheme, deck, budget=Budget(seconds=share), advance=advance)
        noise = self.game.play(bench.scheme, replace(deck, noise=True), budget=Budget(seconds=share))
        on_noise = judge_game(noise, positive_passed=True)
        negative = Control(
            passed=on_noise.verdict in _NOTHING_FOUND, facts={"criterion": on_noise.criterion, "trials": noise.trials}
        )
        judgment = judge_game(result, positive_passed=positive.passed, negative_passed=negative.passed)
        return Finding(
            verdict=judgment.verdict,
            criterion=judgment.criterion,
            images=len(deck.images),
            victims=result.trials,
            public=len(deck.public),
            figures=_figures(result, noise),
            gallery=round(1 / result.chance) if result.scale == "identification" and result.chance > 0 else 0,
            chance=result.chance,
            positive=positive,
            negative=negative,
            facts={name: value for name, value in result.facts.items() if isinstance(value, str | int | float)},
        )

    def _positive(self, deck: Deck, *, seconds: float) -> Control:
        """Play it where the player must win."""
        wanted = self.positives.get(self.name)
        if wanted is None:
            return Control(passed=False, facts={"reason": "nothing is registered that this player must win on"})
        facts: dict[str, Any] = {
            "scheme": wanted.scheme,
            "parameters": dict(wanted.parameters),
            "settings": dict(wanted.settings),
            "measure": wanted.measure,
            "least": wanted.least,
        }
        try:
            scheme = create_scheme(wanted.scheme, **wanted.parameters)
            won = replace(self.game, **wanted.settings).play(scheme, deck, budget=Budget(seconds=seconds))
            figure = won.advantage if wanted.measure == "advantage" else won.tpr
            reached = 0.0 if figure is None else figure.value
        except UsageError as error:  # such as images that the scheme cannot take
            return Control(passed=False, facts={**facts, "reason": str(error)})
        return Control(passed=reached >= wanted.least, facts={**facts, "reached": reached})


def _figures(result: GameResult, noise: GameResult) -> dict[str, Interval]:
    """Return the share of right answers; where images are identified, as re-identification too."""
    figures = {"success": result.interval, "success_control": noise.interval}
    if result.scale == "identification":
        figures |= {"reidentification": result.interval, "reidentification_control": noise.interval}
    return figures
