import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))

POLICIES = ("shared", "derived", "ephemeral")


def folded(images):
    """``|v - 127.5|``, sorted within each pixel: what neither inversion nor a color order changes."""
    return np.sort(np.abs(images.astype(np.float64) - 127.5), axis=-1)


def encrypted(images, **parameters):
    return create_scheme("skk", **parameters).encrypt(images, key=checks.key_of())


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("shuffle", ["per_pixel", "per_image", "none"])
@pytest.mark.parametrize("flip", ["bernoulli", "exact_half"])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_fold_never_changes(policy, shuffle, flip, channels):
    """The known weakness (leading-bit attack): asserted, so that nobody believes it mended."""
    images = checks.noise(3, (5, 7, channels))
    hidden = encrypted(images, key_policy=policy, shuffle=shuffle, flip=flip).images
    np.testing.assert_array_equal(folded(hidden), folded(images))
    assert (hidden != images).any(axis=(1, 2, 3)).all()
    if shuffle == "none":
        np.testing.assert_array_equal(np.abs(hidden - 127.5), np.abs(images - 127.5))


def test_a_wrong_key_leaves_the_fold():
    plain, key = checks.scene(64), checks.key_of()
    scheme = create_scheme("skk")
    result = scheme.encrypt(plain, key=key)
    other = scheme.plan(key=checks.key_of(bytes(32)), shape=plain.shape, nonces=result.nonces)
    np.testing.assert_array_equal(folded(other.invert().apply(result.images)), folded(plain))


def test_random_pe_inverts_exactly_half_at_places_redrawn_per_image():
    """SIA-GAN's variant: half of the 3n values, no color shuffle."""
    images = np.repeat(checks.noise(1, (16, 20, 3)), 5, axis=0)
    hidden = encrypted(images, flip="exact_half", shuffle="none").images
    inverted = hidden != images
    assert (inverted.sum(axis=(1, 2, 3)) == 480).all()
    assert len(np.unique(inverted.reshape(5, -1), axis=0)) == 5
    bits = create_scheme("skk", flip="exact_half", shuffle="none").key_bits((16, 20, 3))
    assert bits == pytest.approx(math.log2(math.comb(960, 480)))


def test_one_color_order_serves_the_image():
    plain = np.tile(np.array([[10, 60, 100]], np.uint8), (1, 40, 1))[None]
    hidden = encrypted(np.repeat(plain, 30, axis=0), shuffle="per_image").images
    levels = np.abs(hidden - 127.5)
    assert (levels == levels[:, :, :1]).all()
    assert len(np.unique(levels[:, 0, 0], axis=0)) == 6


def test_all_orders_and_inversions_are_equally_likely():
    """48 outcomes of one pixel, over 48,000 pixels: five standard deviations of chi-square."""
    plain = np.tile(np.array([10, 60, 100], np.uint8), (1, 100, 480, 1))
    hidden = encrypted(plain, key_policy="shared").images.reshape(-1, 3)
    outcomes, counts = np.unique(hidden, axis=0, return_counts=True)
    assert len(outcomes) == 48
    statistic = ((counts - 1000.0) ** 2 / 1000.0).sum()
    assert abs(statistic - 47) < 5 * math.sqrt(2 * 47)


def test_five_sixths_of_the_values_differ_between_two_images_of_one_picture():
    images = np.repeat(checks.noise(1, (128, 128, 3)), 2, axis=0)
    first, second = encrypted(images).images
    assert np.mean(first != second) == pytest.approx(5 / 6, abs=0.02)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (33, 5)])
def test_any_size_stays(size):
    scheme = create_scheme("skk")
    assert scheme.encrypted_shape((*size, 3)) == (*size, 3)
    assert scheme.encrypt(checks.noise(1, (*size, 3)), key=Key.generate()).images.shape == (1, *size, 3)


@pytest.mark.parametrize(("side", "bits"), [(32, 5719.0), (96, 51471), (256, 366016)])
def test_key_space_is_48_to_the_number_of_pixels(side, bits):
    total = create_scheme("skk").key_bits((side, side, 3))
    assert total == pytest.approx(side**2 * math.log2(48))
    assert total == pytest.approx(bits, abs=0.5)
    assert create_scheme("skk", shuffle="none").key_bits((side, side, 3)) == 3 * side**2
    assert create_scheme("skk", shuffle="per_image").key_bits((side, side, 3)) == 3 * side**2 + math.log2(6)
    assert create_scheme("skk").key_bits((side, side, 1)) == side**2


def test_as_published_nobody_can_decrypt_and_the_owner_can_by_default():
    assert create_scheme("skk").key_policy == "derived"
    assert create_scheme("skk").output_dtype == "uint8"


@pytest.mark.parametrize("flip", ["all", "half"])
def test_variants_are_checked(flip):
    with pytest.raises(UsageError, match=f"flip must be 'bernoulli' or 'exact_half', not '{flip}'"):
        create_scheme("skk", flip=flip)
