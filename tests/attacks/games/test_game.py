import json

import numpy as np
import pytest

from pixelveil import create_scheme
from pixelveil.attacks.games import GAMES, Deck, create_game, list_games
from pixelveil.attacks.games.game import result_of
from pixelveil.errors import UsageError


def test_results_are_json_values():
    result = result_of("matching", "identification", hits=30, trials=100, chance=0.01, facts={"reading": "cells"})
    content = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert content["interval"]["low"] < 0.3 < content["interval"]["high"]
    assert content["facts"] == {"reading": "cells"}
    assert content["auc"] is None


def test_the_advantage_is_none_at_chance_and_one_at_best():
    at_chance = result_of("a", "distinguishing", hits=50, trials=100, chance=0.5).advantage
    assert at_chance.value == 0
    assert 0 in at_chance
    assert result_of("a", "distinguishing", hits=100, trials=100, chance=0.5).advantage.value == 1
    with pytest.raises(UsageError, match="chance"):
        result_of("a", "distinguishing", hits=1, trials=1, chance=1.0)


def test_decks_are_checked():
    images = np.zeros((4, 8, 8, 3), np.uint8)
    with pytest.raises(UsageError, match="uint8"):
        Deck(images=images.astype(float), public=images)
    with pytest.raises(UsageError, match="differ"):
        Deck(images=images, public=images[:, :4])
    with pytest.raises(UsageError, match="labels"):
        Deck(images=images, public=images, labels=np.zeros(3))
    few = Deck(images=images, public=images, labels=np.arange(4), noise=True).first(2)
    assert len(few.images) == 2
    assert few.labels.tolist() == [0, 1]
    assert few.noise


def test_the_referee_and_the_player_have_randomness_of_their_own():
    images = np.zeros((4, 8, 8, 3), np.uint8)
    deck = Deck(images=images, public=images, seed=3)
    assert deck.referee.random() == deck.referee.random() != deck.player.random()


def test_every_game_declares_its_facts():
    assert set(list_games()) == set(GAMES)
    for name, kind in GAMES.items():
        game = create_game(name)
        assert game.name == name
        assert type(game) is kind
        for fact in (game.title, game.citation, game.access, game.cost, game.scale):
            assert fact
        for scheme in ("skk", "xor-stream", "neuracrypt", "instahide", "gan-transform"):
            assert isinstance(game.obstacle(create_scheme(scheme)), str)
    with pytest.raises(UsageError, match="unknown game"):
        create_game("chess")


def test_games_say_what_they_lack(deck_of):
    scheme, deck = create_scheme("skk"), deck_of(8, labels=None)
    with pytest.raises(UsageError, match="needs labels"):
        create_game("labels").play(scheme, deck)
    with pytest.raises(UsageError, match="cannot be played on skk"):
        create_game("encoder-recovery").play(scheme, deck)
    with pytest.raises(UsageError, match="needs 2 images"):
        create_game("matching").play(scheme, deck.first(1))
