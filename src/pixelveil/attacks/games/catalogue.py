"""The catalogue: every game by its name."""

from __future__ import annotations

from pixelveil.attacks.games.accumulation import Accumulation
from pixelveil.attacks.games.chosen_images import ChosenImages
from pixelveil.attacks.games.embedding_probe import EmbeddingProbe
from pixelveil.attacks.games.encoder_recovery import EncoderRecovery
from pixelveil.attacks.games.game import Game
from pixelveil.attacks.games.labels import Labels
from pixelveil.attacks.games.linking import Linking
from pixelveil.attacks.games.matching import Matching
from pixelveil.attacks.games.membership import Membership
from pixelveil.attacks.games.reidentification import Reidentification
from pixelveil.attacks.games.seed import Seed
from pixelveil.errors import UsageError

__all__ = ["GAMES", "create_game", "list_games"]

GAMES: dict[str, type[Game]] = {
    "accumulation": Accumulation,
    "chosen-images": ChosenImages,
    "embedding-probe": EmbeddingProbe,
    "encoder-recovery": EncoderRecovery,
    "labels": Labels,
    "linking": Linking,
    "matching": Matching,
    "membership": Membership,
    "reidentification": Reidentification,
    "seed": Seed,
}


def list_games() -> tuple[str, ...]:
    """Return the names of all games.

    >>> "matching" in list_games()
    True
    """
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
