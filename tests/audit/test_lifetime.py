import pytest

from pixelveil.attacks.intervals import Interval
from pixelveil.audit.bench import Bench
from pixelveil.audit.control_store import Control
from pixelveil.audit.images import ReadImages, divide
from pixelveil.audit.lifetime import LifetimeTrial, curves, series

PASSED = Control(passed=True)


def test_the_series_ends_with_what_there_is():
    assert series(1) == (1,)
    assert series(2000) == (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
    assert series(1050)[-2:] == (500, 1050)


def trial(fakes, ciphertexts, **controls):
    controls = {"positive": PASSED, "negative": PASSED, **controls}
    return LifetimeTrial(attack=fakes.Growing(), ciphertexts=ciphertexts, **controls)


@pytest.mark.parametrize(
    ("ciphertexts", "verdict", "keys"), [(10, "NO LEAK FOUND", 5), (20, "BROKEN", 3), (144, "BROKEN", 1)]
)
def test_points_are_measured_under_as_many_keys_as_a_verdict_needs(scheme, images, fakes, ciphertexts, verdict, keys):
    found = trial(fakes, ciphertexts).run(Bench(scheme=scheme, images=images), seconds=60)
    assert found.verdict == verdict
    assert found.facts["keys"] == keys
    assert found.victims >= 50
    assert found.images == ciphertexts


def test_a_point_without_time_is_inconclusive_and_without_controls_too(scheme, images, fakes):
    bench = Bench(scheme=scheme, images=images)
    assert trial(fakes, 20).run(bench, seconds=0).verdict == "INCONCLUSIVE"
    failed = Control(passed=False)
    assert trial(fakes, 144, positive=failed).run(bench, seconds=9).verdict == "INCONCLUSIVE"
    assert trial(fakes, 144, negative=failed).run(bench, seconds=9).verdict == "INCONCLUSIVE"


@pytest.mark.parametrize(("ciphertexts", "victims"), [(4, 28), (20, 20), (28, 28)])
def test_no_image_counts_twice_as_a_victim(scheme, fakes, ciphertexts, victims):
    few = divide(ReadImages(images=list(fakes.pictures(48))), victims=12)
    assert len(few.encrypted) == 29
    found = trial(fakes, ciphertexts).run(Bench(scheme=scheme, images=few), seconds=60)
    assert found.victims == victims
    assert found.verdict == "INCONCLUSIVE"


def points(fakes, *verdicts):
    numbers = (1, 2, 5, 10, 20)
    return [
        fakes.cell(kind="lifetime", images=number, verdict=verdict, ssim=Interval(0.1, 0.0, 0.2))
        for number, verdict in zip(numbers, verdicts, strict=False)
    ]


def test_thresholds(fakes):
    quiet, leak, broken = "NO LEAK FOUND", "LEAK", "BROKEN"
    (curve,) = curves([*points(fakes, quiet, quiet, leak, leak, broken)[::-1], fakes.cell()])
    assert (curve.quiet_until, curve.leaks_from, curve.broken_from) == (2, 5, 20)
    assert "above 2 cannot be defended" in curve.advice
    assert "proven" in curve.advice


def test_advice_claims_no_more_than_was_measured(fakes):
    (never,) = curves(points(fakes, *["NO LEAK FOUND"] * 4))
    assert "up to 10 images" in never.advice
    assert "may find one" in never.advice
    (at_once,) = curves(points(fakes, "LEAK", "BROKEN"))
    assert "no budget keeps it out" in at_once.advice
    (open_,) = curves(points(fakes, "INCONCLUSIVE", "INCONCLUSIVE"))
    assert open_.quiet_until is None
    assert "decided nothing" in open_.advice
    (late,) = curves(points(fakes, "INCONCLUSIVE", "BROKEN"))
    assert "from 2 images" in late.advice
    (gap,) = curves(points(fakes, "NO LEAK FOUND", "INCONCLUSIVE", "NO LEAK FOUND"))
    assert gap.quiet_until == 1


def test_failed_points_are_no_points(fakes):
    assert curves([fakes.cell(kind="lifetime", failed="no time")]) == ()
