import numpy as np
import pytest

from pixelveil import create_scheme
from pixelveil.attacks.games.readings import (
    cell_means,
    distance_profile,
    gram_of_blocks,
    gram_of_rows,
    readings_for,
    sketch,
    spectrum,
    value_quantiles,
)
from pixelveil.attacks.games.referee import new_key


def test_products_of_blocks_outlive_orthogonal_maps(tiles):
    scheme = create_scheme("vit-orthogonal", block_size=8)
    both = [gram_of_blocks(new_key(scheme)(tiles[0][:5]), side=8) for _ in range(2)]
    np.testing.assert_allclose(*both, rtol=1e-3, atol=1)
    assert np.abs(both[0][0] - both[0][1]).max() > 50


def test_singular_values_outlive_turned_rows_and_columns():
    generator = np.random.default_rng(0)
    image = generator.normal(size=(1, 12, 12, 1)).astype(np.float32)
    image -= image.mean()
    left, right = (np.linalg.qr(generator.normal(size=(12, 12)))[0] for _ in range(2))
    turned = (left @ image[0, ..., 0] @ right)[None, ..., None]
    np.testing.assert_allclose(spectrum(image), spectrum(turned - turned.mean()), atol=0.1)


def test_products_of_rows_outlive_turned_columns():
    generator = np.random.default_rng(0)
    image = generator.normal(size=(2, 12, 12, 3)).astype(np.float32)
    right = np.linalg.qr(generator.normal(size=(12, 12)))[0]
    turned = np.einsum("nhwc,wv->nhvc", image, right)
    np.testing.assert_allclose(gram_of_rows(image), gram_of_rows(turned), atol=2e-3)


def test_distances_outlive_one_rotation_for_all():
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(20, 27)).astype(np.float32)
    right = np.linalg.qr(generator.normal(size=(27, 27)))[0]
    both = [distance_profile(one.reshape(20, 3, 3, 3)) for one in (rows, rows @ right)]
    np.testing.assert_allclose(*both, atol=1e-3)


def test_quantiles_do_not_look_at_places(tiles):
    images = tiles[0][:3]
    mixed = np.random.default_rng(0).permutation(images.reshape(3, -1), axis=1).reshape(images.shape)
    np.testing.assert_array_equal(value_quantiles(images), value_quantiles(mixed))


def test_means_of_cells():
    values = np.arange(64, dtype=np.float32).reshape(1, 8, 8, 1)
    found = cell_means(values, sides=(2,))
    np.testing.assert_allclose(
        found,
        [[values[0, :4, :4].mean(), values[0, :4, 4:].mean(), values[0, 4:, :4].mean(), values[0, 4:, 4:].mean()]],
    )
    assert cell_means(np.ones((2, 1, 3, 5), np.float32)).shape[0] == 2


def test_sketches_keep_distances():
    rows = np.random.default_rng(0).normal(size=(6, 20_000)).astype(np.float32)
    short = sketch(rows)
    assert short.shape == (6, 4096)
    for one in range(5):
        kept = np.linalg.norm(short[one] - short[one + 1]) / np.linalg.norm(rows[one] - rows[one + 1])
        assert kept == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("name", ["skk", "etc-gray", "svd-wang", "neuracrypt", "vit-orthogonal", "masked-image"])
def test_every_reading_reads_every_scheme(name, tiles):
    small = {"neuracrypt": {"hidden": 32}, "vit-orthogonal": {"block_size": 8}}.get(name, {})
    scheme, images = create_scheme(name, **small), tiles[0][:3]
    encrypted = new_key(scheme)(images)
    for label, reading in readings_for(scheme, shape=(32, 32, 3)).items():
        rows = reading(encrypted)
        assert rows.shape[0] == 3, label
        assert rows.dtype == np.float32, label
        assert np.isfinite(rows).all(), label


def test_flat_and_gray_images():
    scheme = create_scheme("vit-permutation", block_size=4)
    flat = np.full((3, 8, 8, 1), 7, np.uint8)
    for label, reading in readings_for(scheme, shape=(8, 8, 1)).items():
        assert np.isfinite(reading(flat)).all(), label
