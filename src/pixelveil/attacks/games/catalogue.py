"""The catalogue: every game by its name."""

from __future__ import annotations

from pixelveil.attacks.games.game import Game
from pixelveil.attacks.games.matching import Matching
from pixelveil.errors import UsageError

__all__ = ["GAMES", "create_game", "list_games"]

GAMES: dict[str, type[Game]] = {
    "matching": Matching,
}


def list_games() -> tuple[str, ...]:
    """Return the names of all games."""
    return tuple(sorted(GAMES))


def create_game(name: str) -> Game:
    """Create a game by name, with its default settings.

    Args:
        name: One of `list_games`.

    Raises:
        UsageError: There is none of that name.
    """
    if name not in GAMES:
        raise UsageError(f"unknown game {name!r}", hint=f"one of: {', '.join(list_games())}")
    return GAMES[name]()
