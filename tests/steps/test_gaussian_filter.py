import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.steps import GaussianFilter

HERE = Path(__file__).parent
cases = SimpleNamespace(**runpy.run_path(str(HERE / "step_cases.py")))
filtered = SimpleNamespace(**runpy.run_path(str(HERE.parent / "reference" / "filtered_reference.py")))


def applied(images, **parameters):
    step = GaussianFilter(**parameters)
    return step.plan(material=cases.material_for(1), role="r", shape=images.shape[1:]).apply(images)


@pytest.mark.parametrize(
    ("kernel", "sigma", "shape"),
    [(3, 0.8, (3, 3, 1)), (3, 0.8, (5, 8, 3)), (5, 1.1, (5, 7, 3)), (1, 2.0, (1, 2, 3)), (7, 0.5, (8, 7, 1))],
)
def test_it_is_the_filter_of_the_reference(kernel, sigma, shape):
    """The reference weights the whole window at once; here columns are filtered, then rows."""
    images = cases.images_of(2, shape)
    expected = [filtered.blur(image.tolist(), kernel, sigma) for image in images]
    single, double = (applied(kind, kernel=kernel, sigma=sigma) for kind in (images, images.astype(np.float64)))
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(single, expected, rtol=1e-5)
    np.testing.assert_allclose(double, expected, rtol=1e-12)


def test_weights_add_up_to_one_and_fall_from_the_middle():
    weights = GaussianFilter(kernel=5, sigma=1.1).weights
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(weights, weights[::-1])
    assert weights[3] / weights[2] == pytest.approx(np.exp(-1 / (2 * 1.21)))
    assert weights[4] / weights[2] == pytest.approx(np.exp(-4 / (2 * 1.21)))


def test_an_image_does_not_depend_on_the_others_of_its_batch():
    images = cases.images_of(4, (13, 11, 3))
    together = applied(images, kernel=5, sigma=1.1)
    for number in range(4):
        np.testing.assert_array_equal(applied(images[number : number + 1], kernel=5, sigma=1.1)[0], together[number])
    assert applied(images[:0], kernel=5, sigma=1.1).shape == (0, 13, 11, 3)


def test_what_cannot_be_done_is_refused():
    for sigma in (0.0, -1.0, 1e-200, 1e300, float("nan"), float("inf")):
        with pytest.raises(UsageError, match=r"sigma must be 0\.01 to 1,000"):
            GaussianFilter(kernel=3, sigma=sigma)
    with pytest.raises(UsageError, match="kernel must be odd"):
        GaussianFilter(kernel=4, sigma=1.0)
    step = GaussianFilter(kernel=3, sigma=0.8)
    assert step.output_shape((3, 4, 1)) == (3, 4, 1)
    with pytest.raises(UsageError, match="images of 2x9 pixels are smaller than the window of 3x3"):
        step.output_shape((2, 9, 3))
    with pytest.raises(UsageError, match="images of 9x2 pixels are smaller"):
        step.plan(material=cases.material_for(1), role="r", shape=(9, 2, 3))
    assert step.key_bits(shape=(8, 8, 3)) == 0
