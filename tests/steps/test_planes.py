import numpy as np
import pytest

from pixelveil.steps.planes import as_images, as_planes, float_type


def test_planes_are_matrices_of_the_channels_and_come_back():
    images = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    planes = as_planes(images)
    assert (planes.dtype, planes.shape) == (np.float64, (2, 3, 3, 4))
    assert planes.flags.c_contiguous
    np.testing.assert_array_equal(planes[1, 2], images[1, :, :, 2])
    back = as_images(planes, like=images)
    assert back.flags.c_contiguous
    np.testing.assert_array_equal(back, images)


@pytest.mark.parametrize(("given", "result"), [("uint8", "float32"), ("float32", "float32"), ("float64", "float64")])
def test_doubles_stay_doubles(given, result):
    images = np.ones((1, 2, 2, 1), given)
    assert float_type(images).__name__ == result
    assert str(as_images(as_planes(images), like=images).dtype) == result
