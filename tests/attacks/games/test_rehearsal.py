import numpy as np
import pytest

from pixelveil import create_scheme
from pixelveil.attacks.games.rehearsal import calibrated, nearest, rehearse, similarity, stand_in


def test_what_no_key_hides_is_found(tiles):
    found = rehearse(create_scheme("skk"), tiles[0][:96], public=tiles[1])
    assert found.best.name == "cells"
    assert found.best.rehearsed == 1.0
    assert found.shares["pixels"] < 0.2


def test_nothing_is_found_in_noise(tiles):
    found = rehearse(create_scheme("xor-stream"), tiles[0][:128], public=tiles[1])
    assert max(found.shares.values()) < 0.12


def test_one_key_for_all_teaches_nothing_about_another(tiles):
    found = rehearse(create_scheme("tanaka-le"), tiles[0][:128], public=tiles[1])
    assert found.shares["pixels"] < 0.2


def test_pools_and_bases_have_stand_ins_and_weights_have_none(tiles):
    public = tiles[1]
    for name in ("instahide", "pixel-block-mixing", "svd-popescu"):
        make = stand_in(create_scheme(name), public=public)
        assert make()(tiles[0][:3]).shape[0] == 3, name
    assert stand_in(create_scheme("gan-transform"), public=public) is None
    found = rehearse(create_scheme("gan-transform"), tiles[0][:16], public=public)
    assert found.encrypt is None
    assert found.best(tiles[0][:16]).shape[0] == 16


def test_coordinates_average_encryptions(tiles):
    ruler = rehearse(create_scheme("skk-g"), tiles[0][:64], public=tiles[1]).best
    images = tiles[0][:20]
    np.testing.assert_allclose(ruler(images), ruler(images, images), atol=1e-4)


def test_similarity_is_minus_the_squared_distance():
    generator = np.random.default_rng(0)
    left, right = generator.normal(size=(5, 3)).astype(np.float32), generator.normal(size=(4, 3)).astype(np.float32)
    direct = -np.square(left[:, None].astype(float) - right[None]).sum(axis=-1)
    np.testing.assert_allclose(similarity(left, right), direct, atol=1e-6)


def test_each_row_is_taken_once():
    rows = np.array([[0.0], [1.0], [9.0]], np.float32)
    columns = np.array([[0.4], [0.1], [5.0]], np.float32)
    assert nearest(rows, columns).tolist() == [1, 0, 2]
    assert nearest(rows, columns, one_to_one=False).tolist() == [0, 0, 1] or columns[2, 0] == 5.0


def test_calibration_takes_away_what_rows_and_columns_have_in_common():
    generator = np.random.default_rng(0)
    scores = generator.normal(size=(40, 40))
    shifted = scores + 100 * generator.normal(size=(40, 1))
    np.testing.assert_allclose(
        np.diff(calibrated(scores), axis=1).std(), np.diff(calibrated(shifted), axis=1).std(), rtol=0.9
    )
    assert calibrated(shifted).mean(axis=1).std() == pytest.approx(calibrated(scores).mean(axis=1).std(), abs=120)
