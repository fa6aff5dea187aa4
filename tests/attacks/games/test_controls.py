import numpy as np
import pytest

from pixelveil.attacks.games import create_game, judge_game
from pixelveil.attacks.games.controls import Plain
from pixelveil.schemes import SCHEMES


def test_plain_images_stay_as_they_are(tiles):
    np.testing.assert_array_equal(Plain().encrypt(tiles[0][:3]).images, tiles[0][:3])
    assert Plain.name not in SCHEMES
    assert Plain().key_bits((32, 32, 3)) == 0


@pytest.mark.parametrize("name", ["matching", "linking", "chosen-images"])
def test_players_win_on_plain_images(name, deck_of):
    result = create_game(name).play(Plain(), deck_of(96))
    assert result.hits == result.trials
    assert judge_game(result, positive_passed=True).verdict in ("BROKEN", "LEAK")


@pytest.mark.parametrize("name", ["matching", "linking", "chosen-images", "labels"])
def test_players_lose_on_noise_in_place_of_plain_images(name, deck_of):
    result = create_game(name).play(Plain(), deck_of(128, noise=True))
    assert judge_game(result, positive_passed=True).verdict == "NO LEAK FOUND"
