import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.steps import GaussianNoise

HERE = Path(__file__).parent
cases = SimpleNamespace(**runpy.run_path(str(HERE / "step_cases.py")))


def planned(**parameters):
    return GaussianNoise(**parameters).plan(material=cases.material_for(1), role="r", shape=(64, 64, 3))


def test_noise_is_normal_and_of_the_asked_spread():
    """49,152 numbers: mean and spread within five standard errors, and 95.4 percent within two standard deviations."""
    noise = planned(std=10.0).apply(np.full((4, 64, 64, 3), 100.0)) - 100.0
    count = noise.size
    assert abs(noise.mean()) < 5 * 10 / np.sqrt(count)
    assert noise.std() == pytest.approx(10, rel=5 / np.sqrt(2 * count))
    assert np.mean(np.abs(noise) < 20) == pytest.approx(0.9545, abs=5 * np.sqrt(0.9545 * 0.0455 / count))


def test_noise_is_fresh_for_every_image_and_every_time():
    """One plan under one key; a shared plan is kept, its noise must not be."""
    plan, images = planned(std=1.0), np.zeros((3, 64, 64, 3), np.uint8)
    first, second = plan.apply(images), plan.apply(images)
    fields = [*first, *second]
    assert len({field.tobytes() for field in fields}) == 6
    correlations = np.corrcoef(np.stack(fields).reshape(6, -1)) - np.eye(6)
    assert np.abs(correlations).max() < 5 / np.sqrt(first[0].size)


def test_relative_noise_follows_each_channel_of_each_image():
    images = cases.images_of(2, (64, 64, 3)) * np.array([0.1, 1.0, 4.0]) * np.array([1.0, 3.0])[:, None, None, None]
    noise = planned(std=0.5, relative=True).apply(images) - images
    np.testing.assert_allclose(noise.std(axis=(1, 2)), 0.5 * images.std(axis=(1, 2)), rtol=0.06)
    flat = np.full((1, 64, 64, 3), 7.0)
    np.testing.assert_array_equal(planned(std=0.5, relative=True).apply(flat), flat)


@pytest.mark.parametrize("relative", [False, True])
def test_types_and_empty_batches(relative):
    plan = planned(std=1.0, relative=relative)
    for given, result in (("uint8", "float32"), ("float32", "float32"), ("float64", "float64")):
        assert str(plan.apply(np.zeros((2, 4, 4, 3), given)).dtype) == result
    assert plan.apply(np.zeros((0, 4, 4, 3), np.uint8)).shape == (0, 4, 4, 3)


def test_it_is_no_key_and_never_negative():
    assert GaussianNoise(std=3.0).key_bits(shape=(8, 8, 3)) == 0
    for std in (-1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="must be 0 to 1,000,000"):
            GaussianNoise(std=std)
