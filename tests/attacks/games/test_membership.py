import numpy as np
import pytest
from scipy.stats import norm

from pixelveil import create_scheme
from pixelveil.attacks.attack import Budget
from pixelveil.attacks.games import judge_game
from pixelveil.attacks.games.controls import Plain
from pixelveil.attacks.games.membership import Membership, confidences, likelihood_ratios


def test_the_ratio_is_that_of_two_normals():
    generator = np.random.default_rng(0)
    members = generator.random((400, 3)) < 0.5
    shadows = generator.normal(size=(400, 3)) + 2 * members
    target = np.array([0.0, 1.0, 2.0])
    expected = norm(2, 1).logpdf(target) - norm(0, 1).logpdf(target)
    np.testing.assert_allclose(likelihood_ratios(target, shadows, members), expected, atol=0.6)


@pytest.mark.parametrize("scheme", [Plain(), create_scheme("tanaka-le")])
def test_an_overfitted_model_gives_its_members_away(scheme, deck_of):
    result = Membership(shadows=12, overfitted=True).play(scheme, deck_of(192))
    assert result.tpr.value >= 0.5
    assert result.fpr == 0.01
    assert judge_game(result, positive_passed=True).verdict == "LEAK"


def test_copies_of_a_member_make_it_stand_out(deck_of):
    deck = deck_of(96)
    rows = deck.images.reshape(96, -1).astype(np.float32)
    member = np.arange(96) % 2 == 0
    once, often = (
        confidences(rows, deck.labels, member, classes=2, strength=10.0, width=1.0, copies=copies)
        for copies in (1, 1000)
    )
    assert often[member].min() > once[member].min() + 0.3


def test_coins_are_not_members(deck_of):
    result = Membership(shadows=8).play(create_scheme("tanaka-le"), deck_of(192, noise=True))
    assert judge_game(result, positive_passed=True).verdict == "NO LEAK FOUND"
    assert 0.35 < result.auc.value < 0.65


def test_without_time_there_are_few_shadow_models(deck_of):
    result = Membership().play(create_scheme("tanaka-le"), deck_of(64), budget=Budget(seconds=0))
    assert result.facts["shadow models"] == 4
