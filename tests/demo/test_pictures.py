"""Pictures are PNG, float images are scaled, and the fold sees through skk."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from pixelveil.demo.pictures import data_uri, for_display, leading_bit_fold, png, strip
from pixelveil.errors import UsageError
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme

NOISE = np.random.default_rng(0).integers(0, 256, (16, 24, 3)).astype(np.uint8)


def read(content):
    return np.asarray(Image.open(io.BytesIO(content)))


def test_png_is_lossless_and_grows_by_whole_pixels():
    np.testing.assert_array_equal(read(png(NOISE)), NOISE)
    np.testing.assert_array_equal(read(png(NOISE, scale=3))[1::3, 1::3], NOISE)
    head, _, content = data_uri(NOISE).partition(",")
    assert head == "data:image/png;base64"
    np.testing.assert_array_equal(read(base64.b64decode(content)), NOISE)


def test_float_images_keep_their_order_and_use_the_full_range():
    image = (NOISE.astype(np.float32) - 300) * 7
    shown = for_display(image)
    assert (shown.min(), shown.max()) == (0, 255)
    assert (np.diff(shown.ravel()[np.argsort(image.ravel())].astype(int)) >= 0).all()
    assert for_display(np.full((2, 2, 3), 5.0)).dtype == np.uint8  # a flat image divides by no zero


def test_the_fold_is_the_same_for_every_key():
    scheme = create_scheme("skk")
    plain = leading_bit_fold(NOISE)
    for _ in range(3):
        encrypted = scheme.encrypt(NOISE[None], key=Key.generate()).images[0]
        assert (encrypted != NOISE).mean() > 0.5
        np.testing.assert_array_equal(leading_bit_fold(encrypted), plain)
    other = create_scheme("vit-permutation", block_size=8).encrypt(NOISE[None], key=Key.generate()).images[0]
    assert (leading_bit_fold(other) != plain).mean() > 0.5  # a scheme that moves pixels is not read so


def test_a_strip_shows_every_image():
    picture = read(strip([NOISE, 255 - NOISE], labels=["a", "b"], gap=10))
    assert picture.shape == (16 + 20 + 22, 2 * 24 + 30, 3)
    np.testing.assert_array_equal(picture[10:26, 10:34], NOISE)
    np.testing.assert_array_equal(picture[10:26, 44:68], 255 - NOISE)
    assert picture[30:].min() < 200  # the labels


@pytest.mark.parametrize(("images", "labels"), [([], []), ([NOISE], []), ([NOISE, NOISE[:8]], ["a", "b"])])
def test_strips_that_do_not_fit(images, labels):
    with pytest.raises(UsageError):
        strip(images, labels=labels)
