"""What a trial says of itself is what its attack or game declares; written down once for all kinds of trials."""

from __future__ import annotations

from pixelveil.attacks.attack import Access, Attack
from pixelveil.attacks.games import Game
from pixelveil.attacks.stem.model_attack import ModelAttack
from pixelveil.audit.cell import Kind

__all__ = ["OfSubject"]


class OfSubject:
    """Base of trials: the facts of their subject."""

    @property
    def subject(self) -> Attack | ModelAttack | Game:
        """What is tried."""
        raise NotImplementedError  # every kind of trial names its own; tests/audit/test_subject.py proves that

    @property
    def name(self) -> str:
        """Name of the attack or game."""
        return self.subject.name

    @property
    def file(self) -> str:
        """Name of the cell's file, without the suffix."""
        return self.subject.name

    @property
    def kind(self) -> Kind:
        """Kind of the cell."""
        return "attack"

    @property
    def title(self) -> str:
        """In a few words."""
        return self.subject.title

    @property
    def citation(self) -> str:
        """Where it is from."""
        return self.subject.citation

    @property
    def access(self) -> Access:
        """What the attacker needs most of all."""
        return self.subject.access

    @property
    def cost(self) -> str:
        """How time and memory grow."""
        return self.subject.cost
