import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.plans import AffinePlan, ForwardPlan, LanePlan, Operation
from pixelveil.plans.forward import chain

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 4, 6, 3), dtype=np.uint8)
FLIP = LanePlan(flip=[255, 0, 255], block_size=1)
SWAP = LanePlan(source=[2, 1, 0], block_size=1)
HALVE = Operation("halving", lambda images: images // 2)


def test_parts_are_applied_in_order():
    plan = ForwardPlan(parts=(FLIP, HALVE, SWAP))
    expected = (IMAGES ^ np.array([255, 0, 255], np.uint8)) // 2
    np.testing.assert_array_equal(plan.apply(IMAGES), expected[..., ::-1])
    np.testing.assert_array_equal(plan.apply(IMAGES[1]), expected[1, ..., ::-1])


def test_neighbors_are_composed_across_plans():
    plan = chain([FLIP, SWAP, ForwardPlan(parts=(SWAP, HALVE, FLIP)), SWAP])
    assert [type(part).__name__ for part in plan.parts] == ["LanePlan", "Operation", "LanePlan"]
    one_by_one = IMAGES
    for part in (FLIP, SWAP, SWAP, HALVE, FLIP, SWAP):
        one_by_one = part.apply(one_by_one)
    np.testing.assert_array_equal(plan.apply(IMAGES), one_by_one)


def test_plans_without_an_operation_stay_what_they_are():
    assert isinstance(chain([FLIP, SWAP]), LanePlan)
    affine = chain([FLIP, AffinePlan(matrix=np.eye(3) * 2)])
    assert isinstance(affine, AffinePlan)


def test_it_composes_like_other_plans():
    plan = ForwardPlan(parts=(HALVE,)).compose(FLIP)
    np.testing.assert_array_equal(plan.apply(IMAGES), FLIP.apply(IMAGES // 2))


def test_what_is_lost_is_named():
    plan = ForwardPlan(parts=(FLIP, HALVE))
    with pytest.raises(UsageError, match="halving loses information by design"):
        plan.invert()
    with pytest.raises(UsageError, match="halving is not an invertible affine map"):
        plan.to_affine()


def test_counts():
    of_two = LanePlan(flip=np.zeros((2, 1, 3), np.uint8), block_size=1)
    assert ForwardPlan(parts=(HALVE, of_two)).count == 2
    assert ForwardPlan(parts=(HALVE, FLIP)).count == 1
    with pytest.raises(UsageError, match="for 2 images, not 3"):
        ForwardPlan(parts=(Operation("two", lambda images: images, count=2),)).apply(IMAGES)
    with pytest.raises(UsageError, match="different numbers of images"):
        _ = ForwardPlan(parts=(Operation("five", lambda images: images, count=5), of_two)).count


def test_wrong_shapes_are_refused():
    with pytest.raises(UsageError, match=r"images must be \(n, H, W, C\)"):
        ForwardPlan(parts=(HALVE,)).apply(IMAGES[0, 0])


def test_nothing_of_the_content_is_shown():
    secret = np.arange(7)
    plan = ForwardPlan(parts=(Operation("projection", lambda images: images + secret[0]), FLIP))
    assert repr(plan) == "ForwardPlan(projection, LanePlan)"
    assert repr(plan.parts[0]) == "Operation(projection, count=1)"
