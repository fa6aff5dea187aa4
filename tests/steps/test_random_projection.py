import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.steps import RandomProjection

HERE = Path(__file__).parent
cases = SimpleNamespace(**runpy.run_path(str(HERE / "step_cases.py")))


def planned(count, shape, **parameters):
    return RandomProjection(**parameters).plan(material=cases.material_for(count), role="r", shape=shape)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("sides", ["right", "both"])
@pytest.mark.parametrize(("size", "columns"), [(0, 5), (4, 4), (9, 9)])
def test_planes_are_multiplied_by_the_matrices_of_the_streams(count, sides, size, columns):
    images = cases.images_of(3, (6, 5, 3)).astype(np.float64)
    right = cases.stream_of("r/right", count).gaussians(5 * columns).reshape(count, 5, columns) / np.sqrt(5)
    left = cases.stream_of("r/left", count).gaussians(36).reshape(count, 6, 6) / np.sqrt(6)
    result = planned(count, (6, 5, 3), size=size, sides=sides).apply(images)
    assert result.shape == (3, *RandomProjection(size=size, sides=sides).output_shape((6, 5, 3)))
    for number, image in enumerate(images):
        key = number if count > 1 else 0
        for channel in range(3):
            expected = image[..., channel] @ right[key]
            expected = left[key] @ expected if sides == "both" else expected
            np.testing.assert_allclose(result[number, ..., channel], expected, atol=1e-9)


def test_lengths_of_rows_are_about_kept():
    """Johnson and Lindenstrauss, a chi-square of 500 degrees of freedom over 300: the known weakness."""
    images = cases.images_of(1, (400, 300, 1)).astype(np.float64)
    result = planned(1, (400, 300, 1), size=500).apply(images)
    ratio = np.linalg.norm(result, axis=2) ** 2 / np.linalg.norm(images, axis=2) ** 2
    np.testing.assert_allclose(ratio, 500 / 300, rtol=5 * np.sqrt(2 / 500))
    distances = [np.linalg.norm(x[0, 1:] - x[0, :-1], axis=1) for x in (images, result)]
    assert np.std(distances[1] / distances[0]) / np.mean(distances[1] / distances[0]) < 0.1


def test_an_image_does_not_depend_on_the_others_of_its_batch():
    images, plan = cases.images_of(5, (33, 20, 3)), planned(1, (33, 20, 3), size=20, sides="both")
    together = plan.apply(images)
    for number in range(5):
        np.testing.assert_array_equal(plan.apply(images[number : number + 1])[0], together[number])
    assert plan.apply(images[:0]).shape == (0, 33, 20, 3)
    assert together.dtype == np.float32


def test_a_plan_of_keys_per_image_fits_that_many_images_only():
    with pytest.raises(UsageError, match="random-projection is for 3 images, not 2"):
        planned(3, (4, 4, 1), size=4).apply(cases.images_of(2, (4, 4, 1)))


def test_what_makes_no_sense_is_refused_and_the_key_is_that_of_the_streams():
    with pytest.raises(UsageError, match="size must be 1 to 65,536, or 0 to keep the width, not -1"):
        RandomProjection(size=-1)
    with pytest.raises(UsageError, match="sides must be 'right' or 'both', not 'left'"):
        RandomProjection(size=1, sides="left")
    assert RandomProjection(size=9, sides="both").key_bits(shape=(32, 32, 3)) == 256


def test_nothing_of_the_matrices_is_shown():
    assert repr(planned(1, (4, 4, 1), size=4)) == "ForwardPlan(random-projection)"
