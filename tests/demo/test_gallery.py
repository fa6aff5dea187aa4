"""Views under the right key are the picture, under a wrong key they are not."""

import numpy as np
import pytest

from pixelveil.demo.gallery import decrypt_with, fold_gallery, scheme_gallery
from pixelveil.demo.pictures import leading_bit_fold
from pixelveil.demo.samples import photographs
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme

PHOTOGRAPHS = photographs(size=64)[:2]


@pytest.mark.parametrize("name", ["vit-permutation", "vit-orthogonal"])
def test_right_and_wrong_keys(name):
    gallery = scheme_gallery(create_scheme(name, block_size=16), photographs=PHOTOGRAPHS)
    for photograph, row in zip(PHOTOGRAPHS, gallery.rows, strict=True):
        plain, encrypted, decrypted, wrong = (pixels for _, pixels in row.views)
        np.testing.assert_array_equal(plain, photograph.pixels)
        np.testing.assert_array_equal(decrypted, plain)
        for other in (encrypted, wrong):
            assert abs(np.corrcoef(other.ravel().astype(float), plain.ravel())[0, 1]) < 0.3
    rescaled = name == "vit-orthogonal"
    assert ("rescaled" in gallery.note) is rescaled
    assert ("(rescaled)" in gallery.rows[0].views[1][0]) is rescaled


@pytest.mark.parametrize("name", ["skk", "vit-permutation"])
def test_any_key_can_be_applied(name):
    scheme, key = create_scheme(name), Key.generate()
    images = np.stack([photograph.pixels for photograph in PHOTOGRAPHS])
    encrypted = scheme.encrypt(images, key=key)
    np.testing.assert_array_equal(decrypt_with(scheme, encrypted, key=key), images)
    assert (decrypt_with(scheme, encrypted, key=Key.generate()) != images).mean() > 0.5


def test_the_fold_reads_the_picture_without_the_key():
    for photograph, row in zip(PHOTOGRAPHS, fold_gallery(photographs=PHOTOGRAPHS).rows, strict=True):
        np.testing.assert_array_equal(row.views[-1][1], leading_bit_fold(photograph.pixels))
