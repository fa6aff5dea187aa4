import numpy as np

from pixelveil import create_scheme
from pixelveil.attacks.attack import Budget
from pixelveil.attacks.games import rehearsal
from pixelveil.attacks.games.referee import link_scores
from pixelveil.attacks.games.rehearsal import calibrated, nearest, rehearse, similarity, stand_in


def test_what_no_key_hides_is_found(tiles):
    found = rehearse(create_scheme("skk"), tiles[0][:96], public=tiles[1])
    assert found.best.name == "cells"
    assert found.best.rehearsed == 1.0
    assert list(found.shares) == ["cells"]  # nothing that comes later can be better


def test_nothing_is_found_in_noise(tiles):
    found = rehearse(create_scheme("xor-stream"), tiles[0][:128], public=tiles[1])
    assert max(found.shares.values()) < 0.3


def test_one_key_for_all_teaches_nothing_about_another(tiles, monkeypatch):
    def pixels(scheme, *, shape):
        return {"pixels": lambda images: images.reshape(len(images), -1).astype(np.float32)}

    monkeypatch.setattr(rehearsal, "readings_for", pixels)
    found = rehearse(create_scheme("tanaka-le"), tiles[0][:128], public=tiles[1])
    assert found.shares["pixels"] < 0.4


def test_several_encryptions_show_more_than_one(tiles):
    noisy = create_scheme("skk-g", noise_std=60.0)
    once, often = (
        rehearse(noisy, tiles[0][:128], public=tiles[1], encryptions=count).best.rehearsed for count in (1, 6)
    )
    assert often > once + 0.1


def test_a_spent_budget_leaves_the_first_reading(tiles):
    found = rehearse(create_scheme("svd-wang"), tiles[0][:32], public=tiles[1], budget=Budget(seconds=0))
    assert len(found.shares) == 1


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
    columns = np.array([[0.4], [0.1], [5.5]], np.float32)
    assert nearest(rows, columns).tolist() == [1, 0, 2]
    assert nearest(rows, columns, one_to_one=False).tolist() == [0, 0, 2]
    assert nearest(rows, columns[:2]).tolist() == [0, 0]


def test_calibration_brings_pairs_of_crowded_images_under_one_threshold():
    generator = np.random.default_rng(0)
    scale = np.where(np.arange(80) < 40, 1.0, 20.0)[:, None]  # half of the images lie close together
    centers = generator.normal(size=(80, 12)) * scale
    first, second = (
        (centers + 0.2 * scale * generator.normal(size=centers.shape)).astype(np.float32) for _ in range(2)
    )
    scores, pairs = similarity(first, second), np.arange(80)
    plain, better = link_scores(pairs, scores), link_scores(pairs, calibrated(scores))
    assert better.auc.value > plain.auc.value + 0.05
