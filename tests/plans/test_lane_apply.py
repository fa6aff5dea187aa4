import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pixelveil.errors import UsageError
from pixelveil.plans import LanePlan
from pixelveil.plans.lane_apply import apply_lane_plan, pixel_numbers

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("plan_cases.py"))))


@given(cases.lane_cases())
@settings(max_examples=150, deadline=None)
def test_apply_is_the_definition(case):
    arguments, images = case
    before = images.copy()
    result = LanePlan(**arguments).apply(images)
    assert (result.dtype, result.shape) == (np.uint8, images.shape)
    np.testing.assert_array_equal(result, cases.reference_lanes(arguments, images))
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("count", cases.COUNTS)
@pytest.mark.parametrize("lane", ["byte", "nibble"])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("side", [32, 64])
def test_sizes_on_both_sides_of_the_whole_image_table(count, lane, shared, side):
    """32x32 is laid out as one table, 64x64 is not; four images are moved at a time, so the counts straddle that."""
    rng = np.random.default_rng([side, count, shared])
    arguments = cases.random_lane_plan(rng, count=count, shape=(side, side, 3), block=(8, 4), lane=lane, maps=3)
    if shared:
        parts = ("source", "flip", "block_order", "choice")
        arguments |= {name: arguments[name][:1] for name in parts}
    images = cases.random_images(rng, count, (side, side, 3))
    np.testing.assert_array_equal(LanePlan(**arguments).apply(images), cases.reference_lanes(arguments, images))


@pytest.mark.parametrize("lane", ["byte", "nibble"])
@pytest.mark.parametrize("block", [(16, 16), None])
def test_large_images(lane, block):
    rng = np.random.default_rng(5)
    arguments = cases.random_lane_plan(rng, count=5, shape=(224, 224, 3), block=block, lane=lane)
    arguments |= {name: arguments[name][:1] for name in ("source", "flip", "block_order") if name in arguments}
    images = cases.random_images(rng, 5, (224, 224, 3))
    results = {threads: LanePlan(**arguments).apply(images, threads=threads) for threads in (1, 2)}
    np.testing.assert_array_equal(results[1][4:], cases.reference_lanes(arguments, images[4:]))
    np.testing.assert_array_equal(results[1], results[2])
    np.testing.assert_array_equal(LanePlan(**arguments).apply(images[2]), results[1][2])


PIXEL_MAPS = [(order, mask) for order in np.ndindex(3, 3, 3) if len(set(order)) == 3 for mask in np.ndindex(2, 2, 2)]


@given(seed=st.integers(0, 2**32), count=st.sampled_from(cases.COUNTS), shared=st.booleans(), pixels=st.integers(1, 40))
@example(seed=0, count=2, shared=False, pixels=2048)
@example(seed=0, count=1, shared=False, pixels=2049)
@example(seed=0, count=3, shared=True, pixels=5000)
@settings(max_examples=60, deadline=None)
def test_pixels_with_orders_and_flips_of_their_own(seed, count, shared, pixels):
    """The compiled path of the pixel schemes: all 48 maps of a pixel, across the edges of its tiles."""
    rng = np.random.default_rng(seed)
    picked = [PIXEL_MAPS[number] for number in rng.permutation(len(PIXEL_MAPS))]
    arguments = {
        "source": np.array([[order for order, _ in picked]]),
        "flip": np.array([[mask for _, mask in picked]], np.uint8) * 255,
        "block_size": (1, 1),
        "choice": rng.integers(0, len(picked), (1 if shared else count, pixels)),
        "lane": "byte",
    }
    images = cases.random_images(rng, count, (1, pixels, 3))
    plan = LanePlan(**arguments)
    assert pixel_numbers(plan) is not None
    np.testing.assert_array_equal(plan.apply(images), cases.reference_lanes(arguments, images))


@pytest.mark.parametrize(
    "changed",
    [
        {"flip": [[0, 255, 1]] * 2},
        {"source": [[0, 1, 1], [2, 1, 0]]},
        {"block_order": [1, 0, 2, 3]},
        {"source": [[0, 1, 2], [2, 1, 0]], "flip": np.zeros((2, 2, 3), np.uint8)},
    ],
)
def test_other_plans_of_pixels_take_the_general_path(changed):
    rng = np.random.default_rng(0)
    given = {"source": [[0, 1, 2], [2, 1, 0]], "flip": [[0, 0, 0], [255, 0, 255]], "choice": [0, 1, 1, 0]} | changed
    plan = LanePlan(**given, block_size=1)
    assert pixel_numbers(plan) is None
    full = {name: getattr(plan, name) for name in ("source", "flip", "block_size", "block_order", "choice", "lane")}
    images = cases.random_images(rng, 2, (2, 2, 3))
    np.testing.assert_array_equal(plan.apply(images), cases.reference_lanes(full, images))


@given(cases.lane_cases())
@settings(max_examples=30, deadline=None)
def test_one_image_is_a_batch_of_one(case):
    arguments, images = case
    plan = LanePlan(**arguments)
    if plan.count == 1:
        np.testing.assert_array_equal(plan.apply(images[0]), plan.apply(images[:1])[0])


@pytest.mark.parametrize("count", [1, 3, 5, 64])
@pytest.mark.parametrize("per_image", [False, True])
def test_threads_change_nothing(count, per_image):
    """Enough bytes for two slices, so that the second one starts at an image that is no multiple of four."""
    rng = np.random.default_rng(count)
    shape = (256, 512, 3) if count > 1 and count < 10 else (160, 160, 3)
    arguments = cases.random_lane_plan(rng, count=count, shape=shape, block=(16, 32), maps=2)
    parts = ("source", "flip", "block_order", "choice")
    for name in parts:
        rows = arguments[name][:1]
        arguments[name] = np.concatenate([np.roll(rows, i, axis=-1) for i in range(count)]) if per_image else rows
    images = cases.random_images(rng, count, shape)
    one = LanePlan(**arguments).apply(images, threads=1)
    for threads in (2, 3, None):
        np.testing.assert_array_equal(LanePlan(**arguments).apply(images, threads=threads), one)
    np.testing.assert_array_equal(one[-1:], cases.reference_lanes({**arguments, **_last(arguments)}, images[-1:]))


def _last(arguments):
    return {name: arguments[name][-1:] for name in ("source", "flip", "block_order", "choice")}


@pytest.mark.parametrize("view", ["every second", "mirrored", "fortran", "read-only"])
def test_images_may_lie_anyhow_in_memory(view):
    rng = np.random.default_rng(1)
    images = cases.random_images(rng, 6, (4, 4, 3))
    given = {
        "every second": images[::2, :, ::2],
        "mirrored": images[:, ::-1, ::-1],
        "fortran": np.asfortranarray(images),
        "read-only": images,
    }[view]
    given.flags.writeable = view != "read-only"
    plan = LanePlan(source=[2, 0, 1], flip=[0, 255, 1], block_size=1)
    np.testing.assert_array_equal(plan.apply(given), given[..., [2, 0, 1]] ^ np.array([0, 255, 1], np.uint8))


def test_results_go_where_the_caller_says():
    images = cases.random_images(np.random.default_rng(2), 5, (4, 4, 3))
    out = np.zeros_like(images)
    plan = LanePlan(source=[2, 0, 1], block_size=1)
    result = apply_lane_plan(plan, images, out=out)
    assert np.shares_memory(result, out)
    np.testing.assert_array_equal(out, images[..., [2, 0, 1]])


@pytest.mark.parametrize("shape", [(0, 4, 4, 3), (2, 0, 4, 3), (2, 4, 0, 3)])
def test_nothing_gives_nothing(shape):
    plan = LanePlan(source=np.arange(12), block_size=2)
    assert plan.apply(np.zeros(shape, np.uint8)).shape == shape


def test_one_plan_serves_images_of_many_sizes():
    plan, rng = LanePlan(source=np.arange(12)[::-1], block_size=2), np.random.default_rng(3)
    for shape in ((4, 4, 3), (2, 8, 3), (4, 4, 3), (64, 64, 3)):
        images = cases.random_images(rng, 4, shape)
        arguments = {"source": plan.source, "flip": plan.flip, "block_size": (2, 2), "lane": "byte"}
        np.testing.assert_array_equal(plan.apply(images), cases.reference_lanes(arguments, images))


RGB = np.zeros((2, 4, 4, 3), np.uint8)


@pytest.mark.parametrize(
    ("plan", "images", "message"),
    [
        (LanePlan(source=np.arange(12), block_size=2), RGB.astype(np.float32), "not float32 (2, 4, 4, 3)"),
        (LanePlan(source=np.arange(12), block_size=2), RGB[0, 0], "not uint8 (4, 3)"),
        (LanePlan(source=np.arange(12), block_size=2), RGB[:, :3], "blocks of 2x2 do not divide an image of 3x4"),
        (LanePlan(source=np.arange(12), block_size=2), RGB[..., :1], "moves 12 lanes a block; blocks of this image"),
        (LanePlan(source=np.arange(12)), RGB, "moves 12 lanes a block; blocks of this image have 48"),
        (LanePlan(source=np.arange(24), block_size=2), RGB, "have 12"),
        (LanePlan(source=np.arange(12), block_order=[0, 1, 2]), RGB, "block order is for 3 blocks; the image has 4"),
        (LanePlan(source=np.arange(12), choice=[0, 0, 0]), RGB, "choice is for 3 blocks; the image has 4"),
        (LanePlan(source=np.tile(np.arange(12), (3, 1, 1)), block_size=2), RGB, "for 3 images, not 2"),
        (LanePlan(source=np.tile(np.arange(12), (3, 1, 1)), block_size=2), RGB[0], "for 3 images, not 1"),
    ],
)
def test_images_that_do_not_fit_are_refused(plan, images, message):
    with pytest.raises(UsageError) as caught:
        plan.apply(images)
    assert message in str(caught.value)
