"""Games: a referee with a key asks a player without one; what counts is how much better than chance the answers are."""

from pixelveil.attacks.games.catalogue import GAMES, create_game, list_games
from pixelveil.attacks.games.game import Deck, Game, GameResult
from pixelveil.attacks.games.verdict import GameJudgment, judge_game

__all__ = ["GAMES", "Deck", "Game", "GameJudgment", "GameResult", "create_game", "judge_game", "list_games"]
