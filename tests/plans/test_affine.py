import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelveil.errors import UsageError
from pixelveil.plans import AffinePlan, LanePlan

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("plan_cases.py"))))


@given(cases.affine_cases())
@settings(max_examples=80, deadline=None)
def test_apply_is_the_definition(case):
    arguments, images = case
    plan = AffinePlan(**arguments)
    result = plan.apply(images.astype(np.float64))
    assert (result.dtype, result.shape) == (np.float64, images.shape)
    np.testing.assert_allclose(result, cases.reference_affine(arguments, images), atol=1e-9)
    np.testing.assert_allclose(plan.apply(images), result, atol=2e-3)
    if plan.count == 1:
        np.testing.assert_array_equal(plan.apply(images[0]), plan.apply(images[:1])[0])


@pytest.mark.parametrize(
    ("dtype", "asked", "expected"),
    [
        (np.uint8, None, np.float32),
        (np.float32, None, np.float32),
        (np.float64, None, np.float64),
        (np.uint8, np.float64, np.float64),
        (np.float64, np.float32, np.float32),
    ],
)
def test_float_type_of_the_result(dtype, asked, expected):
    plan = AffinePlan(matrix=np.eye(3), offset=[1, 2, 3])
    result = plan.apply(np.zeros((1, 2, 2, 3), dtype), dtype=asked)
    assert result.dtype == expected
    np.testing.assert_array_equal(result[0, 0, 0], [1, 2, 3])


def test_nothing_gives_nothing():
    plan = AffinePlan(matrix=np.eye(12), block_order=[1, 0, 2, 3])
    assert plan.apply(np.zeros((0, 4, 4, 3), np.uint8)).shape == (0, 4, 4, 3)


@given(cases.affine_cases())
@settings(max_examples=80, deadline=None)
def test_invert_undoes_from_both_sides(case):
    arguments, images = case
    plan, values = AffinePlan(**arguments), images.astype(np.float64)
    back = plan.invert()
    np.testing.assert_allclose(back.apply(plan.apply(values)), values, atol=1e-8)
    np.testing.assert_allclose(plan.apply(back.apply(values)), values, atol=1e-8)
    np.testing.assert_allclose(plan.compose(back).apply(values), values, atol=1e-8)


@given(seed=st.integers(0, 2**32), count=st.sampled_from((1, 2, 4)), orders=st.tuples(st.booleans(), st.booleans()))
@settings(max_examples=100, deadline=None)
def test_compose_is_one_after_the_other(seed, count, orders):
    rng = np.random.default_rng(seed)
    chain = [cases.random_affine(rng, count=count, shape=(4, 6, 3), side=2, order=order) for order in orders]
    images = cases.random_images(rng, count, (4, 6, 3))
    expected = cases.reference_affine(chain[1], cases.reference_affine(chain[0], images))
    first, second = (AffinePlan(**arguments) for arguments in chain)
    np.testing.assert_allclose(first.compose(second).apply(images.astype(np.float64)), expected, atol=1e-8)


@given(cases.lane_cases(lanes=("byte",), blocks=((1, 1), (2, 2))), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_lane_plan_that_flips_all_bits_or_none_is_affine(case, permute):
    arguments, images = case
    arguments["flip"] = (arguments["flip"] % 2) * np.uint8(255)
    plan = LanePlan(**arguments)
    affine = plan.to_affine() if plan.block_order is None or _is_permutation(plan.block_order) else None
    assert affine.count in (1, len(images))
    np.testing.assert_array_equal(affine.apply(images), plan.apply(images))
    assert affine.to_affine() is affine
    back = LanePlan(source=np.arange(plan.lanes), block_size=plan.block_size, grid=plan.grid)
    np.testing.assert_array_equal(affine.compose(back).apply(images), plan.apply(images))


def _is_permutation(order):
    return bool((np.sort(order) == np.arange(order.shape[-1])).all())


@pytest.mark.parametrize("channels", [1, 3])
def test_material_in_weight_order_acts_on_blocks_flattened_as_weights_are(channels):
    rng = np.random.default_rng(channels)
    lanes = 4 * channels
    matrix, offset = rng.standard_normal((lanes, lanes)), rng.standard_normal(lanes)
    image = rng.uniform(0, 255, (2, 2, channels))
    result = AffinePlan(matrix=matrix, offset=offset, flatten="chw").apply(image)
    np.testing.assert_allclose(
        result.transpose(2, 0, 1).reshape(-1), matrix @ image.transpose(2, 0, 1).reshape(-1) + offset
    )


def test_a_convolution_with_the_weight_is_the_plan_with_the_matrix():
    """Rows of a convolution weight over blocks, flattened (channel, row, column), are the rows of the matrix."""
    functional = pytest.importorskip("torch.nn.functional")
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    matrix, image = rng.standard_normal((12, 12)), rng.uniform(0, 255, (4, 6, 3))
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None]
    features = functional.conv2d(tensor, torch.from_numpy(matrix).reshape(12, 3, 2, 2), stride=2)[0]
    plan = AffinePlan(matrix=matrix, flatten="chw")
    blocks = plan.apply(image).reshape(2, 2, 3, 2, 3).transpose(0, 2, 4, 1, 3).reshape(2, 3, 12)
    np.testing.assert_allclose(blocks, features.permute(1, 2, 0).numpy(), atol=1e-9)


def test_facts():
    shared = AffinePlan(matrix=np.eye(768), block_order=np.arange(4)[::-1])
    assert (shared.lanes, shared.block_size, shared.channels, shared.count, shared.per_block) == (768, 16, 3, 1, False)
    assert AffinePlan(matrix=np.eye(16)).channels == 1
    assert AffinePlan(matrix=np.eye(8), channels=2).block_size == 2
    assert AffinePlan(matrix=np.tile(np.eye(3), (4, 1, 1))).per_block
    assert AffinePlan(matrix=np.eye(3), offset=np.zeros((4, 3))).per_block
    assert not AffinePlan(matrix=np.tile(np.eye(3), (5, 1, 1, 1))).per_block
    assert AffinePlan(matrix=np.tile(np.eye(3), (5, 1, 1, 1))).count == 5
    assert AffinePlan(matrix=np.eye(3), offset=np.zeros((5, 1, 3))).count == 5
    assert AffinePlan(matrix=np.eye(3), block_order=[[0, 1]] * 5).count == 5


def test_repr_says_the_shape_and_nothing_of_the_content():
    plan = AffinePlan(matrix=np.linalg.qr(np.random.default_rng(0).standard_normal((12, 12)))[0], block_order=[1, 0])
    assert repr(plan) == str(plan) == "AffinePlan(blocks of 2x2x3, scrambled, matrix (12, 12))"


REFUSED = {
    "matrix must be (L, L), (N, L, L) or (n, N, L, L), not (2, 3)": {"matrix": np.ones((2, 3))},
    "matrix must be (L, L), (N, L, L) or (n, N, L, L), not (3,)": {"matrix": np.ones(3)},
    "5 values are no square block of 1 or 3 channels": {"matrix": np.eye(5)},
    "12 values are no square block of 2 channels": {"matrix": np.eye(12), "channels": 2},
    "12 values are no square block of 0 channels": {"matrix": np.eye(12), "channels": 0},
    "offset must end in 3 values, not (4,)": {"matrix": np.eye(3), "offset": np.zeros(4)},
    "offset must end in 3 values, not ()": {"matrix": np.eye(3), "offset": 0.0},
    "block_order must be integers": {"matrix": np.eye(3), "block_order": [0.0, 1.0]},
    "block_order must be integers (N,) or (n, N), not int64 (1, 1, 1)": {"matrix": np.eye(3), "block_order": [[[0]]]},
    "block_order must be a permutation of 0 to 1": {"matrix": np.eye(3), "block_order": [0, 0]},
    "block_order must be a permutation of 0 to 2": {"matrix": np.eye(3), "block_order": [1, 2, 3]},
    "parts are for different numbers of blocks: [2, 4]": {
        "matrix": np.tile(np.eye(3), (4, 1, 1)),
        "block_order": [1, 0],
    },
    "parts are for different numbers of blocks: [4, 5]": {
        "matrix": np.tile(np.eye(3), (4, 1, 1)),
        "offset": np.zeros((5, 3)),
    },
    "parts are for different numbers of images: [2, 3]": {
        "matrix": np.tile(np.eye(3), (2, 1, 1, 1)),
        "offset": np.zeros((3, 1, 3)),
    },
    "flatten must be 'hwc' or 'chw', not 'whc'": {"matrix": np.eye(3), "flatten": "whc"},
}


@pytest.mark.parametrize(("message", "arguments"), REFUSED.items(), ids=lambda item: item if type(item) is str else "")
def test_parts_that_do_not_fit_are_refused(message, arguments):
    with pytest.raises(UsageError) as caught:
        AffinePlan(**arguments)
    assert message in str(caught.value)


RGB = np.zeros((2, 4, 4, 3), np.uint8)


@pytest.mark.parametrize(
    ("plan", "images", "message"),
    [
        (AffinePlan(matrix=np.eye(4)), RGB, "the plan is for 1 channels, the image has 3"),
        (AffinePlan(matrix=np.eye(27)), RGB, "blocks of 3x3 do not divide an image of 4x4"),
        (AffinePlan(matrix=np.eye(12), block_order=[0, 1, 2]), RGB, "the plan is for 3 blocks; the image has 4"),
        (AffinePlan(matrix=np.eye(12), block_order=[0]), RGB, "the plan is for 1 blocks; the image has 4"),
        (AffinePlan(matrix=np.tile(np.eye(12), (3, 1, 1))), RGB, "the plan is for 3 blocks; the image has 4"),
        (AffinePlan(matrix=np.eye(12), offset=np.zeros((2, 12))), RGB, "the plan is for 2 blocks; the image has 4"),
        (AffinePlan(matrix=np.tile(np.eye(12), (3, 1, 1, 1))), RGB, "the plan is for 3 images, not 2"),
        (AffinePlan(matrix=np.tile(np.eye(12), (3, 1, 1, 1))), RGB[0], "the plan is for 3 images, not 1"),
        (AffinePlan(matrix=np.eye(12)), RGB[0, 0], "images must be (n, H, W, C) or (H, W, C), not (4, 3)"),
    ],
)
def test_images_that_do_not_fit_are_refused(plan, images, message):
    with pytest.raises(UsageError) as caught:
        plan.apply(images)
    assert message in str(caught.value)


def test_singular_plans_cannot_be_undone():
    with pytest.raises(UsageError, match="singular"):
        AffinePlan(matrix=np.zeros((3, 3))).invert()


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (LanePlan(source=[0, 1], lane="nibble", block_size=1), "half bytes is not affine"),
        (LanePlan(source=[0, 1, 2]), "only plans in square blocks are affine"),
        (LanePlan(source=np.arange(6), block_size=(1, 2)), "only plans in square blocks are affine"),
        (LanePlan(flip=[1, 0, 0], block_size=1), "XOR with a mask other than 0 or 255 is not affine"),
        (
            LanePlan(source=np.tile(np.arange(768), (300, 1)), block_size=16, choice=np.arange(300)),
            "300 dense maps of 768x768 need too much memory",
        ),
        (LanePlan(source=[0, 1, 2], block_order=[0, 0]), "block_order must be a permutation"),
    ],
)
def test_lane_plans_that_are_not_affine_are_refused(plan, message):
    with pytest.raises(UsageError) as caught:
        plan.to_affine()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (AffinePlan(matrix=np.eye(12)), "plans of 3 and 12 values a block"),
        (AffinePlan(matrix=np.eye(3), channels=3, block_order=[0, 1, 2]), "for 4 and 3 blocks"),
        (AffinePlan(matrix=np.tile(np.eye(3), (3, 1, 1))), "for 4 and 3 blocks"),
        (AffinePlan(matrix=np.tile(np.eye(3), (3, 1, 1, 1))), "for 2 and 3 images"),
    ],
)
def test_plans_for_different_images_are_refused(second, message):
    first = AffinePlan(matrix=np.tile(np.eye(3), (2, 1, 1, 1)), block_order=[0, 1, 3, 2])
    with pytest.raises(UsageError) as caught:
        first.compose(second)
    assert message in str(caught.value)


def test_an_image_does_not_depend_on_the_others_of_its_batch():
    rng = np.random.default_rng(0)
    plan = AffinePlan(matrix=np.linalg.qr(rng.normal(size=(48, 48)))[0])
    images = rng.integers(0, 256, (9, 16, 24, 3), dtype=np.uint8)
    together = plan.apply(images)
    assert all(np.array_equal(plan.apply(image), result) for image, result in zip(images, together, strict=True))
