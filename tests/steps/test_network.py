"""The step that runs a network: levels, rounding, gray, one image at a time; and what happens without PyTorch."""

import sys

import numpy as np
import pytest

from pixelveil.errors import IntegrityError, MissingExtraError, UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import ForwardPlan
from pixelveil.steps import shape_after
from pixelveil.steps.network import Network

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), dtype=np.uint8)


def plan_of(network, shape=(4, 5, 3)):
    return Network(network=network).plan(material=KeyMaterial.ephemeral(1), role="0/network", shape=shape)


def test_the_network_sees_the_unit_interval_with_channels_first_and_one_image():
    torch = pytest.importorskip("torch")
    seen = []

    def network(images):
        seen.append(images)
        assert torch.is_inference_mode_enabled()
        assert not torch.is_autocast_enabled("cpu")
        return 1 - images

    with torch.autocast("cpu", dtype=torch.bfloat16):
        made = plan_of(network).apply(IMAGES)
    assert made.dtype == np.uint8
    np.testing.assert_array_equal(made, 255 - IMAGES)
    assert [(tuple(one.shape), one.dtype) for one in seen] == [((1, 3, 4, 5), torch.float32)] * 3
    np.testing.assert_allclose(seen[1][0].permute(1, 2, 0), IMAGES[1] / 255, rtol=1e-6)


def test_results_are_rounded_and_clipped():
    pytest.importorskip("torch")
    images = np.array([0, 100, 200], np.uint8).reshape(1, 1, 1, 3)
    assert plan_of(lambda x: x + 0.4 / 255, (1, 1, 3)).apply(images).tolist() == [[[[0, 100, 200]]]]
    assert plan_of(lambda x: x + 0.6 / 255, (1, 1, 3)).apply(images).tolist() == [[[[1, 101, 201]]]]
    assert plan_of(lambda x: 4 * x - 1, (1, 1, 3)).apply(images).tolist() == [[[[0, 145, 255]]]]


def test_gray_becomes_color():
    pytest.importorskip("torch")
    step = Network(network=lambda x: x)
    assert shape_after(step, (4, 5, 1)) == (4, 5, 3)
    made = step.plan(material=KeyMaterial.ephemeral(1), role="r", shape=(4, 5, 1)).apply(IMAGES[..., :1])
    np.testing.assert_array_equal(made, np.repeat(IMAGES[..., :1], 3, axis=-1))


def test_floats_in_grey_levels_are_taken():
    pytest.importorskip("torch")
    np.testing.assert_array_equal(plan_of(lambda x: x).apply(IMAGES.astype(np.float64)), IMAGES)


def test_nobody_goes_back_and_there_is_no_key():
    pytest.importorskip("torch")
    plan = plan_of(lambda x: x)
    assert isinstance(plan, ForwardPlan)
    with pytest.raises(UsageError, match="network loses information by design"):
        plan.invert()
    assert Network(network=lambda x: x).key_bits(shape=(4, 5, 3)) == 0


def test_two_channels_are_refused():
    for call in (lambda: plan_of(lambda x: x, (4, 5, 2)), lambda: Network(network=id).key_bits(shape=(4, 5, 2))):
        with pytest.raises(UsageError, match="1 or 3 channels, not 2"):
            call()


def test_without_pytorch_the_plan_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'pixelveil\[models\]'"):
        plan_of(lambda x: x)


def test_the_network_is_not_shown():
    assert repr(Network(network=lambda x: x)) == "Network(name='network')"


def test_what_is_no_number_is_refused():
    """A byte would hide it: no number becomes 0."""
    pytest.importorskip("torch")
    with pytest.raises(IntegrityError, match="the weights of the network give values that are no numbers"):
        plan_of(lambda x: x / 0).apply(IMAGES)
