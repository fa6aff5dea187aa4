import itertools

import numpy as np
import pytest

from pixelveil import create_scheme
from pixelveil.attacks import Budget
from pixelveil.attacks.ciphertexts.leading_bit import fold
from pixelveil.attacks.ciphertexts.minimum_difference import MinimumDifference, minimum_difference
from pixelveil.attacks.controls import aes_noise
from pixelveil.attacks.evaluate import score


def literal(image, seed, *, shuffled=True):
    """The attack as it is published: 48 candidates a pixel, one image, one pixel after the other."""
    orders = list(itertools.permutations(range(3))) if shuffled else [(0, 1, 2)]
    result = np.zeros_like(image)
    for row, column in np.ndindex(image.shape[:2]):
        if row == column == 0:
            result[0, 0] = seed
            continue
        before = result[row - 1, column] if row else result[row, column - 1]
        best, chosen = 10_000, None
        for order in orders:
            flips = [
                image[row, column][list(order)] ^ (255 * np.array(flip)) for flip in itertools.product((0, 1), repeat=3)
            ]
            costs = [int(np.abs(flip - before.astype(int)).sum()) for flip in flips]
            if min(costs) <= best:
                best, chosen = min(costs), flips[int(np.argmin(costs))]
        result[row, column] = chosen
    return result


@pytest.mark.parametrize("levels", [4, 256])
def test_it_is_the_published_attack(levels):
    generator = np.random.default_rng(levels)
    images = (generator.integers(levels, size=(4, 9, 7, 3)) * (256 // levels)).astype(np.uint8)
    seeds = generator.integers(256, size=(4, 3), dtype=np.uint8)
    for shuffled in (True, False):
        expected = [literal(image, seed, shuffled=shuffled) for image, seed in zip(images, seeds, strict=True)]
        np.testing.assert_array_equal(minimum_difference(images, seeds=seeds, shuffled=shuffled), expected)


def test_values_stay_on_the_side_of_the_seed(photographs):
    plain = photographs(32, 4)
    found = minimum_difference(plain, seeds=np.tile(np.uint8([10, 200, 90]), (len(plain), 1)))
    np.testing.assert_array_equal(np.unique(found[..., 0] > 127), [False])
    np.testing.assert_array_equal(np.unique(found[..., 1] > 127), [True])
    np.testing.assert_array_equal(np.unique(found[..., 2] > 127), [False])


def test_without_shuffle_it_is_the_leading_bit_attack(photographs, held):
    plain = photographs(32, 4)
    encrypted = held(create_scheme("skk", shuffle="none"), plain).ciphertexts
    sides = np.where(plain[:, :1, :1] > 127, 255, 0).astype(np.uint8)
    found = minimum_difference(encrypted, seeds=plain[:, 0, 0], shuffled=False)
    np.testing.assert_array_equal(found, fold(plain) ^ sides)


def test_pixels_keep_their_values(photographs, held):
    plain = photographs(32, 4)
    found = MinimumDifference().run(held(create_scheme("skk"), plain)).images
    np.testing.assert_array_equal(np.sort(fold(found), axis=-1), np.sort(fold(plain), axis=-1))


def test_photographs_are_read_and_noise_is_not(photographs, held):
    plain = photographs(128, 2)
    scheme = create_scheme("skk")
    found = score(MinimumDifference().run(held(scheme, plain)), plain)
    control = score(MinimumDifference().run(held(scheme, aes_noise(len(plain), plain.shape[1:]))), plain)
    assert found.mean("edges") > 0.5
    assert abs(control.mean("edges")) < 0.03
    assert control.mean("ssim") < 0.1 < 0.22 < found.mean("ssim")


def test_gray_and_single_pixels(held):
    for shape in ((2, 1, 1, 3), (2, 5, 1, 3), (1, 8, 8, 1)):
        images = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
        found = MinimumDifference().run(held(create_scheme("skk"), images)).images
        assert found.shape == shape
        np.testing.assert_array_equal(np.sort(fold(found), axis=-1), np.sort(fold(images), axis=-1))


def test_no_time_at_all(photographs, held):
    plain = photographs(32, 4)
    seen = []
    found = MinimumDifference().run(
        held(create_scheme("skk"), plain), budget=Budget(seconds=0), advance=lambda *step: seen.append(step)
    )
    assert found.images.shape == plain.shape
    assert seen == [(6, 6)]


def test_where_it_does_not_apply():
    for name in ("tanaka-le", "etc-color", "vit-permutation", "svd-wang", "instahide"):
        assert MinimumDifference().obstacle(create_scheme(name)), name
    assert "deconvolution" in MinimumDifference().obstacle(create_scheme("skk-g"))
    assert not MinimumDifference().obstacle(create_scheme("skk-g", order="pre"))
