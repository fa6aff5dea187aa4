import pytest

from pixelveil.attacks.games.game import result_of
from pixelveil.attacks.games.verdict import judge_game
from pixelveil.attacks.intervals import Interval


def verdict(result, *, positive=True, negative=True):
    return judge_game(result, positive_passed=positive, negative_passed=negative).verdict


@pytest.mark.parametrize(
    ("hits", "expected"), [(1, "NO LEAK FOUND"), (12, "LEAK"), (80, "SERIOUS"), (300, "BROKEN"), (1000, "BROKEN")]
)
def test_tiers_of_identification(hits, expected):
    assert verdict(result_of("m", "identification", hits=hits, trials=1000, chance=1e-3)) == expected


def test_a_gallery_of_few_needs_more_than_chance():
    assert verdict(result_of("m", "identification", hits=60, trials=120, chance=0.5)) == "NO LEAK FOUND"


@pytest.mark.parametrize(
    ("tpr", "auc", "expected"), [(0.001, 0.5, "NO LEAK FOUND"), (0.01, 0.6, "LEAK"), (0.2, 0.9, "BROKEN")]
)
def test_linking(tpr, auc, expected):
    result = result_of(
        "l",
        "linking",
        hits=1,
        trials=1000,
        chance=1e-3,
        tpr=Interval(tpr, tpr * 0.7, tpr * 1.3),
        auc=Interval(auc, auc - 0.02, auc + 0.02),
    )
    assert verdict(result) == expected


@pytest.mark.parametrize(("hits", "expected"), [(500, "NO LEAK FOUND"), (530, "NO LEAK FOUND"), (600, "LEAK")])
def test_single_answers(hits, expected):
    for scale in ("distinguishing", "inference"):
        assert verdict(result_of("d", scale, hits=hits, trials=1000, chance=0.5)) == expected


def test_one_key_found_is_enough():
    assert verdict(result_of("s", "recovery", hits=1, trials=3, chance=1e-6)) == "BROKEN"
    assert verdict(result_of("s", "recovery", hits=0, trials=3, chance=1e-6)) == "NO LEAK FOUND"


def test_members():
    found = {"auc": Interval(0.6, 0.5, 0.7), "fpr": 0.01}
    many, few = Interval(0.5, 0.45, 0.55), Interval(0.02, 0.01, 0.03)
    assert verdict(result_of("m", "membership", hits=60, trials=100, chance=0.5, tpr=many, **found)) == "LEAK"
    assert verdict(result_of("m", "membership", hits=60, trials=100, chance=0.5, tpr=few, **found)) == "NO LEAK FOUND"


def test_nothing_counts_without_controls_or_with_few_questions():
    won = result_of("m", "identification", hits=1000, trials=1000, chance=1e-3)
    assert verdict(won, positive=False) == verdict(won, negative=False) == "INCONCLUSIVE"
    assert verdict(result_of("m", "identification", hits=9, trials=9, chance=0.1)) == "INCONCLUSIVE"
