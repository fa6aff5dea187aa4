import pytest

from pixelveil import create_scheme
from pixelveil.attacks.games import judge_game
from pixelveil.attacks.games.linking import Linking


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("skk", {}),
        ("madono-ele", {}),
        ("etc-color", {"block_size": 8}),
        ("vit-orthogonal", {"block_size": 4}),
    ],
)
def test_two_keys_do_not_part_equal_images(name, parameters, deck_of):
    result = Linking().play(create_scheme(name, **parameters), deck_of(128))
    assert result.tpr.value > 0.9
    assert result.auc.low > 0.95
    assert judge_game(result, positive_passed=True).verdict == "BROKEN"


def test_projections_are_linked_too(deck_of):
    result = Linking().play(create_scheme("svd-wang"), deck_of(128))
    assert result.auc.low > 0.9
    assert result.hits > 64


def test_a_stream_cipher_parts_them(deck_of):
    result = Linking().play(create_scheme("xor-stream"), deck_of(256))
    assert 0.43 < result.auc.value < 0.57
    assert judge_game(result, positive_passed=True).verdict == "NO LEAK FOUND"


def test_noise_is_not_linked(deck_of):
    result = Linking().play(create_scheme("skk"), deck_of(128, noise=True))
    assert judge_game(result, positive_passed=True).verdict == "NO LEAK FOUND"


def test_one_key_for_both(deck_of):
    result = Linking(rekeyed=False).play(create_scheme("tanaka-le"), deck_of(64))
    assert result.facts["keys"] == "the same"
    assert result.hits == 64
