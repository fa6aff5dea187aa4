import itertools

import numpy as np

from pixelveil import create_scheme
from pixelveil.attacks import Budget
from pixelveil.attacks.ciphertexts.leading_bit import fold
from pixelveil.attacks.ciphertexts.minimum_difference import MinimumDifference, minimum_difference
from pixelveil.attacks.ciphertexts.minimum_difference_plus import (
    MinimumDifferencePlus,
    color_energy,
    smoothest_orders,
)
from pixelveil.attacks.controls import aes_noise
from pixelveil.attacks.evaluate import score

NO_TRUNCATION = 255


def ordered(image, orders):
    return np.stack([pixel[list(order)] for pixel, order in zip(image.reshape(-1, 3), orders, strict=True)])


def test_small_pictures_are_solved_exactly():
    orders = list(itertools.permutations(range(3)))
    for seed in range(2):
        image = fold(np.random.default_rng(seed).integers(256, size=(2, 2, 3), dtype=np.uint8))
        every = [ordered(image, choice).reshape(1, 2, 2, 3) for choice in itertools.product(orders, repeat=4)]
        least = min(int(color_energy(one, truncation=20)[0]) for one in every)
        assert color_energy(smoothest_orders(image[None], truncation=20), truncation=20)[0] <= 1.02 * least


def test_no_inversion_is_better_than_folding():
    generator = np.random.default_rng(0)
    folded = fold(generator.integers(256, size=(1, 4, 4, 3), dtype=np.uint8))
    for _ in range(50):
        flips = generator.integers(2, size=folded.shape, dtype=np.uint8) * np.uint8(255)
        assert color_energy(folded ^ flips)[0] >= color_energy(folded)[0]


def test_sorted_values_are_best_without_truncation():
    generator = np.random.default_rng(1)
    folded = fold(generator.integers(256, size=(3, 6, 6, 3), dtype=np.uint8))
    least = color_energy(np.sort(folded, axis=-1), truncation=NO_TRUNCATION)
    found = color_energy(smoothest_orders(folded, truncation=NO_TRUNCATION), truncation=NO_TRUNCATION)
    np.testing.assert_array_equal(found, least)


def test_energy_is_no_higher_than_at_any_start(photographs):
    folded = fold(photographs(32, 4))
    found = color_energy(smoothest_orders(folded))
    for start in (folded, minimum_difference(folded), np.sort(folded, axis=-1)[..., ::-1]):
        assert (found <= color_energy(start)).all()


def test_it_beats_the_minimum_difference_attack(photographs, held):
    plain, scheme = photographs(64, 4), create_scheme("skk")
    evidence = held(scheme, plain)
    plus, simple = (score(attack().run(evidence), plain) for attack in (MinimumDifferencePlus, MinimumDifference))
    assert plus.mean("edges") > simple.mean("edges") + 0.03
    assert plus.mean("ssim") > 0.35
    control = score(MinimumDifferencePlus().run(held(scheme, aes_noise(len(plain), plain.shape[1:]))), plain)
    assert abs(control.mean("edges")) < 0.05
    assert control.mean("ssim") < 0.12


def test_pixels_keep_their_values(photographs, held):
    plain = photographs(32, 4)
    for budget in (Budget(), Budget(seconds=0)):
        found = MinimumDifferencePlus().run(held(create_scheme("smkk"), plain), budget=budget).images
        np.testing.assert_array_equal(np.sort(found, axis=-1), np.sort(fold(plain), axis=-1))


def test_gray_and_unshuffled_images_are_only_folded(photographs, held):
    gray = photographs(32, 4)[..., :1]
    np.testing.assert_array_equal(MinimumDifferencePlus().run(held(create_scheme("skk"), gray)).images, fold(gray))
    plain = photographs(32, 4)
    scheme = create_scheme("skk", shuffle="none")
    np.testing.assert_array_equal(MinimumDifferencePlus().run(held(scheme, plain)).images, fold(plain))


def test_where_it_does_not_apply():
    assert MinimumDifferencePlus().obstacle(create_scheme("huang"))
    assert MinimumDifferencePlus().obstacle(create_scheme("tanaka-le"))
