"""From measurements to a verdict: fixed rules, printed with every report. No verdict says that something is safe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from pixelveil.attacks.evaluate import Scores
from pixelveil.attacks.intervals import Interval, holm, of_mean, of_share

__all__ = ["RULES", "Judgment", "Rules", "Verdict", "judge", "worst"]

Verdict = Literal["NOT APPLICABLE", "INCONCLUSIVE", "NO LEAK FOUND", "LEAK", "SERIOUS", "BROKEN"]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The numbers that decide.

    Args:
        victims: Fewest victims that a verdict can rest on.
        confidence: Of all intervals, over all measures together.
        effects: Smallest excess over the control that counts as a leak, by measure.
        leak_chance: Re-identification above this many times chance is a leak.
        serious_share: Re-identification of more than this share is serious (anonymity among 20).
        broken_share: Of more than this share, broken (anonymity among 5).
        broken_bound: So is a median similarity of this share of what the released information allows.
    """

    victims: int = 50
    confidence: float = 0.95
    effects: Mapping[str, float]
    leak_chance: float = 2.0
    serious_share: float = 0.05
    broken_share: float = 0.20
    broken_bound: float = 0.5


RULES = Rules(effects={"edges": 0.05, "ssim": 0.02, "information": 0.02})
"""The defaults: tiers of the NeuraCrypt challenge (k = 20 and 5); smallest effects of the design study."""


@dataclass(frozen=True, kw_only=True)
class Judgment:
    """A verdict and why.

    Args:
        verdict: One of the six.
        criterion: The rule that decided, in words, with its figures.
        excess: Excess over the control by measure, each with its interval.
        reidentification: Share of victims found again in the gallery.
    """

    verdict: Verdict
    criterion: str
    excess: Mapping[str, Interval]
    reidentification: Interval | None = None


def judge(
    attack: Scores,
    control: Scores,
    *,
    positive_passed: bool,
    negative_passed: bool = True,
    bound: float = 1.0,
    key_recovered: bool = False,
    rules: Rules = RULES,
) -> Judgment:
    """Return the verdict on one cell of the grid.

    Args:
        attack: Scores of the attack on the scheme.
        control: Scores of the same attack on noise, against the same victims.
        positive_passed: Whether the attack broke what it must break.
        negative_passed: Whether it found nothing in AES-CTR noise.
        bound: Similarity that the information which the attack reads allows at most.
        key_recovered: Whether the attack gave back the key itself.
        rules: The numbers that decide.
    """
    excess = _excess(attack, control, rules=rules)
    found = None
    if attack.ranks is not None:
        found = of_share(int(np.sum(attack.ranks == 0)), len(attack.ranks), confidence=rules.confidence)

    def judged(verdict: Verdict, criterion: str) -> Judgment:
        return Judgment(verdict=verdict, criterion=criterion, excess=excess, reidentification=found)

    if not positive_passed:
        return judged("INCONCLUSIVE", "the attack failed on its positive control: it proves nothing here")
    if not negative_passed:
        return judged("INCONCLUSIVE", "the attack found something in noise: its measure or its data is at fault")
    if attack.count < rules.victims:
        return judged("INCONCLUSIVE", f"{attack.count} victims are fewer than {rules.victims}")
    median = float(np.median(attack.measures["ssim"]))
    if key_recovered:
        return judged("BROKEN", "the key was recovered")
    leaks = [name for name in excess if excess[name].low > 0 and excess[name].value >= rules.effects[name]]
    if "ssim" in leaks and median >= rules.broken_bound * bound:
        return judged("BROKEN", f"median SSIM {median:.2f} of at most {bound:.2f}")
    if found is not None and found.low > rules.broken_share:
        return judged("BROKEN", f"{found.value:.0%} of the victims were recognized among {attack.gallery}")
    if found is not None and found.low > rules.serious_share:
        return judged("SERIOUS", f"{found.value:.1%} of the victims were recognized among {attack.gallery}")
    if leaks:
        strongest = max(leaks, key=lambda name: excess[name].value)
        figure = excess[strongest]
        return judged(
            "LEAK", f"{strongest} exceeds the control by {figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
        )
    if found is not None and attack.gallery and found.low > rules.leak_chance / attack.gallery:
        return judged(
            "LEAK", f"{found.value:.1%} were recognized among {attack.gallery}; chance is {1 / attack.gallery:.2%}"
        )
    return judged("NO LEAK FOUND", "no measure exceeds its control by more than the rules allow")


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the grade of a deployment: its worst applicable cell; cells that prove nothing do not improve it.

    >>> worst(["NO LEAK FOUND", "NOT APPLICABLE", "LEAK"])
    'LEAK'
    """
    order = get_args(Verdict)
    found: list[Verdict] = sorted(verdicts, key=order.index)
    return found[-1] if found else "INCONCLUSIVE"


def _excess(attack: Scores, control: Scores, *, rules: Rules) -> dict[str, Interval]:
    """Return the paired excess of each measure, with intervals that hold together (Holm)."""
    differences = {name: attack.measures[name] - control.measures[name] for name in rules.effects}
    if attack.count < 2:
        return {name: Interval(float(np.mean(one)), -np.inf, np.inf) for name, one in differences.items()}
    strongest = sorted(differences, key=lambda name: -_effect(differences[name]))
    levels = holm(rules.confidence, len(strongest))
    return {name: of_mean(differences[name], confidence=level) for name, level in zip(strongest, levels, strict=True)}


def _effect(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    spread = float(np.std(values))
    return float(np.mean(values)) / spread if spread > 0 else float(np.sign(np.mean(values))) * np.inf
