import numpy as np

from pixelveil import create_scheme
from pixelveil.attacks.attack import Budget
from pixelveil.attacks.games import judge_game
from pixelveil.attacks.games.accumulation import Accumulation, energy_curve, over_images
from pixelveil.attacks.games.matching import Matching


def test_energies_of_many_encryptions_go_to_the_folded_image(tiles):
    curve = energy_curve(create_scheme("skk-g"), tiles[0][:24], counts=(1, 4, 16))
    assert curve[1] < curve[4] < curve[16]
    assert curve[16] > 0.7


def test_noise_of_skk_g_averages_out(deck_of):
    result = Accumulation(encryptions=(1, 16)).play(create_scheme("skk-g", noise_std=80.0), deck_of(128))
    found = result.facts
    assert found["matched with 16"] > found["matched with 1"] + 0.1
    assert result.hits == round(found["matched with 16"] * 128)


def test_little_time_leaves_fewer_images_and_an_answer(deck_of):
    result = Accumulation().play(create_scheme("skk-g", noise_std=60.0), deck_of(128), budget=Budget(seconds=0))
    assert result.trials == 64
    assert [name for name in result.facts if name.startswith("matched")] == ["matched with 1"]


def test_a_stream_cipher_accumulates_nothing(deck_of):
    result = Accumulation(encryptions=(1, 8)).play(create_scheme("xor-stream"), deck_of(96))
    assert judge_game(result, positive_passed=True).verdict == "NO LEAK FOUND"


def test_equal_encryptions_show_nothing_new():
    assert Accumulation().obstacle(create_scheme("tanaka-le"))
    for name in ("skk", "svd-wang", "masked-image"):
        assert not Accumulation().obstacle(create_scheme(name))


def test_games_over_the_number_of_images(deck_of):
    found = over_images(Matching(), create_scheme("smkk"), deck_of(48), counts=(12, 48))
    assert {count: result.trials for count, result in found.items()} == {12: 12, 48: 48}
    assert np.allclose([result.chance for result in found.values()], [1 / 12, 1 / 48])
