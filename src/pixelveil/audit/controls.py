"""The two controls of a cell, on the same images and with the same time as the attack itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pixelveil.attacks.attack import Attack, Budget, Images, Reconstruction
from pixelveil.attacks.catalogue import create_attack
from pixelveil.attacks.evaluate import Scores, score
from pixelveil.attacks.intervals import of_mean, of_share
from pixelveil.attacks.verdict import RULES, Rules
from pixelveil.audit.bench import Bench
from pixelveil.audit.control_store import Control
from pixelveil.audit.positive import Positive
from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme, create_scheme

__all__ = ["Control", "check_negative", "run_positive"]

# A control that fails by chance would spoil a good cell; with some tens of cells in a grid, that shall be rare.
_CONFIDENCE = 0.999


def run_positive(attack: Attack, *, bench: Bench, seconds: float, positives: Mapping[str, Positive]) -> Control:
    """Run an attack on what it must break, under a key of its own, on the bench's images.

    Args:
        attack: The attack.
        bench: Whose images are used.
        seconds: That it may take.
        positives: What it must break, by name of the attack; without an entry the control fails.
    """
    wanted = positives.get(attack.name)
    if wanted is None:
        return Control(passed=False, facts={"reason": "nothing is registered that this attack must break"})
    facts: dict[str, Any] = {
        "scheme": wanted.scheme,
        "parameters": dict(wanted.parameters),
        "measure": wanted.measure,
        "least": wanted.least,
    }
    if wanted.seed is not None:
        facts["seed"] = wanted.seed
    try:
        other = bench.renewed(scheme=_scheme(wanted, shape=bench.images.shape))
        available = len(other.images.encrypted)
        places = np.arange(min(wanted.images or available, available))
        victims = min(len(places), len(other.images.victims))
        evidence = other.evidence(attack.access, places=places, victims=victims, pairs=wanted.pairs or None)
        found = attack.run(evidence, budget=Budget(seconds=seconds))
        plain = other.images.encrypted[:victims]
        reached = score(found, plain).mean(wanted.measure)
        if wanted.beats:
            rival = score(create_attack(wanted.beats).run(evidence), plain).mean(wanted.measure)
            facts |= {"beats": wanted.beats, "rival": rival}
    except UsageError as error:  # such as images of one channel, where it needs three
        return Control(passed=False, facts={**facts, "reason": str(error)})
    facts |= {"images": len(places), "pairs": 0 if evidence.pairs is None else len(evidence.pairs.plain)}
    passed = reached >= wanted.least and reached > facts.get("rival", -np.inf)
    return Control(passed=bool(passed), facts={**facts, "reached": reached})


def _scheme(wanted: Positive, *, shape: tuple[int, int, int]) -> Scheme:
    """Return the scheme that an attack must break, with a key from a seed where that is what it must find."""
    scheme = create_scheme(wanted.scheme, **wanted.parameters)
    if wanted.seed is None:
        return scheme
    from pixelveil.schemes.legacy.material import legacy_from_seed

    return scheme.bind(legacy_from_seed(scheme, seed=wanted.seed, rng=wanted.generator, shape=shape))


def check_negative(found: Reconstruction, plain: Images, scores: Scores, *, rules: Rules = RULES) -> Control:
    """Say whether an attack found nothing in noise: nothing that is more like the victims than like other images.

    What it makes of noise may well look like images of this kind in general; it must not look more like victim i than
    like victim i + 1, in the reading that suits each best, and must not be recognized.

    Args:
        found: What the attack made of noise.
        plain: uint8 (n, H, W, C), the victims.
        scores: Of ``found`` against them.
        rules: Whose effects and chance count.
    """
    if len(plain) < 2:
        return Control(passed=True, facts={"reason": "one victim has no other to be compared with"})
    others = score(found, np.roll(plain, 1, axis=0))
    facts: dict[str, Any] = {}
    passed = True
    for measure, effect in rules.effects.items():
        excess = of_mean(scores.measures[measure] - others.measures[measure], confidence=_CONFIDENCE)
        facts[f"{measure}_excess_over_other_images"] = excess.value
        passed = passed and not (excess.low > 0 and excess.value >= effect)
    if scores.ranks is not None and scores.gallery:
        share = of_share(int(np.sum(scores.ranks == 0)), len(scores.ranks), confidence=_CONFIDENCE)
        facts["reidentification"] = share.value
        passed = passed and share.low <= rules.leak_chance / scores.gallery
    return Control(passed=passed, facts=facts)
