"""The catalogue: every attack by its name."""

from __future__ import annotations

from pixelveil.attacks.attack import Attack
from pixelveil.errors import UsageError

__all__ = ["ATTACKS", "create_attack", "list_attacks"]

ATTACKS: dict[str, type[Attack]] = {}


def list_attacks() -> tuple[str, ...]:
    """Return the names of all attacks."""
    return tuple(sorted(ATTACKS))


def create_attack(name: str) -> Attack:
    """Create an attack by name, with its default settings.

    Args:
        name: One of `list_attacks`.

    Raises:
        UsageError: There is none of that name.
    """
    if name not in ATTACKS:
        raise UsageError(f"unknown attack {name!r}", hint=f"one of: {', '.join(list_attacks())}")
    return ATTACKS[name]()
