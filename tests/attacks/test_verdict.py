import dataclasses

import numpy as np
import pytest

from pixelveil.attacks import verdict
from pixelveil.attacks.evaluate import Scores
from pixelveil.attacks.verdict import RULES, judge, worst

N = 100


def scores(*, ssim=0.0, edges=0.0, information=0.0, hits=None, gallery=1000, count=N, seed=0):
    generator = np.random.default_rng(seed)
    measures = {
        name: level + generator.normal(0, 0.02, count)
        for name, level in (("ssim", ssim), ("edges", edges), ("information", information))
    }
    ranks = None if hits is None else np.where(np.arange(count) < hits, 0, 7)
    return Scores(measures=measures, images=np.zeros((count, 8, 8, 3), np.uint8), ranks=ranks, gallery=gallery)


FLOOR = scores(seed=1)


@pytest.mark.parametrize(
    ("attack", "expected"),
    [
        (scores(), "NO LEAK FOUND"),
        (scores(hits=0), "NO LEAK FOUND"),
        (scores(edges=0.04), "NO LEAK FOUND"),
        (scores(edges=0.07), "LEAK"),
        (scores(ssim=0.03), "LEAK"),
        (scores(information=0.1), "LEAK"),
        (scores(hits=3), "LEAK"),
        (scores(hits=11), "SERIOUS"),
        (scores(hits=30), "BROKEN"),
        (scores(ssim=0.55), "BROKEN"),
    ],
)
def test_the_rules(attack, expected):
    judgment = judge(attack, FLOOR, positive_passed=True)
    assert judgment.verdict == expected
    assert judgment.criterion


def test_a_similarity_that_the_control_has_too_is_no_leak():
    """Blur makes noise look similar to anything: SSIM 0.2 of 0.2 is a floor."""
    assert judge(scores(ssim=0.6), scores(ssim=0.6, seed=1), positive_passed=True).verdict == "NO LEAK FOUND"


def test_half_of_what_can_be_read_is_broken():
    assert judge(scores(ssim=0.3), FLOOR, positive_passed=True).verdict == "LEAK"
    assert judge(scores(ssim=0.3), FLOOR, positive_passed=True, bound=0.5).verdict == "BROKEN"


def test_a_key_is_everything():
    assert judge(scores(), FLOOR, positive_passed=True, key_recovered=True).verdict == "BROKEN"


def test_without_controls_nothing_is_proven():
    broken = scores(ssim=0.9, hits=N)
    for controls in ({"positive_passed": False}, {"positive_passed": True, "negative_passed": False}):
        assert judge(broken, FLOOR, **controls).verdict == "INCONCLUSIVE"
    few = judge(scores(ssim=0.9, count=10), scores(count=10, seed=1), positive_passed=True)
    assert few.verdict == "INCONCLUSIVE"
    assert "10 victims" in few.criterion


def test_rules_can_be_others():
    strict = dataclasses.replace(RULES, effects={"edges": 0.001, "ssim": 0.02, "information": 0.02})
    assert judge(scores(edges=0.04), FLOOR, positive_passed=True, rules=strict).verdict == "LEAK"


def test_many_repeats_of_nothing_are_rarely_a_leak():
    found = [judge(scores(seed=2 * i), scores(seed=2 * i + 1), positive_passed=True).verdict for i in range(30)]
    assert found.count("NO LEAK FOUND") == 30


def test_the_grade_is_the_worst_cell():
    assert worst(["LEAK", "BROKEN", "NOT APPLICABLE"]) == "BROKEN"
    assert worst(["NOT APPLICABLE", "NO LEAK FOUND"]) == "NO LEAK FOUND"
    assert worst([]) == "INCONCLUSIVE"


def test_the_vocabulary_has_no_word_for_safety():
    text = " ".join(verdict.Verdict.__args__).lower() + (verdict.__doc__ or "").lower().replace("something is safe", "")
    for word in ("secure", "safe", "unbreakable"):
        assert word not in text
