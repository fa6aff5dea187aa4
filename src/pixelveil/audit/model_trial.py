"""An attack on encrypted models as a cell of the grid: on a small model made for the audit, or on the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from pixelveil.attacks.attack import Budget
from pixelveil.attacks.evaluate import score
from pixelveil.attacks.stem.april import April
from pixelveil.attacks.stem.catalogue import MODEL_ATTACKS
from pixelveil.attacks.stem.gradient_inversion import GradientInversion
from pixelveil.attacks.stem.inversion import ModelInversion
from pixelveil.attacks.stem.model_attack import ModelAttack
from pixelveil.attacks.stem.tokens import PlainTokens
from pixelveil.audit.bench import Bench
from pixelveil.audit.control_store import Control, Question
from pixelveil.audit.model_positive import MODEL_POSITIVES, ModelPositive
from pixelveil.audit.models import (
    DRIFT,
    Models,
    evidence_of_noise,
    hold,
    not_absorbed,
    one_map,
    patch_of,
    small_models,
)
from pixelveil.audit.subject import OfSubject
from pixelveil.audit.trial import Advance, Finding, finding_of
from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme, create_scheme

__all__ = ["ModelTrial", "create_model_attack"]

# Who decodes with a published base reckons with its having been trained further.
_WITH_DRIFT: dict[str, ModelAttack] = {
    "april": April(drift=DRIFT),
    "gradient-inversion": GradientInversion(drift=DRIFT),
    "model-inversion": ModelInversion(drift=DRIFT),
    "plain-tokens": PlainTokens(drift=DRIFT),
}

_UNREGISTERED = "nothing is registered that this attack must break in the time of an audit, so that it was not run"


def create_model_attack(name: str) -> ModelAttack:
    """Create an attack on models by name, with the settings of an audit.

    Args:
        name: One of `MODEL_ATTACKS`.
    """
    return _WITH_DRIFT.get(name) or MODEL_ATTACKS[name]()


@dataclass(frozen=True, kw_only=True)
class ModelTrial(OfSubject):
    """An attack on encrypted models with both controls.

    Args:
        attack: With its settings.
        models: The user's own; None: a small Vision Transformer that has drifted from a public one, see `small_models`.
        positives: What attacks must break, by their names.
    """

    attack: ModelAttack
    models: Models | None = None
    positives: Mapping[str, ModelPositive] = field(default_factory=lambda: MODEL_POSITIVES)

    @property
    def subject(self) -> ModelAttack:
        """What is tried."""
        return self.attack

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings of the attack and of its positive control, and which model."""
        own = "small" if self.models is None else self.models.digest
        return {**self._control_settings, "model": own, "drift": DRIFT}

    @property
    def _control_settings(self) -> Mapping[str, Any]:
        """What decides the positive control, which never uses the user's model."""
        positive = self.positives.get(self.name)
        return {"attack": asdict(self.attack), "positive": None if positive is None else asdict(positive)}

    def obstacle(self, scheme: Scheme) -> str:
        """Return why there is no encrypted model to attack, or nothing to find in it; empty where there is."""
        if found := not_absorbed(scheme) or self.attack.obstacle(scheme):
            return found
        if isinstance(self.attack, April) and not one_map(scheme):
            return "each position has a key; the gradient of the one kernel is a sum over all of them"
        if self.models is not None and self.models.base is None and "base" in self.attack.needs:
            return "no public base of the model was given: --base"
        return ""

    def run(self, bench: Bench, *, seconds: float, advance: Advance | None = None) -> Finding:
        """Run the positive control, unless that was done, then the attack on victims and on noise, in equal times."""
        wanted = self.positives.get(self.name)
        if wanted is None:
            none = Control(passed=False, facts={"reason": _UNREGISTERED})
            return Finding(
                verdict="INCONCLUSIVE", criterion=_UNREGISTERED, images=0, victims=0, positive=none, negative=none
            )
        question = Question(name=self.name, settings=self._control_settings, data=bench.images.digest, seed=bench.seed)
        positive, share = bench.controls.answer(
            question, seconds=seconds, run=lambda allowed: self._positive(wanted, bench=bench, seconds=allowed)
        )
        shape = bench.images.shape
        models = self.models or small_models(shape=shape, patch=patch_of(bench.scheme), seed=bench.seed)
        evidence = hold(bench, models, attack=self.attack)
        found = self.attack.run(evidence, budget=Budget(seconds=share), advance=advance)
        unread = evidence_of_noise(evidence, bench=bench, attack=self.attack)
        noise = self.attack.run(unread, budget=Budget(seconds=share))
        height, width = models.image_size
        gallery = bench.images.gallery(np.arange(evidence.victims))[:, :height, :width]
        return finding_of(
            found,
            noise,
            plain=gallery[: evidence.victims],
            encrypted=evidence.ciphertexts,
            gallery=gallery,
            positive=positive,
            public=0 if evidence.public is None else len(evidence.public),
            extra=bench.extra,
        )

    def _positive(self, wanted: ModelPositive, *, bench: Bench, seconds: float) -> Control:
        """Run the attack on a model that it must read through, under a key of its own, on the bench's images."""
        facts: dict[str, Any] = {
            "scheme": wanted.scheme,
            "parameters": dict(wanted.parameters),
            "measure": "ssim",
            "least": wanted.least,
        }
        try:
            other = bench.renewed(scheme=create_scheme(wanted.scheme, **wanted.parameters))
            models = small_models(
                shape=bench.images.shape, patch=patch_of(other.scheme), seed=bench.seed, drift=0.0, fixed=wanted.fixed
            )
            evidence = hold(other, models, attack=self.attack, victims=wanted.victims)
            found = self.attack.run(evidence, budget=Budget(seconds=seconds))
        except UsageError as error:  # such as images smaller than a patch
            return Control(passed=False, facts={**facts, "reason": str(error)})
        height, width = models.image_size
        plain = bench.images.victims[: evidence.victims, :height, :width]
        reached = score(found, plain).mean("ssim")
        return Control(
            passed=reached >= wanted.least, facts={**facts, "images": len(evidence.ciphertexts), "reached": reached}
        )
