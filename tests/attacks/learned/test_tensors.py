import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelveil.attacks.learned.tensors import GRAY, Scale, scale_of, to_images, to_tensor


@given(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3, 5]), st.integers(0, 99))
def test_bytes_come_back(count, height, width, channels, seed):
    images = np.random.default_rng(seed).integers(256, size=(count, height, width, channels), dtype=np.uint8)
    values = to_tensor(images, scale=scale_of(images))
    assert values.shape == (count, channels, height, width)
    assert values.abs().max() <= 1
    np.testing.assert_array_equal(to_images(values), images)


@pytest.mark.parametrize(("center", "spread"), [(0.0, 1.0), (1e4, 3e3), (-0.2, 1e-3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_of_any_size_lie_about_one(center, spread, dtype):
    images = np.random.default_rng(0).normal(center, spread, size=(4, 6, 20, 2)).astype(dtype)
    values = to_tensor(images, scale=scale_of(images)).numpy()
    assert values.dtype == np.float32
    assert abs(values.mean()) < 0.05
    assert values.std() == pytest.approx(0.5, abs=0.02)


def test_what_is_no_number_becomes_the_middle():
    images = np.array([0.0, 2.0, np.nan, np.inf]).reshape(1, 2, 2, 1)
    scale = scale_of(images)
    assert scale == Scale(center=1.0, spread=2.0)
    values = to_tensor(images, scale=scale).flatten().tolist()
    assert values[:3] == [-0.5, 0.5, 0.0]
    assert values[3] <= 4


def test_flat_and_empty_floats_have_a_scale():
    assert scale_of(np.full((1, 2, 2, 1), 7.0)) == Scale(center=7.0, spread=1.0)
    assert scale_of(np.zeros((0, 2, 2, 1))) == GRAY


def test_padding_is_cropped():
    images = np.arange(2 * 6 * 7 * 3, dtype=np.uint8).reshape(2, 6, 7, 3)
    np.testing.assert_array_equal(to_images(to_tensor(images), shape=(5, 4, 3)), images[:, :5, :4])
