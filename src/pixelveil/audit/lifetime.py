"""How long a key lasts: the same attack with 1, 2, 5, 10, ... images under one key, and where it begins to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count, takewhile
from typing import Any

import numpy as np

from pixelveil.attacks.attack import Attack, Budget
from pixelveil.attacks.controls import negative_control
from pixelveil.attacks.evaluate import Scores, higher, score
from pixelveil.attacks.verdict import RULES, judge
from pixelveil.audit.bench import Bench
from pixelveil.audit.cell import Cell, Kind
from pixelveil.audit.control_store import Control
from pixelveil.audit.subject import OfSubject
from pixelveil.audit.trial import Advance, Finding, figures_of
from pixelveil.schemes import Scheme

__all__ = ["Curve", "LifetimeTrial", "curves", "series"]


def series(most: int) -> tuple[int, ...]:
    """Return 1, 2, 5, 10, 20, 50, ... up to a number, and the number itself in place of one that is nearly as large.

    Args:
        most: The largest.

    >>> series(60), series(100)
    ((1, 2, 5, 10, 20, 60), (1, 2, 5, 10, 20, 50, 100))
    """
    steps = (factor * 10**power for power in count() for factor in (1, 2, 5))
    return (*takewhile(lambda number: 3 * number < 2 * most, steps), most)


@dataclass(frozen=True, kw_only=True)
class LifetimeTrial(OfSubject):
    """An attack with so many ciphertexts under one key, under fresh keys until enough victims were tried.

    Args:
        attack: One that grows with the number of ciphertexts.
        ciphertexts: Under one key; they are the victims too, as far as a verdict needs them.
        positive: Of the attack, from its own cell.
        negative: Likewise.
    """

    attack: Attack
    ciphertexts: int
    positive: Control
    negative: Control

    @property
    def subject(self) -> Attack:
        """What is tried."""
        return self.attack

    @property
    def file(self) -> str:
        """Name of the cell's file, without the suffix."""
        return f"{self.attack.name}@{self.ciphertexts}"

    @property
    def kind(self) -> Kind:
        """Kind of the cell."""
        return "lifetime"

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings of the attack, and how many ciphertexts it has."""
        controls = [self.positive.passed, self.negative.passed]
        return {"attack": asdict(self.attack), "ciphertexts": self.ciphertexts, "controls": controls}

    def obstacle(self, scheme: Scheme) -> str:
        """Return why the attack says nothing about a scheme; empty where it does."""
        return self.attack.obstacle(scheme)

    def run(self, bench: Bench, *, seconds: float, advance: Advance | None = None) -> Finding:
        """Run attack and noise control under one fresh key after the other; scores are put together."""
        clock = Budget(seconds=seconds)
        victims = min(self.ciphertexts, RULES.victims)
        available = len(bench.images.encrypted)
        # No image is a victim twice: a verdict would rest on fewer images than it says.
        wanted = min(-(-RULES.victims // victims), available // victims)
        attacks: list[Scores] = []
        noises: list[Scores] = []
        others: list[Scores] = []
        public = 0
        for repeat in range(wanted):
            if repeat and clock.spent:
                break
            places = (repeat * victims + np.arange(self.ciphertexts)) % available
            one, plain = bench.renewed(), bench.images.encrypted[places[:victims]]
            evidence = one.evidence(self.attack.access, places=places, victims=victims)
            gallery = bench.images.gallery(places[:victims])
            share = max(0.0, clock.left) / (2 * (wanted - repeat))
            for scores, held in (
                (attacks, evidence),
                (noises, negative_control(evidence, encrypt=one.encrypt)),
            ):
                read = self.attack.run(held, budget=Budget(seconds=share))
                scores.append(score(read, plain, gallery=gallery))
                if held is evidence:
                    others.append(score(read, bench.images.encrypted[(places[:victims] + victims) % available]))
            public = 0 if evidence.public is None else len(evidence.public)
            if advance is not None:
                advance(repeat + 1, wanted)
        found, control = _together(attacks), _together(noises)
        null = higher(control, _together(others))
        judgment = judge(found, null, positive_passed=self.positive.passed, negative_passed=self.negative.passed)
        return Finding(
            verdict=judgment.verdict,
            criterion=judgment.criterion,
            images=self.ciphertexts,
            victims=found.count,
            public=public,
            figures=figures_of(found, control, judgment=judgment),
            excess=judgment.excess,
            gallery=found.gallery,
            positive=self.positive,
            negative=self.negative,
            facts={"keys": len(attacks)},
        )


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What an attack reads by the number of images under one key.

    Args:
        attack: Its name.
        points: Cells, by growing number of images.
    """

    attack: str
    points: Sequence[Cell] = field(repr=False)

    @property
    def leaks_from(self) -> int | None:
        """Fewest images at which a leak was found; None where none was."""
        return _first(self.points, ("LEAK", "SERIOUS", "BROKEN"))

    @property
    def broken_from(self) -> int | None:
        """Fewest images at which it was broken; None where it was not."""
        return _first(self.points, ("BROKEN",))

    @property
    def quiet_until(self) -> int | None:
        """Most images up to which every point found no leak; None where the first point did, or said nothing."""
        quiet = list(takewhile(lambda cell: cell.verdict == "NO LEAK FOUND", self.points))
        return quiet[-1].images if quiet else None

    @property
    def advice(self) -> str:
        """What follows for the budget of a key, in a sentence that claims no more than was measured."""
        if self.quiet_until is None:
            if self.leaks_from is not None and self.leaks_from == self.points[0].images:
                return (
                    f"{self.attack} finds something from {self.leaks_from} image{_s(self.leaks_from)} under one key "
                    "on: no budget keeps it out."
                )
            if self.leaks_from is not None:
                return (
                    f"{self.attack} finds something from {self.leaks_from} images under one key on; with fewer it "
                    "decided nothing. No budget can be defended by it."
                )
            return f"{self.attack} decided nothing: no budget can be told from it."
        if self.leaks_from is None:
            return (
                f"{self.attack} found no leak up to {self.quiet_until} images under one key, the most that were tried. "
                "More images, or a better attack, may find one."
            )
        return (
            f"{self.attack} found no leak up to {self.quiet_until} image{_s(self.quiet_until)} under one key and one "
            f"at {self.leaks_from}: a budget above {self.quiet_until} cannot be defended against it. Below, nothing is "
            "proven: it is what this attack found on these images."
        )


def curves(cells: Sequence[Cell]) -> tuple[Curve, ...]:
    """Return the curves that the cells of a kind "lifetime" make, by attack.

    Args:
        cells: Of any kind.
    """
    points = [cell for cell in cells if cell.kind == "lifetime" and not cell.failed]
    names = sorted({cell.attack for cell in points})
    return tuple(
        Curve(
            attack=name,
            points=sorted((cell for cell in points if cell.attack == name), key=lambda cell: cell.images),
        )
        for name in names
    )


def _first(points: Sequence[Cell], verdicts: tuple[str, ...]) -> int | None:
    return next((cell.images for cell in points if cell.verdict in verdicts), None)


def _together(scores: Sequence[Scores]) -> Scores:
    """Return the scores of several runs as one."""
    ranks = [one.ranks for one in scores if one.ranks is not None]
    return Scores(
        measures={name: np.concatenate([one.measures[name] for one in scores]) for name in scores[0].measures},
        images=np.concatenate([one.images for one in scores]),
        ranks=np.concatenate(ranks) if len(ranks) == len(scores) else None,
        gallery=scores[0].gallery,
    )


def _s(number: int) -> str:
    return "" if number == 1 else "s"
