"""Every game end to end: on images that are not hidden players win, on AES-CTR noise they guess."""

import json

import numpy as np
import pytest

from pixelveil.attacks.attack import Budget
from pixelveil.attacks.games.catalogue import GAMES, create_game, list_games
from pixelveil.attacks.games.controls import Plain
from pixelveil.attacks.games.game import Deck, Game
from pixelveil.attacks.games.verdict import judge_game
from pixelveil.errors import UsageError
from pixelveil.schemes import create_scheme

COUNT = 60


def pictures(count, seed):
    """Smooth pictures of four kinds, all different."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:16, :16] / 16
    kinds = (x, y, np.abs(x - 0.5) * 2, (x - 0.5) ** 2 + (y - 0.5) ** 2)
    labels = np.arange(count) % 4
    images = []
    for label in labels:
        base = kinds[label][..., None] * generator.uniform(60, 200, 3) + generator.uniform(0, 50, 3)
        images.append(base + generator.normal(0, 6, (16, 16, 3)))
    return np.clip(np.stack(images), 0, 255).astype(np.uint8), labels


def deck(**changes):
    images, labels = pictures(COUNT, 0)
    public, _ = pictures(COUNT, 1)
    return Deck(**({"images": images, "public": public, "labels": labels} | changes))


def play(name, scheme, **changes):
    return create_game(name).play(scheme, deck(**changes), budget=Budget(seconds=20))


@pytest.mark.parametrize("name", list_games())
def test_every_game_declares_its_facts(name):
    kind = GAMES[name]
    assert kind.name == name
    for text in (kind.title, kind.citation, kind.cost):
        assert text.strip()
    assert kind.__mro__[1] is Game
    assert kind.__dataclass_params__.frozen
    assert kind.obstacle is not Game.obstacle
    assert kind.play is not Game.play


@pytest.mark.parametrize("scheme", ["skk", "madono-ele", "etc-color", "vit-orthogonal", "vit-permutation"])
def test_fresh_keys_do_not_keep_ciphertexts_from_being_matched(scheme):
    blocks = {} if scheme == "skk" else {"block_size": 4}
    result = play("matching", create_scheme(scheme, **blocks, key_policy="derived"))
    assert result.interval.value > 0.9
    assert result.chance <= 1 / 50


def test_plain_images_are_matched_and_noise_is_not():
    assert play("matching", Plain()).interval.value > 0.95
    result = play("matching", create_scheme("xor-stream"))
    assert judge_game(result, positive_passed=True).verdict == "NO LEAK FOUND"


def test_two_encryptions_of_one_image_are_linked():
    assert play("linking", create_scheme("skk")).auc.low > 0.95
    assert judge_game(play("linking", create_scheme("xor-stream")), positive_passed=True).verdict == "NO LEAK FOUND"


def test_a_flat_image_is_told_from_another():
    assert play("chosen-images", create_scheme("skk")).interval.low > 0.5
    result = play("chosen-images", create_scheme("xor-stream"))
    assert judge_game(result, positive_passed=True).verdict == "NO LEAK FOUND"


def test_labels_are_read_off_what_a_key_cannot_hide():
    assert play("labels", create_scheme("skk")).interval.low > 0.25
    result = play("labels", create_scheme("xor-stream"))
    assert result.interval.low < 0.4


def test_results_are_json():
    assert json.loads(json.dumps(play("matching", create_scheme("skk")).to_json()))["game"] == "matching"


def test_what_cannot_be_played_says_why():
    with pytest.raises(UsageError, match="unknown game"):
        create_game("chess")
    with pytest.raises(UsageError, match="labels"):
        play("labels", create_scheme("skk"), labels=None)
    with pytest.raises(UsageError, match="uint8"):
        deck(images=np.zeros((4, 16, 16, 3)))
