import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from pixelveil.data.png import PNG_CHANNELS, encode_png

SIDES = st.integers(1, 40)


@given(hnp.arrays(np.uint8, st.tuples(SIDES, SIDES, st.sampled_from(PNG_CHANNELS))))
def test_another_program_reads_the_same_pixels(image):
    with Image.open(io.BytesIO(encode_png(image)), formats=["PNG"]) as png:
        png.verify()  # checks every chunk's CRC
    pixels = np.asarray(Image.open(io.BytesIO(encode_png(image))))
    assert np.array_equal(pixels.reshape(image.shape), image)


def test_noise_hardly_grows_and_flat_images_shrink():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert len(encode_png(noise)) < noise.size * 1.02 + 100
    assert len(encode_png(np.full_like(noise, 7))) < noise.size / 4


def test_slices_are_written_like_copies():
    image = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)[::2, ::-1]
    assert encode_png(image) == encode_png(image.copy())


def test_other_numbers_of_channels_cannot_be_written():
    with pytest.raises(KeyError):
        encode_png(np.zeros((2, 2, 6), np.uint8))
