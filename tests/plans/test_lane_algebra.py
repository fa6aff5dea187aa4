import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelveil.errors import UsageError
from pixelveil.plans import AffinePlan, LanePlan
from pixelveil.plans.lane_algebra import in_blocks, in_nibbles

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("plan_cases.py"))))

SHAPES = ((6, 6, 3), (12, 6, 1), (6, 12, 3))
BLOCKS = (None, (1, 1), (2, 2), (3, 2), (6, 6), (6, 3))


@st.composite
def chains(draw, *, lanes=("byte", "nibble"), blocks=BLOCKS):
    """Draw two or three plans of any block sizes and lanes for the same images."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape, count = draw(st.sampled_from(SHAPES)), draw(st.sampled_from((1, 2, 3, 5)))
    plans = []
    for _ in range(draw(st.integers(2, 3))):
        block = draw(st.sampled_from(blocks))
        maps = 1 if block is None else draw(st.sampled_from((1, 2, 30)))
        order, permute = draw(st.booleans()), draw(st.booleans())
        lane = draw(st.sampled_from(lanes))
        plans.append(
            cases.random_lane_plan(
                rng, count=count, shape=shape, block=block, lane=lane, maps=maps, order=order, permute=permute
            )
        )
    if all(arguments["grid"] is None for arguments in plans):
        plans = [dict(arguments, block_size=shape[:2], grid=(1, 1)) for arguments in plans]
    return plans, cases.random_images(rng, count, shape)


@given(chains())
@settings(max_examples=150, deadline=None)
def test_compose_is_one_after_the_other(case):
    chain, images = case
    expected, composed = images, None
    for arguments in chain:
        expected = cases.reference_lanes(arguments, expected)
        plan = LanePlan(**arguments)
        composed = plan if composed is None else composed.compose(plan)
    np.testing.assert_array_equal(composed.apply(images), expected)


@given(chains(lanes=("byte",), blocks=((2, 2), (1, 1), (6, 6))))
@settings(max_examples=40, deadline=None)
def test_compose_is_associative(case):
    chain, images = case
    first, second, third = (LanePlan(**arguments) for arguments in (*chain, chain[0])[:3])
    left, right = first.compose(second).compose(third), first.compose(second.compose(third))
    np.testing.assert_array_equal(left.apply(images), right.apply(images))


@given(cases.lane_cases(permute=True))
@settings(max_examples=100, deadline=None)
def test_invert_undoes_from_both_sides(case):
    arguments, images = case
    plan = LanePlan(**arguments)
    back = plan.invert()
    np.testing.assert_array_equal(back.apply(plan.apply(images)), images)
    np.testing.assert_array_equal(plan.apply(back.apply(images)), images)
    np.testing.assert_array_equal(plan.compose(back).apply(images), images)
    np.testing.assert_array_equal(back.compose(plan).apply(images), images)
    assert (back.block_size, back.lane, back.grid) == (plan.block_size, plan.lane, plan.grid)


@given(cases.lane_cases(lanes=("byte",)))
@settings(max_examples=40, deadline=None)
def test_half_bytes_do_what_bytes_do(case):
    arguments, images = case
    plan = in_nibbles(LanePlan(**arguments))
    assert plan.lane == "nibble"
    assert in_nibbles(plan) is plan
    np.testing.assert_array_equal(plan.apply(images), cases.reference_lanes(arguments, images))


@given(cases.lane_cases(blocks=((1, 1), (2, 1), (3, 3))), st.sampled_from(["double", "image"]))
@settings(max_examples=60, deadline=None)
def test_larger_blocks_do_what_small_ones_do(case, target):
    arguments, images = case
    high, wide = arguments["block_size"]
    height, width = images.shape[1:3]
    block = (2 * high, 2 * wide) if target == "double" else None
    if block is not None and (height % block[0] or width % block[1] or "block_order" in arguments):
        return
    plan = in_blocks(LanePlan(**arguments), block=block, image=(height, width))
    assert plan.block_size == block
    np.testing.assert_array_equal(plan.apply(images), cases.reference_lanes(arguments, images))


def test_what_loses_something_cannot_be_undone():
    with pytest.raises(UsageError, match="an in-block map is no permutation"):
        LanePlan(source=[0, 0, 1]).invert()
    with pytest.raises(UsageError, match="the block order is no permutation"):
        LanePlan(source=[0, 1, 2], block_order=[0, 0]).invert()


def test_structure_is_kept():
    """One in-block map, masks and a block order stay one map and an order, whatever the image's size."""
    rng = np.random.default_rng(0)
    shuffle = LanePlan(source=rng.permutation(12), block_size=2)
    masks = LanePlan(flip=rng.integers(0, 256, 12), block_size=2)
    scramble = LanePlan(source=np.arange(12), block_order=rng.permutation(100))
    plan = shuffle.compose(masks).compose(scramble)
    assert (plan.source.shape, plan.flip.shape, plan.block_order.shape) == ((1, 1, 12), (1, 1, 12), (1, 100))
    assert plan.choice is None
    assert plan.invert().source.shape == (1, 1, 12)


def test_maps_chosen_by_number_stay_numbers_of_one_byte():
    rng = np.random.default_rng(0)
    first = LanePlan(flip=rng.integers(0, 256, (8, 3)), block_size=1, choice=rng.integers(0, 8, 64), grid=(8, 8))
    second = LanePlan(source=cases.permutations(rng, 6, 3), block_size=1, choice=rng.integers(0, 6, 64), grid=(8, 8))
    plan = first.compose(second)
    assert (plan.source.shape, plan.choice.dtype) == ((1, 48, 3), np.uint8)


@pytest.mark.parametrize("maps", [(1, 256), (256, 1), (2, 128), (16, 16), (16, 17), (257, 1), (1, 257)])
def test_tables_of_pairs_up_to_their_limit_and_beyond(maps):
    rng = np.random.default_rng(maps)
    images = cases.random_images(rng, 1, (20, 15, 1))
    chain = [
        {
            "source": np.zeros((1, many, 1), int),
            "flip": rng.integers(0, 256, (1, many, 1), dtype=np.uint8),
            "block_size": (1, 1),
            "choice": rng.integers(0, many, (1, 300)),
            "lane": "byte",
        }
        for many in maps
    ]
    first, second = (LanePlan(**arguments) for arguments in chain)
    expected = cases.reference_lanes(chain[1], cases.reference_lanes(chain[0], images))
    np.testing.assert_array_equal(first.compose(second).apply(images), expected)


def test_small_blocks_with_one_map_need_no_grid():
    rng = np.random.default_rng(0)
    small = LanePlan(source=rng.permutation(12), block_size=2)
    large = LanePlan(source=rng.permutation(48), block_size=4)
    images = cases.random_images(rng, 2, (8, 4, 3))
    np.testing.assert_array_equal(small.compose(large).apply(images), large.apply(small.apply(images)))
    np.testing.assert_array_equal(large.compose(small).apply(images), small.apply(large.apply(images)))


def test_an_affine_plan_may_follow():
    rng = np.random.default_rng(0)
    lanes = LanePlan(source=rng.permutation(12), flip=255 * rng.integers(0, 2, 12), block_order=[1, 3, 0, 2])
    affine = AffinePlan(matrix=rng.standard_normal((12, 12)), offset=rng.standard_normal(12), block_order=[2, 3, 1, 0])
    images = cases.random_images(rng, 2, (4, 4, 3))
    composed = lanes.compose(affine)
    assert isinstance(composed, AffinePlan)
    np.testing.assert_allclose(composed.apply(images), affine.apply(lanes.apply(images)), atol=1e-2)


PIXEL, BLOCK2, BLOCK3 = np.arange(3), np.arange(12), np.arange(27)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ({"source": PIXEL}, {"source": np.arange(6)}, "the plans move 3 and 6 lanes a block"),
        ({"source": [0], "block_size": 1}, {"source": PIXEL, "block_size": 1}, "1 and 3 lanes"),
        (
            {"source": BLOCK2, "block_size": 2},
            {"source": BLOCK3, "block_size": 3},
            "different block sizes need the image size",
        ),
        ({"source": PIXEL}, {"source": PIXEL, "block_size": 1}, "different block sizes need the image size"),
        (
            {"source": PIXEL, "block_order": [0, 1, 2, 3]},
            {"source": BLOCK2, "block_size": 2},
            "different block sizes need the image size",
        ),
        ({"source": PIXEL, "block_order": [1, 0]}, {"source": PIXEL, "block_order": [1, 0, 2]}, "2 and 3 blocks"),
        ({"source": PIXEL, "block_order": [1, 0]}, {"source": PIXEL, "choice": [0, 0, 0]}, "2 and 3 blocks"),
        ({"source": PIXEL, "choice": [0, 0, 0]}, {"source": PIXEL, "choice": [0, 0]}, "3 and 2 blocks"),
        (
            {"source": np.tile(PIXEL, (2, 1, 1))},
            {"source": np.tile(PIXEL, (3, 1, 1))},
            "the plans are for 2 and 3 images",
        ),
        (
            {"source": PIXEL, "choice": [0] * 9},
            {"source": BLOCK2, "block_size": 2, "grid": (2, 2)},
            "the plan is for 9 blocks, not for an image of 4x4",
        ),
        (
            {"source": PIXEL, "block_size": 1, "grid": (4, 4)},
            {"source": BLOCK2, "block_size": 2, "grid": (4, 4)},
            "images of 4x4 and 8x8 pixels",
        ),
        (
            {"source": PIXEL, "block_size": 1, "grid": (4, 4)},
            {"source": PIXEL, "block_size": 1, "grid": (2, 8)},
            "images of 4x4 and 2x8 pixels",
        ),
    ],
)
def test_plans_for_different_images_are_refused(first, second, message):
    first, second = LanePlan(**first), LanePlan(**second)
    with pytest.raises(UsageError) as caught:
        first.compose(second)
    assert message in str(caught.value)


def test_blocks_cannot_be_cut_up_or_crossed():
    with pytest.raises(UsageError, match="no smaller blocks"):
        in_blocks(LanePlan(source=PIXEL), block=(1, 1), image=(1, 1))
    scrambled = LanePlan(source=PIXEL, block_order=[1, 0, 3, 2])
    with pytest.raises(UsageError, match="block order crosses the larger blocks"):
        in_blocks(scrambled, block=(2, 2), image=(2, 2))
    with pytest.raises(UsageError, match="blocks of 2x2 do not divide"):
        in_blocks(LanePlan(source=BLOCK2, block_size=2), block=(3, 2), image=(6, 6))
