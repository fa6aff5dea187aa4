import numpy as np
import pytest

from pixelveil.attacks.games.feature_bank import FAMILIES, bank_features, pictures


@pytest.fixture(scope="module")
def images(tiles):
    return tiles[0][:12]


def same(first, second, *, families):
    """Whether these families see no difference, and any other one does."""
    a, b = bank_features(first), bank_features(second)
    equal = {name for name in FAMILIES if np.allclose(a[name], b[name], rtol=1e-3, atol=0.05)}
    return equal == set(families)


def named(*words):
    return {name for name in FAMILIES if name.split()[0] in words}


def test_a_negative_has_the_same_tones_cells_and_textures(images):
    assert same(images, 255 - images, families=named("folded", "tones", "cells", "textures", "outlines"))


def test_the_order_of_colors_matters_to_colors_alone(images):
    assert same(images, images[..., [2, 0, 1]], families=named("folded", "tones", "cells", "textures", "outlines"))


def test_turned_pictures_have_the_same_order_free_features(images):
    turned = np.rot90(images, axes=(1, 2))
    assert same(images, turned, families=named("colors", "tones", "cells", "textures"))
    assert same(images, images[:, :, ::-1], families=named("colors", "tones", "cells", "textures"))


def test_scrambled_blocks_keep_values_and_cells_that_lie_in_them(images):
    """Textures see the new borders between blocks."""
    blocks = images.reshape(-1, 4, 8, 4, 8, 3).transpose(0, 1, 3, 2, 4, 5).reshape(len(images), 16, 8, 8, 3)
    blocks = blocks[:, np.random.default_rng(0).permutation(16)].reshape(-1, 4, 4, 8, 8, 3)
    scrambled = blocks.transpose(0, 1, 3, 2, 4, 5).reshape(images.shape)
    assert same(images, scrambled, families=(named("colors", "tones", "cells") - {"cells 16"}))


def test_rows_do_not_depend_on_other_images_of_the_batch(images):
    whole, part = bank_features(images), bank_features(images[3:5])
    for name in FAMILIES:
        np.testing.assert_allclose(part[name], whole[name][3:5], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("shape", [(32, 96, 1), (7, 9, 3), (2, 2, 48), (1, 1, 3), (64, 64, 3)])
def test_any_shape_gives_the_same_numbers_of_features(images, shape):
    noise = np.random.default_rng(0).normal(0, 40, (3, *shape)).astype(np.float32)
    found, usual = bank_features(noise), bank_features(images[:3])
    for name in FAMILIES:
        assert found[name].shape == usual[name].shape
        assert np.isfinite(found[name]).all()


def test_the_unit_of_floats_does_not_matter(images):
    values = images.astype(np.float32)
    np.testing.assert_allclose(pictures(values / 255), pictures(values), atol=0.01)
    np.testing.assert_array_equal(pictures(images), values)
    assert np.median(np.abs(pictures(values * 7 - 500) - 127.5)) < 127.5
