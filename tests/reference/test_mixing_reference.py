"""The reference of mixing and masking on cases worked by hand, and against SciPy."""

import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

ref = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("mixing_reference.py"))))


def test_blocks_of_an_uneven_grid():
    image = [[[0], [1], [2], [3], [4]]] * 3
    pool = [[[[10]] * 5] * 3, [[[20]] * 5] * 3]
    made = ref.replace_blocks(image, pool, [[-1, 1], [0, -1]])
    assert made == [[[0], [1], [20], [20], [20]], *[[[10], [10], [2], [3], [4]]] * 2]


def test_sums_with_signs():
    made = ref.mix_with_signs([[[[255, 0]]], [[[0, 0]]]], [0.75, 0.25], [0, 1])
    assert made == [[[0.5 * 127.5, 127.5]]]


@pytest.mark.parametrize("deviation", [0.4, 1.5, 3.0])
def test_blur_and_slopes_are_those_of_scipy(deviation):
    plane = np.random.default_rng(0).uniform(0, 255, (7, 11))
    expected = ndimage.gaussian_filter(plane, sigma=deviation, mode="nearest")
    np.testing.assert_allclose(ref.blurred(plane.tolist(), deviation), expected)
    slopes = [ndimage.sobel(plane, axis=axis, mode="nearest") for axis in (0, 1)]
    np.testing.assert_allclose(ref.steepness(plane.tolist()), np.hypot(*slopes))


def test_features_are_the_steepest_pixels_and_none_where_it_is_flat():
    flat = [[[9]] * 4] * 4
    assert not any(map(any, ref.features(flat, share=1.0, smoothing=0.0)))
    edge = [[[0], [0], [0], [200], [200], [200]]] * 2
    assert ref.features(edge, share=0.3, smoothing=0.0) == [[False, False, True, True, False, False]] * 2


def test_noise_is_scaled_by_the_budget_of_its_pixel():
    made = ref.add_noise([[[100], [100], [100]]], [[True, False, False]], [1.0, 1.0, 100.0], feature=0.5, other=0.1)
    assert made == [[[102], [110], [255]]]


def test_one_layer_by_hand():
    assert ref.affine([1.0, 2.0], ([[1.0, 0.0], [3.0, 1.0]], [0.5, 0.0])) == [7.5, 2.0]
    mean_zero = ref.normalized([1.0, 3.0])
    assert mean_zero == pytest.approx([-1 / math.sqrt(1.00001), 1 / math.sqrt(1.00001)])


def test_distinct_numbers_are_those_left():
    def draw(role):
        return iter([{"r/0": 2, "r/1": 2, "r/2": 0}[role]])

    assert ref.distinct(draw, "r", 3, 5) == [2, 3, 0]


def test_laplace_has_the_median_of_its_words():
    low, middle, high = (iter(word.to_bytes(8, "little")) for word in (0, 1 << 63, 2**64 - 1))
    assert ref.laplace(low, 1)[0] == pytest.approx(-51 * math.log(2) - math.log(2))
    assert ref.laplace(middle, 1)[0] == pytest.approx(0, abs=1e-15)
    assert ref.laplace(high, 1)[0] == pytest.approx(52 * math.log(2))
