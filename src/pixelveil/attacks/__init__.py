"""Attacks, grouped by what the attacker holds; measures and controls that tell what an attack is worth."""

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Pairs, Reconstruction
from pixelveil.attacks.catalogue import ATTACKS, create_attack, list_attacks

__all__ = [
    "ATTACKS",
    "Access",
    "Attack",
    "Budget",
    "Evidence",
    "Pairs",
    "Reconstruction",
    "create_attack",
    "list_attacks",
]
