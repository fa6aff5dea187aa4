import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.steps import NegativePositive

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("step_cases.py"))))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_each_value_is_inverted_where_its_bit_is_one(count, channels):
    """One bit a value, in (row, column, channel) order."""
    shape = (5, 7, channels)
    images = cases.images_of(count, shape)
    bits = cases.stream_of("r", count).bits(35 * channels).reshape(count, *shape)
    plan = NegativePositive(scope="value").plan(material=cases.material_for(count), role="r", shape=shape)
    np.testing.assert_array_equal(plan.apply(images), np.where(bits, 255 - images, images))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_each_block_is_inverted_where_its_bit_is_one(count, channels):
    shape = (8, 12, channels)
    images = cases.images_of(count, shape)
    bits = cases.stream_of("r", count).bits(6).reshape(count, 2, 1, 3, 1, 1)
    step = NegativePositive(scope="block", block_size=4)
    grid = images.reshape(count, 2, 4, 3, 4, channels)
    expected = np.where(bits, 255 - grid, grid).reshape(images.shape)
    plan = step.plan(material=cases.material_for(count), role="r", shape=shape)
    np.testing.assert_array_equal(plan.apply(images), expected)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_one_mask_serves_all_blocks(count, channels):
    shape = (8, 12, channels)
    images = cases.images_of(count, shape)
    bits = cases.stream_of("r", count).bits(16 * channels).reshape(count, 4, 4, channels)
    mask = np.tile(bits, (1, 2, 3, 1))
    plan = NegativePositive(scope="mask", block_size=4).plan(material=cases.material_for(count), role="r", shape=shape)
    np.testing.assert_array_equal(plan.apply(images), np.where(mask, 255 - images, images))


@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("channels", [1, 3])
def test_one_bit_serves_the_image(count, channels):
    shape = (5, 7, channels)
    images = cases.images_of(count, shape)
    bits = cases.stream_of("r", count).bits(1).reshape(count, 1, 1, 1)
    plan = NegativePositive(scope="image").plan(material=cases.material_for(count), role="r", shape=shape)
    np.testing.assert_array_equal(plan.apply(images), np.where(bits, 255 - images, images))


@pytest.mark.parametrize(
    ("step", "bits"),
    [
        (NegativePositive(scope="value"), 3072),
        (NegativePositive(scope="block", block_size=4), 64),
        (NegativePositive(scope="mask", block_size=4), 48),
        (NegativePositive(scope="image"), 1),
    ],
)
def test_key_space_is_one_bit_a_decision(step, bits):
    assert step.key_bits(shape=(32, 32, 3)) == bits


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("shape", [(5, 7, 3), (5, 7, 1), (8, 6, 1)])
def test_exactly_half_of_the_values_is_inverted(count, shape):
    """Those whose number in a permutation is below n // 2."""
    number = math.prod(shape)
    images = cases.images_of(count, shape)
    chosen = cases.stream_of("r", count).permutation(number).reshape(count, *shape) < number // 2
    step = NegativePositive(scope="value", share="exact_half")
    plan = step.plan(material=cases.material_for(count), role="r", shape=shape)
    hidden = plan.apply(images)
    np.testing.assert_array_equal(hidden, np.where(chosen, 255 - images, images))
    assert (np.sum(hidden != images, axis=(1, 2, 3)) == number // 2).all()
    np.testing.assert_array_equal(plan.invert().apply(hidden), images)
    assert step.key_bits(shape=shape) == pytest.approx(math.log2(math.comb(number, number // 2)))


def test_scopes_are_checked():
    with pytest.raises(UsageError, match="scope must be 'value', 'block', 'mask' or 'image', not 'pixel'"):
        NegativePositive(scope="pixel")
    with pytest.raises(UsageError, match="the scope 'value' has no blocks"):
        NegativePositive(scope="value", block_size=4)
    with pytest.raises(UsageError, match="share must be 'bernoulli' or 'exact_half', not 'third'"):
        NegativePositive(scope="value", share="third")
    with pytest.raises(UsageError, match="exactly half is for the scope 'value'"):
        NegativePositive(scope="mask", share="exact_half")
