"""What every attack on an encrypted model is: the same as any attack, on other evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from pixelveil.attacks.attack import Access, Budget, Reconstruction
from pixelveil.attacks.stem.evidence import ModelEvidence
from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme

__all__ = ["ModelAttack"]


@dataclass(frozen=True, kw_only=True)
class ModelAttack:
    """Base of all attacks on models: a subclass is a frozen dataclass of settings with declared facts and `run`."""

    name: ClassVar[str]
    title: ClassVar[str]
    citation: ClassVar[str]
    access: ClassVar[Access]
    cost: ClassVar[str]
    """How time and memory grow, in a few words."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Fields of the evidence without which it cannot run."""

    def obstacle(self, scheme: Scheme) -> str:
        """Return why the attack says nothing about models under a scheme; empty where it applies.

        Any scheme that a model absorbs is affine inside blocks, and these attacks need no more. One that does not
        apply is reported as such and never counted as resistance.
        """
        return "" if scheme.key_policy == "shared" else "a model absorbs a key that all images share"

    def run(
        self,
        evidence: ModelEvidence,
        *,
        budget: Budget | None = None,
        advance: Callable[[int, int], None] | None = None,
    ) -> Reconstruction:
        """Read the victims.

        Args:
            evidence: What the attacker holds.
            budget: Time and memory; a minute if not given.
            advance: Called with how much is done and of all.

        Returns:
            One image for each victim, always.

        Raises:
            UsageError: The evidence lacks what the attack needs, or the scheme is not one that it applies to.
        """
        raise NotImplementedError  # every attack of the catalogue defines it; tests/attacks/stem proves that

    def check(self, evidence: ModelEvidence) -> None:
        """Raise unless the evidence holds what the attack needs.

        Raises:
            UsageError: It does not apply, or something is missing.
        """
        if obstacle := self.obstacle(evidence.scheme):
            raise UsageError(f"{self.name} does not apply to {evidence.scheme.name}: {obstacle}")
        if missing := [name for name in self.needs if getattr(evidence, name) is None]:
            raise UsageError(f"{self.name} needs {' and '.join(missing)} in the evidence")
        held = len(evidence.updates or ()) if self.access == "gradients" else len(evidence.ciphertexts)
        if evidence.victims > held:
            raise UsageError(f"{self.name} sees {held} images, not {evidence.victims}")
