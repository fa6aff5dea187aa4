import pytest

from pixelveil import create_scheme
from pixelveil.attacks.pairs.curve import PairCurve, pair_curve
from pixelveil.attacks.pairs.lane_plans import KnownPlaintextLanes
from pixelveil.errors import UsageError


def test_more_pairs_read_more(small, held):
    evidence, seen = held(create_scheme("madono-ele"), small, pairs=12), []
    curve = pair_curve(
        KnownPlaintextLanes(),
        evidence,
        plain=small[12:],
        counts=(1, 4, 12),
        advance=lambda *step: seen.append(step),
    )
    assert curve.mean(1) < curve.mean(4) < curve.mean(12)
    assert curve.needed() in (4, 12)
    assert curve.needed(share=0.95, least=0.97) == 12
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_needed():
    curve = PairCurve(similarity={2: (0.1, 0.2), 8: (0.95, 0.5)})
    assert curve.needed() == 8
    assert curve.needed(share=0.95) is None
    assert curve.needed(least=0.15) == 2


def test_too_few_pairs(small, held):
    with pytest.raises(UsageError, match="needs so many"):
        pair_curve(KnownPlaintextLanes(), held(create_scheme("smkk"), small, pairs=2), plain=small[2:], counts=(1, 4))
