import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.plans import LanePlan
from pixelveil.schemes import create_scheme
from pixelveil.steps import COLOR_CODES

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))


def test_published_pixel():
    """(10, 20, 30), r = (1, 0, 1), K_s = 3: inversion gives (245, 20, 225), the order gives (20, 225, 245)."""
    inversion = LanePlan(flip=[255, 0, 255], block_size=1)
    order = LanePlan(source=COLOR_CODES[3], block_size=1)
    pixel = np.array([[[10, 20, 30]]], np.uint8)
    assert inversion.apply(pixel).tolist() == [[[245, 20, 225]]]
    assert inversion.compose(order).apply(pixel).tolist() == [[[20, 225, 245]]]


def test_one_chosen_image_gives_the_key():
    """Known weakness: every pixel (1, 2, 3) shows its inversions and its order."""
    scheme, key, shape = create_scheme("smkk"), checks.key_of(), (16, 20, 3)
    shown = scheme.encrypt(np.tile(np.array([1, 2, 3], np.uint8), (16, 20, 1)), key=key).images
    inverted = shown > 127
    source = np.where(inverted, 255 - shown, shown) - 1
    secret = checks.noise(1, shape)[0]
    guess = np.take_along_axis(secret, source.astype(int), axis=-1) ^ np.where(inverted, 255, 0).astype(np.uint8)
    np.testing.assert_array_equal(scheme.encrypt(secret, key=key).images, guess)


def test_all_images_share_one_key_and_no_other_policy_is_taken():
    images = np.repeat(checks.noise(1, (5, 7, 3)), 3, axis=0)
    hidden = create_scheme("smkk").encrypt(images, key=checks.key_of()).images
    assert (hidden == hidden[0]).all()
    for policy in ("derived", "ephemeral"):
        with pytest.raises(UsageError, match="key_policy must be one of shared, not"):
            create_scheme("smkk", key_policy=policy)


def test_it_is_not_skk_under_a_shared_key():
    """Same operations, other name, so another key: two schemes never share a plan."""
    images, key = checks.noise(1, (8, 8, 3)), checks.key_of()
    first = create_scheme("smkk").encrypt(images, key=key).images
    assert (first != create_scheme("skk", key_policy="shared").encrypt(images, key=key).images).any()


@pytest.mark.parametrize(("side", "bits"), [(32, 5719.0), (96, 51471), (256, 366016)])
def test_key_space(side, bits):
    assert create_scheme("smkk").key_bits((side, side, 3)) == pytest.approx(bits, abs=0.5)
    assert create_scheme("smkk").key_bits((side, side, 3)) == pytest.approx(side**2 * math.log2(48))
    assert create_scheme("smkk", shuffle="none").key_bits((side, side, 3)) == 3 * side**2


def test_orders_for_a_whole_image_are_skk_only():
    with pytest.raises(UsageError, match="shuffle must be 'per_pixel' or 'none', not 'per_image'"):
        create_scheme("smkk", shuffle="per_image")
