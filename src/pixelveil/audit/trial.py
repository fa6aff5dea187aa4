"""What fills a cell: an attack, a game or a point of a curve, all behind one small interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Attack, Budget, Images, Reconstruction
from pixelveil.attacks.controls import negative_control
from pixelveil.attacks.evaluate import Scores, higher, score, score_others
from pixelveil.attacks.intervals import Interval, of_mean, of_share
from pixelveil.attacks.verdict import Judgment, Verdict, judge
from pixelveil.audit.bench import Bench
from pixelveil.audit.cell import Kind
from pixelveil.audit.control_store import Control, Question
from pixelveil.audit.controls import check_negative, run_positive
from pixelveil.audit.extra import ExtraMeasure, extra_figures
from pixelveil.audit.pictures import Strip
from pixelveil.audit.positive import POSITIVES, Positive
from pixelveil.audit.subject import OfSubject
from pixelveil.schemes import Scheme

__all__ = ["AttackTrial", "Finding", "Trial", "figures_of", "finding_of"]

Advance = Callable[[int, int], None]

_FIELDS = {"ssim": "ssim", "edge_correlation": "edges", "information": "information", "psnr": "psnr"}
_MOST_DECIBELS = 100.0  # of equal images; they have no limit, and a mean needs one


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a trial found.

    Args:
        verdict: One of the six.
        criterion: The rule that decided, with its figures.
        images: Ciphertexts under one key.
        victims: That were to be read.
        public: Public images that the attacker had.
        pairs: Known pairs that the attacker had.
        figures: Intervals by the name of the cell's field, such as "ssim" and "ssim_control".
        excess: Over the control, by measure.
        gallery: Images among which victims were to be recognized.
        chance: Of a game, the share of right answers without any information.
        positive: The control that must succeed.
        negative: The control that must not.
        facts: What the trial says about itself.
        strips: Pictures of some victims.
    """

    verdict: Verdict
    criterion: str
    images: int
    victims: int
    public: int = 0
    pairs: int = 0
    figures: Mapping[str, Interval] = field(default_factory=dict)
    excess: Mapping[str, Interval] = field(default_factory=dict)
    gallery: int = 0
    chance: float = 0.0
    positive: Control
    negative: Control
    facts: Mapping[str, Any] = field(default_factory=dict)
    strips: Sequence[Strip] = ()


class Trial(Protocol):
    """What fills a cell; attacks, games and points of curves have this in common."""

    @property
    def name(self) -> str:
        """Name of the attack or game."""
        ...

    @property
    def file(self) -> str:
        """Name of the cell's file, without the suffix."""
        ...

    @property
    def kind(self) -> Kind:
        """What kind of cell it fills."""
        ...

    @property
    def title(self) -> str:
        """In a few words."""
        ...

    @property
    def citation(self) -> str:
        """Where it is from."""
        ...

    @property
    def access(self) -> Access:
        """What the attacker needs most of all."""
        ...

    @property
    def cost(self) -> str:
        """How time and memory grow."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """Everything of its own that decides the outcome, as JSON values."""
        ...

    def obstacle(self, scheme: Scheme) -> str:
        """Return why it says nothing about a scheme; empty where it does."""
        ...

    def run(self, bench: Bench, *, seconds: float, advance: Advance | None = None) -> Finding:
        """Run it with its controls.

        Args:
            bench: Scheme, key and images.
            seconds: For all of it.
            advance: Called with how much is done, and of how much.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class AttackTrial(OfSubject):
    """An attack of the catalogue with both controls.

    Args:
        attack: With its settings.
        positives: What attacks must break, by their names.
    """

    attack: Attack
    positives: Mapping[str, Positive] = field(default_factory=lambda: POSITIVES)

    @property
    def subject(self) -> Attack:
        """What is tried."""
        return self.attack

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings of the attack and of its positive control."""
        positive = self.positives.get(self.name)
        return {"attack": asdict(self.attack), "positive": None if positive is None else asdict(positive)}

    def obstacle(self, scheme: Scheme) -> str:
        """Return why the attack says nothing about a scheme; empty where it does."""
        if self.access in ("model", "client", "gradients"):
            return f"it needs the {self.access}, and this audit has images alone"
        return self.attack.obstacle(scheme)

    def run(self, bench: Bench, *, seconds: float, advance: Advance | None = None) -> Finding:
        """Run the positive control, unless that was done, then attack and negative control, in equal times."""
        question = Question(name=self.name, settings=self.settings, data=bench.images.digest, seed=bench.seed)
        positive, share = bench.controls.answer(
            question,
            seconds=seconds,
            run=lambda allowed: run_positive(self.attack, bench=bench, seconds=allowed, positives=self.positives),
        )
        evidence = bench.evidence(self.access)
        plain = bench.images.victims
        found = self.attack.run(evidence, budget=Budget(seconds=share), advance=advance)
        noise_evidence = negative_control(evidence, encrypt=bench.encrypt)
        noise = self.attack.run(noise_evidence, budget=Budget(seconds=share))
        finding = finding_of(
            found,
            noise,
            plain=plain,
            encrypted=evidence.ciphertexts,
            gallery=bench.images.gallery(np.arange(len(plain))),
            positive=positive,
            public=0 if evidence.public is None else len(evidence.public),
            pairs=0 if evidence.pairs is None else len(evidence.pairs.plain),
            extra=bench.extra,
        )
        return stopped_early(finding, most=getattr(self.attack, "steps", 0))


def stopped_early(finding: Finding, *, most: int) -> Finding:
    """Return a finding, INCONCLUSIVE where a network found nothing and had no time to learn.

    Args:
        finding: Of any attack; one that trains says in its facts how many steps it did.
        most: Steps of a whole training; 0 where there is none.
    """
    done = finding.facts.get("steps")
    if finding.verdict != "NO LEAK FOUND" or done is None or done >= most:
        return finding
    words = f"stopped after {done:,} of {most:,} steps: that it found nothing proves nothing"
    return replace(finding, verdict="INCONCLUSIVE", criterion=words)


def finding_of(
    found: Reconstruction,
    noise: Reconstruction,
    *,
    plain: Images,
    encrypted: Images,
    gallery: Images,
    positive: Control,
    public: int = 0,
    pairs: int = 0,
    extra: Sequence[ExtraMeasure] = (),
) -> Finding:
    """Return what two runs of one attack, on victims and on noise, and its positive control add up to.

    Args:
        found: On the victims.
        noise: On noise in their place.
        plain: uint8 (n, H, W, C), the victims.
        encrypted: (m, H', W', C'), all ciphertexts, the victims' first.
        gallery: uint8 (K, H, W, C), among which victims are to be recognized, the victims first.
        positive: The positive control.
        public: Public images that the attacker had.
        pairs: Known pairs that the attacker had.
        extra: Measures that need a file of the user's; they decide no verdict.
    """
    scores, control = score(found, plain, gallery=gallery), score(noise, plain, gallery=gallery)
    negative = check_negative(noise, plain, control)
    # Noise is one null, other images of the kind are another: what attackers paint must be of the victim itself.
    others = score_others(found, plain) if len(plain) > 1 else control
    judgment = judge(
        scores,
        higher(control, others),
        positive_passed=positive.passed,
        negative_passed=negative.passed,
        key_recovered=bool(found.facts.get("key found")) and not noise.facts.get("key found"),
    )
    return Finding(
        verdict=judgment.verdict,
        criterion=judgment.criterion,
        images=len(encrypted),
        victims=scores.count,
        public=public,
        pairs=pairs,
        figures=figures_of(scores, control, judgment=judgment)
        | extra_figures(extra, found=scores.images, noise=control.images, plain=plain),
        excess=judgment.excess,
        gallery=scores.gallery,
        positive=positive,
        negative=negative,
        facts={**found.facts, "ssim against other images": round(others.mean("ssim"), 4)},
        strips=_strips(plain, encrypted, scores=scores, control=control),
    )


def figures_of(scores: Scores, control: Scores, *, judgment: Judgment) -> dict[str, Interval]:
    """Return the figures of a cell with their intervals.

    Args:
        scores: Of the attack.
        control: Of the same attack on noise.
        judgment: That was made of both.
    """
    figures: dict[str, Interval] = {}
    for suffix, one in (("", scores), ("_control", control)):
        for name, measure in _FIELDS.items():
            figures[name + suffix] = _interval(np.minimum(one.measures[measure], _MOST_DECIBELS))
    if judgment.reidentification is not None:
        figures["reidentification"] = judgment.reidentification
    if control.ranks is not None:
        figures["reidentification_control"] = of_share(int(np.sum(control.ranks == 0)), len(control.ranks))
    return figures


def _interval(values: NDArray[np.float64]) -> Interval:
    """Return the mean with its interval; a single value has one without ends."""
    return of_mean(values) if len(values) > 1 else Interval(float(values[0]), -np.inf, np.inf)


def _strips(plain: Images, encrypted: Images, *, scores: Scores, control: Scores) -> tuple[Strip, ...]:
    """Return the victims that were read best, in the middle and worst."""
    order = np.argsort(-(scores.measures["ssim"] + scores.measures["edges"]), kind="stable")
    chosen = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    return tuple(
        Strip(label=label, images=(plain[place], encrypted[place], scores.images[place], control.images[place]))
        for label, place in chosen.items()
    )
