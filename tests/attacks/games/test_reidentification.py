import numpy as np
import pytest

from pixelveil import create_scheme
from pixelveil.attacks.games import judge_game
from pixelveil.attacks.games.reidentification import Reidentification, reidentify, train_recognizer
from pixelveil.errors import UsageError


@pytest.fixture(scope="module")
def persons(tiles):
    """Six noisy pictures of each of 30 tiles: (images, who is shown)."""
    generator = np.random.default_rng(0)
    who = np.repeat(np.arange(30), 6)
    noisy = tiles[0][who].astype(float) + generator.normal(0, 12, (len(who), 32, 32, 3))
    order = generator.permutation(len(who))
    return np.clip(noisy, 0, 255).astype(np.uint8)[order], who[order]


def test_a_recognizer_knows_its_persons(persons):
    images, who = persons
    assert (train_recognizer(images[:90], who[:90])(images[90:]) == who[90:])[np.isin(who[90:], who[:90])].mean() > 0.9


def test_originals_are_found_and_others_are_not(tiles):
    images = tiles[0]
    assert reidentify(images[:50], images[:50], others=images[50:])[0] == 50
    hits, chance, asked = reidentify(np.roll(images[:50], 1, axis=0), images[:50], others=images[50:])
    assert hits == 0
    assert chance == 1 / 256
    assert asked == "image"


def test_skk_shows_which_image_it_is(deck_of):
    result = Reidentification(images=100).play(create_scheme("skk"), deck_of(200))
    assert result.facts["attack"] == "leading-bit"
    assert result.chance == 1 / 200
    assert result.interval.low > 0.2
    assert judge_game(result, positive_passed=True).verdict == "BROKEN"


def test_and_who(persons, deck_of):
    images, who = persons
    deck = deck_of(180, labels=who)
    deck = type(deck)(images=images, public=deck.public, labels=who)
    result = Reidentification(by_person=True, attack="statistics-skk").play(
        create_scheme("skk", key_policy="shared"), deck
    )
    assert result.facts["asked for"] == "person"
    assert result.interval.low > 0.6
    assert result.facts["plain"] > 0.85


def test_noise_shows_nobody(deck_of):
    result = Reidentification(images=100).play(create_scheme("skk"), deck_of(200, noise=True))
    assert judge_game(result, positive_passed=True).verdict == "NO LEAK FOUND"


def test_obstacles(deck_of):
    assert "no attack" in Reidentification().obstacle(create_scheme("gan-transform"))
    assert Reidentification(attack="leading-bit").obstacle(create_scheme("tanaka-le"))
    with pytest.raises(UsageError, match="no labels"):
        Reidentification(by_person=True).play(create_scheme("skk"), deck_of(16, labels=None))
