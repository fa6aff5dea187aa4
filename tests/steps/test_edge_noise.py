import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.keys import KeyMaterial
from pixelveil.steps.edge_noise import EdgeNoise, find_features

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("step_cases.py"))))
ref = SimpleNamespace(**runpy.run_path(str(Path(__file__).resolve().parents[1] / "reference" / "mixing_reference.py")))


def step_of(**settings):
    return EdgeNoise(**({"epsilon": 0.02, "feature_epsilon": 0.1, "mask_epsilon": 0.0} | settings), **LOOK)


LOOK = {"feature_share": 0.25, "smoothing": 1.0}


@pytest.mark.parametrize("share", [0.01, 0.2, 1.0])
@pytest.mark.parametrize("smoothing", [0.0, 1.3])
@pytest.mark.parametrize("channels", [1, 3])
def test_features_are_those_of_the_reference(share, smoothing, channels):
    images = cases.images_of(2, (9, 13, channels))
    found = find_features(images, share=share, smoothing=smoothing)
    for place in range(2):
        assert found[place].tolist() == ref.features(images[place].tolist(), share=share, smoothing=smoothing)
    assert (found.sum(axis=(1, 2)) == max(1, math.ceil(share * 9 * 13))).all()


def test_no_image_and_flat_images_have_no_features():
    assert find_features(np.empty((0, 4, 4, 3), np.uint8), share=0.5, smoothing=1.0).shape == (0, 4, 4)
    assert not find_features(np.full((2, 8, 8, 3), 77, np.uint8), share=0.5, smoothing=1.0).any()


def noise_of(image, count, **settings):
    """What is added to each of many copies of an image."""
    plan = step_of(**settings).plan(material=KeyMaterial.ephemeral(count), role="r", shape=image.shape)
    return plan.apply(np.repeat(image[None], count, axis=0)) - image


def test_edges_get_less_noise_as_the_budgets_say():
    """Mean absolute values of Laplace noise are its scales; 30,000 numbers and more: within 5 standard deviations."""
    image = np.repeat(np.repeat(np.array([20, 220], np.uint8), 8)[None], 16, axis=0)[..., None]
    features = find_features(image[None], share=0.25, smoothing=1.0)[0]
    assert 0.2 < features.mean() < 0.3
    added = np.abs(noise_of(image, 600)[..., 0])
    for where, scale in ((features, 10), (~features, 50)):
        numbers = added[:, where]
        assert abs(numbers.mean() - scale) < 5 * scale / math.sqrt(numbers.size)


def test_the_bound_holds_for_one_value():
    """Shares of noisy values in bins, of two images that differ by d in one pixel: their ratio is below exp(e d).

    Flat images, all values under the small budget; 200,000 values each, bins with 1,000 and more in both.
    """
    budget, distance, count = 0.05, 20, 200_000
    first, second = (
        noise_of(np.full((1, 1, 1), level, np.uint8), count, epsilon=budget, feature_epsilon=budget).ravel() + level
        for level in (100, 100 + distance)
    )
    edges = np.arange(40, 181, 10)
    a, b = (np.histogram(values, bins=edges)[0] for values in (first, second))
    ratios = np.log(a / b)
    assert min(a.min(), b.min()) > 1000
    assert np.abs(ratios).max() < budget * distance + 5 * math.sqrt(2 / 1000)
    # Beyond the two levels the bound is reached: it is no looser than it must be.
    assert ratios[edges[1:] <= 100].mean() == pytest.approx(budget * distance, abs=0.05)


def test_features_are_looked_for_on_a_copy_with_noise_of_its_own():
    """With a tiny budget for the mask, any pixel may count as an edge; without one only those of the image do."""
    image = np.repeat(np.repeat(np.array([20, 220], np.uint8), 8)[None], 16, axis=0)[..., None]
    away = np.zeros((16, 16), bool)
    away[:, :3] = True
    scales = {
        epsilon: np.abs(noise_of(image, 400, mask_epsilon=epsilon)[..., 0])[:, away].mean() for epsilon in (0.0, 1e-4)
    }
    assert scales[0.0] == pytest.approx(50, abs=2.5)
    assert scales[1e-4] < 45


def test_noise_and_mask_have_streams_of_their_own():
    roles = []
    material = KeyMaterial(subkey=lambda role: roles.append(role) or cases.subkey(role), nonces=cases.nonces_of(1))
    step_of(mask_epsilon=0.1).plan(material=material, role="r", shape=(4, 4, 3))
    assert sorted(roles) == ["r/mask", "r/noise"]
    assert step_of().key_bits(shape=(4, 4, 3)) == 0
