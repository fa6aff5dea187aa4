import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.steps import SlidingFilter

HERE = Path(__file__).parent
cases = SimpleNamespace(**runpy.run_path(str(HERE / "step_cases.py")))
filtered = SimpleNamespace(**runpy.run_path(str(HERE.parent / "reference" / "filtered_reference.py")))

STATISTICS = ["median", "mean", "max", "min"]


def applied(images, **parameters):
    step = SlidingFilter(**parameters)
    return step.plan(material=cases.material_for(1), role="r", shape=images.shape[1:]).apply(images)


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize(("kernel", "shape"), [(1, (1, 2, 3)), (3, (3, 3, 1)), (3, (5, 8, 3)), (5, (6, 5, 3))])
def test_windows_are_those_of_the_reference(statistic, kernel, shape):
    images = cases.images_of(2, shape)
    result = applied(images, statistic=statistic, kernel=kernel)
    expected = [filtered.slide(image.tolist(), statistic, kernel) for image in images]
    np.testing.assert_allclose(result, expected, rtol=1e-6)
    assert result.dtype == np.float32
    assert applied(images / 1.0, statistic=statistic, kernel=kernel).dtype == np.float64


@pytest.mark.parametrize("statistic", STATISTICS)
def test_an_image_does_not_depend_on_the_others_of_its_batch(statistic):
    images = cases.images_of(4, (13, 11, 3)) / 3.0
    together = applied(images, statistic=statistic, kernel=3)
    for number in range(4):
        np.testing.assert_array_equal(
            applied(images[number : number + 1], statistic=statistic, kernel=3)[0], together[number]
        )
    assert applied(images[:0], statistic=statistic, kernel=3).shape == (0, 13, 11, 3)


def test_windows_need_a_middle_and_room():
    for kernel in (0, 2, -1):
        with pytest.raises(UsageError, match="kernel must be odd"):
            SlidingFilter(statistic="mean", kernel=kernel)
    step = SlidingFilter(statistic="mean", kernel=5)
    assert step.output_shape((5, 6, 3)) == (5, 6, 3)
    for refuse in (
        lambda: step.output_shape((4, 9, 3)),
        lambda: step.plan(material=cases.material_for(1), role="r", shape=(9, 4, 3)),
    ):
        with pytest.raises(UsageError, match="pixels are smaller than the window of 5x5"):
            refuse()
    with pytest.raises(UsageError, match="statistic must be one of"):
        SlidingFilter(statistic="mode", kernel=3)
    assert step.key_bits(shape=(8, 8, 3)) == 0
