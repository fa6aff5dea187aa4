import numpy as np
import pytest

from pixelveil import create_scheme
from pixelveil.attacks.attack import Budget
from pixelveil.attacks.games import judge_game
from pixelveil.attacks.games.labels import Labels, train_on_readings
from pixelveil.errors import UsageError


@pytest.mark.parametrize("name", ["tanaka-le", "vit-restricted"])
def test_a_shared_key_shows_which_images_are_bright(name, deck_of):
    result = Labels().play(create_scheme(name), deck_of(256))
    assert result.interval.low > 0.65
    assert result.facts["plain"] > 0.8
    assert judge_game(result, positive_passed=True).verdict == "LEAK"


def test_skk_hides_brightness_but_not_contrast(tiles, deck_of):
    contrast = np.abs(tiles[0][:256].astype(float) - 127.5).mean(axis=(1, 2, 3))
    deck = deck_of(256, labels=np.where(contrast > np.median(contrast), "far", "near"))
    assert Labels().play(create_scheme("skk"), deck).interval.low > 0.85


def test_a_stream_cipher_shows_nothing(deck_of):
    result = Labels().play(create_scheme("xor-stream"), deck_of(256))
    assert judge_game(result, positive_passed=True).verdict == "NO LEAK FOUND"


def test_one_class_is_refused(deck_of):
    with pytest.raises(UsageError, match="one class"):
        Labels().play(create_scheme("skk"), deck_of(32, labels=np.zeros(32)))


def test_the_reading_that_tells_most_is_taken_while_there_is_time(deck_of):
    deck = deck_of(128)
    readings = {
        "nothing": lambda images: np.ones((len(images), 2), np.float32),
        "light": lambda images: images.mean(axis=(1, 2, 3))[:, None].astype(np.float32),
    }
    for seconds, expected in ((60, "light"), (0, "nothing")):
        budget = Budget(seconds=seconds)
        name, _, tell = train_on_readings(deck.images, deck.labels, classes=2, readings=readings, budget=budget)
        assert name == expected
        assert len(tell(deck.images[:5])) == 5
