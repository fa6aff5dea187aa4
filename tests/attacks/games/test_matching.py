import pytest

from pixelveil import create_scheme
from pixelveil.attacks.attack import Budget
from pixelveil.attacks.games import judge_game
from pixelveil.attacks.games.matching import Matching

READ = [
    ("skk", {}),
    ("smkk", {}),
    ("tanaka-le", {"key_policy": "ephemeral"}),
    ("madono-ele", {}),
    ("madono-ele", {"key_policy": "ephemeral"}),
    ("etc-color", {"block_size": 4, "key_policy": "ephemeral"}),
    ("etc-gray", {}),
    ("vit-permutation", {"key_policy": "ephemeral"}),
    ("vit-compressible", {}),
    ("vit-orthogonal", {"block_size": 4}),
    ("vit-orthogonal", {"block_size": 4, "key_policy": "ephemeral"}),
    ("svd-wang", {}),
    ("masked-image", {}),
]


@pytest.mark.parametrize(("name", "parameters"), READ)
def test_all_images_are_found_under_keys_that_nobody_knows(name, parameters, deck_of):
    result = Matching().play(create_scheme(name, **parameters), deck_of(128))
    assert result.hits >= 115
    assert judge_game(result, positive_passed=True).verdict == "BROKEN"


@pytest.mark.parametrize(("name", "least"), [("huang", 85), ("skk-g", 110)])
def test_filters_hide_little(name, least, deck_of):
    assert Matching().play(create_scheme(name), deck_of(128)).hits >= least


@pytest.mark.parametrize("policy", ["derived", "ephemeral"])
def test_a_stream_cipher_hides_which_is_which(policy, deck_of):
    result = Matching().play(create_scheme("xor-stream", key_policy=policy), deck_of(192))
    assert judge_game(result, positive_passed=True).verdict == "NO LEAK FOUND"


@pytest.mark.parametrize("name", ["skk", "svd-wang", "huang"])
def test_noise_is_not_matched(name, deck_of):
    result = Matching().play(create_scheme(name), deck_of(128, noise=True))
    assert judge_game(result, positive_passed=True).verdict == "NO LEAK FOUND"


def test_pools_are_replaced_by_public_images(tiles, deck_of):
    from pixelveil.schemes.pixel_block_mixing import PixelBlockMixing

    scheme = PixelBlockMixing()
    secret = scheme.bind(PixelBlockMixing.fit(tiles[0][128:160], settings=scheme.parameters))
    result = Matching().play(secret, deck_of(96))
    assert result.hits > 32


def test_without_time_the_first_reading_is_played(deck_of):
    result = Matching().play(create_scheme("svd-wang"), deck_of(64), budget=Budget(seconds=0))
    assert len(result.facts["readings"]) == 1
