import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.steps import Quantization

HERE = Path(__file__).parent
cases = SimpleNamespace(**runpy.run_path(str(HERE / "step_cases.py")))
matrix = SimpleNamespace(**runpy.run_path(str(HERE.parent / "reference" / "matrix_reference.py")))


def applied(images, levels):
    step = Quantization(levels=levels)
    return step.plan(material=cases.material_for(1), role="r", shape=images.shape[1:]).apply(images)


@pytest.mark.parametrize("levels", [2, 3, 16, 256])
@pytest.mark.parametrize("shape", [(6, 5, 3), (1, 1, 1), (20, 15, 1)])
def test_it_is_the_quantization_of_the_reference(levels, shape):
    images = cases.images_of(2, shape) * 1.7 - 200.3
    result = applied(images, levels)
    for image, found in zip(images, result, strict=True):
        for channel in range(shape[2]):
            np.testing.assert_allclose(found[..., channel], matrix.quantize(image[..., channel].tolist(), levels))


def test_each_channel_of_each_image_has_levels_of_its_own_between_its_percentiles():
    images = cases.images_of(3, (40, 40, 3)) * np.array([0.01, 1.0, 50.0])
    result = applied(images, 5)
    for image, found in zip(images, result, strict=True):
        for channel in range(3):
            low, high = np.percentile(image[..., channel], (0.5, 99.5))
            np.testing.assert_allclose(np.unique(found[..., channel].round(9)), np.linspace(low, high, 5), atol=1e-8)


def test_flat_channels_stay_flat():
    np.testing.assert_array_equal(applied(np.full((1, 4, 4, 1), 9.5), 16), 9.5)


def test_an_image_does_not_depend_on_the_others_of_its_batch():
    images = cases.images_of(5, (33, 20, 3)).astype(np.float32) / 7
    together = applied(images, 16)
    for number in range(5):
        np.testing.assert_array_equal(applied(images[number : number + 1], 16)[0], together[number])
    assert applied(images[:0], 16).shape == (0, 33, 20, 3)
    assert together.dtype == np.float32


def test_one_level_is_none():
    for levels in (1, 0, -3):
        with pytest.raises(UsageError, match="needs 2 to 65,536 levels"):
            Quantization(levels=levels)
    assert Quantization(levels=2).key_bits(shape=(8, 8, 3)) == 0
