import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pixelveil.data.quantize import dequantize, quantize
from pixelveil.errors import UsageError

SIDES = st.integers(1, 9)
IMAGES = hnp.arrays(np.float32, st.tuples(SIDES, SIDES, SIDES), elements=st.floats(-1e6, 1e6, width=32))


@given(image=IMAGES)
def test_no_value_moves_by_more_than_half_a_unit(image):
    values, unit, zero = quantize(image)
    again = dequantize(values, unit=unit, zero=zero)
    assert (values.dtype, again.dtype) == (np.uint8, np.float32)
    rounding = np.spacing(np.abs(image).max())
    assert np.abs(again.astype(np.float64) - image).max() <= 0.5 * unit * (1 + 1e-9) + rounding


@given(image=IMAGES)
def test_the_ends_of_the_range_are_kept_and_nothing_is_clipped(image):
    values, unit, zero = quantize(image)
    low, high = float(image.min()), float(image.max())
    assert zero == low
    if high > low:
        assert (values.min(), values.max()) == (0, 255)
        assert unit == pytest.approx((high - low) / 255, rel=1e-15)


@pytest.mark.parametrize("value", [0.0, -7.25, 1e30])
def test_a_constant_image_comes_back_exactly(value):
    image = np.full((2, 3, 1), value, np.float32)
    values, unit, zero = quantize(image)
    assert unit == 1
    assert np.array_equal(dequantize(values, unit=unit, zero=zero), image)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(value):
    with pytest.raises(UsageError, match="not finite"):
        quantize(np.array([[[0.0, value]]], np.float32))
