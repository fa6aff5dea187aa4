import numpy as np
import pytest

from pixelveil import create_scheme
from pixelveil.attacks.attack import Budget
from pixelveil.attacks.games import judge_game
from pixelveil.attacks.games.chosen_images import ChosenImages, chosen_pairs, train_distinguisher
from pixelveil.attacks.games.readings import readings_for
from pixelveil.attacks.games.referee import new_key, tell_apart


def test_pairs_are_what_they_are_called(tiles):
    pairs = chosen_pairs(tiles[0][0], generator=np.random.default_rng(0))
    flat, texture = pairs["texture"]
    assert np.ptp(flat.reshape(-1, 3), axis=0).max() == 0
    np.testing.assert_allclose(flat.mean(axis=(0, 1)), texture.mean(axis=(0, 1)), atol=0.51)
    dark, bright = pairs["brightness"]
    assert dark.max() < 64 <= 160 <= bright.min()
    image, mixed = pairs["layout"]
    np.testing.assert_array_equal(np.sort(image.reshape(-1, 3), axis=0), np.sort(mixed.reshape(-1, 3), axis=0))
    assert (image != mixed).any()


@pytest.mark.parametrize("name", ["skk", "tanaka-le", "huang", "vit-permutation", "svd-wang"])
def test_no_scheme_for_learning_hides_the_choice(name, deck_of):
    result = ChosenImages(trials=100, copies=32).play(create_scheme(name), deck_of(16))
    assert result.advantage.low > 0.8
    assert judge_game(result, positive_passed=True).verdict == "LEAK"


def test_a_stream_cipher_does(deck_of):
    result = ChosenImages().play(create_scheme("xor-stream"), deck_of(16))
    assert judge_game(result, positive_passed=True).verdict == "NO LEAK FOUND"
    assert set(result.facts["advantage by pair"]) == {"texture", "brightness", "layout"}


def test_skk_hides_one_thing_a_picture_from_its_negative(tiles):
    scheme, image = create_scheme("skk"), tiles[0][0]
    pair, encrypt = (image, 255 - image), new_key(create_scheme("skk"))
    player = train_distinguisher(pair, readings=readings_for(scheme, shape=(32, 32, 3)), encrypt=encrypt, copies=48)
    hits = tell_apart(pair, encrypt=encrypt, trials=300, generator=np.random.default_rng(0), player=player)
    assert 110 < hits < 190


def test_without_time_one_reading_of_one_pair_is_played(deck_of):
    result = ChosenImages(trials=60, copies=16).play(create_scheme("xor-stream"), deck_of(16), budget=Budget(seconds=0))
    assert list(result.facts["advantage by pair"]) == ["texture"]
    assert result.trials == 60


def test_noise_leaves_the_coin(deck_of):
    result = ChosenImages(trials=300).play(create_scheme("skk"), deck_of(16, noise=True))
    assert judge_game(result, positive_passed=True).verdict == "NO LEAK FOUND"
