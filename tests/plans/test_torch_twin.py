import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings

from pixelveil.errors import MissingExtraError, UsageError
from pixelveil.plans import AffinePlan, LanePlan
from pixelveil.plans.torch_twin import apply_to_tensor

torch = pytest.importorskip("torch")
cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("plan_cases.py"))))


def tensor_of(images):
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


def images_of(tensor):
    return tensor.permute(0, 2, 3, 1).numpy()


@given(cases.lane_cases())
@settings(max_examples=100, deadline=None)
def test_lane_plans_give_the_same_bytes(case):
    arguments, images = case
    plan, tensor = LanePlan(**arguments), tensor_of(images)
    result = apply_to_tensor(plan, tensor)
    assert (result.dtype, result.shape, result.is_contiguous()) == (torch.uint8, tensor.shape, True)
    np.testing.assert_array_equal(images_of(result), plan.apply(images))
    np.testing.assert_array_equal(images_of(tensor), images)


@pytest.mark.parametrize("side", [32, 224])
@pytest.mark.parametrize("lane", ["byte", "nibble"])
def test_usual_sizes_give_the_same_bytes(side, lane):
    rng = np.random.default_rng(side)
    arguments = cases.random_lane_plan(rng, count=3, shape=(side, side, 3), block=(16, 16), lane=lane, maps=2)
    images = cases.random_images(rng, 3, (side, side, 3))
    plan = LanePlan(**arguments)
    np.testing.assert_array_equal(images_of(apply_to_tensor(plan, tensor_of(images))), plan.apply(images))


@given(cases.affine_cases())
@settings(max_examples=60, deadline=None)
def test_affine_plans_give_the_same_values(case):
    arguments, images = case
    plan, exact = AffinePlan(**arguments), images.astype(np.float64)
    double = apply_to_tensor(plan, tensor_of(exact))
    single = apply_to_tensor(plan, tensor_of(images))
    assert (double.dtype, single.dtype) == (torch.float64, torch.float32)
    np.testing.assert_allclose(images_of(double), plan.apply(exact), atol=1e-9)
    np.testing.assert_allclose(images_of(single), plan.apply(exact), atol=2e-3)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [LanePlan, AffinePlan])
def test_read_only_tables_are_no_reason_to_warn(kind):
    parts = (
        {"flip": np.full(3, 255, np.uint8)} if kind is LanePlan else {"matrix": -np.eye(3), "offset": np.full(3, 255.0)}
    )
    for part in parts.values():
        part.flags.writeable = False
    plan = kind(**parts, block_order=np.broadcast_to(np.int32(0), 1))
    assert apply_to_tensor(plan, torch.zeros((1, 3, 1, 1), dtype=torch.uint8)).flatten().tolist() == [255] * 3


def test_nothing_gives_nothing():
    empty = torch.zeros((0, 3, 4, 4), dtype=torch.uint8)
    assert apply_to_tensor(LanePlan(source=np.arange(12), block_size=2), empty).shape == (0, 3, 4, 4)
    assert apply_to_tensor(AffinePlan(matrix=np.eye(12)), empty).shape == (0, 3, 4, 4)


RGB = torch.zeros((2, 3, 4, 4), dtype=torch.uint8)


@pytest.mark.parametrize(
    ("plan", "tensor", "message"),
    [
        (LanePlan(source=np.arange(12), block_size=2), RGB[0], "tensors must be (N, C, H, W), not (3, 4, 4)"),
        (
            LanePlan(source=np.arange(12), block_size=2),
            RGB.float(),
            "integer plans need uint8 tensors, not",
        ),
        (LanePlan(source=np.tile(np.arange(12), (3, 1, 1)), block_size=2), RGB, "the plan is for 3 images, not 2"),
        (LanePlan(source=np.arange(27), block_size=3), RGB, "blocks of 3x3 do not divide an image of 4x4"),
        (LanePlan(source=np.arange(12), block_order=[0, 1]), RGB, "block order is for 2 blocks; the image has 4"),
        (AffinePlan(matrix=np.eye(4)), RGB, "the plan is for 1 channels, the image has 3"),
        (AffinePlan(matrix=np.eye(27)), RGB, "blocks of 3x3 do not divide an image of 4x4"),
        (AffinePlan(matrix=np.eye(12), block_order=[0, 1]), RGB, "the plan is for 2 blocks; the image has 4"),
        (AffinePlan(matrix=np.tile(np.eye(12), (3, 1, 1, 1))), RGB, "the plan is for 3 images, not 2"),
    ],
)
def test_images_that_do_not_fit_are_refused(plan, tensor, message):
    with pytest.raises(UsageError) as caught:
        apply_to_tensor(plan, tensor)
    assert message in str(caught.value)


def test_without_pytorch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"pixelveil\[models\]"):
        apply_to_tensor(LanePlan(source=[0]), RGB)
