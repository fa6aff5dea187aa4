import numpy as np
import pytest

from pixelveil.attacks.learned.moments import common_signs, match_moments, principal_components


def pictures(count, *, seed, cells=16, lanes=4):
    """Columns in which a bright cell makes all others a little brighter, and is seldom as bright as dark ones dark."""
    generator = np.random.default_rng(seed)
    common = generator.gamma(2.0, size=(count, 1, 1)) * 20
    each = generator.gamma(2.0, size=(count, cells, 1)) * 15
    tints = generator.normal(size=(count, cells, lanes)) * np.linspace(4, 1, lanes)
    return (common + each + tints + 40).astype(np.float32)


def key(cells, lanes, *, seed=3):
    generator = np.random.default_rng(seed)
    return np.stack([np.linalg.qr(generator.normal(size=(lanes, lanes)))[0] for _ in range(cells)]).astype(np.float32)


def encrypted(columns, matrices):
    return np.einsum("npd,ped->npe", columns, matrices)


def brightness_correlation(found, plain):
    a, b = (columns.mean(axis=2).ravel() for columns in (found, plain))
    return np.corrcoef(a, b)[0, 1]


def test_secret_isometries_are_undone():
    secret = pictures(400, seed=0)
    moments = match_moments(encrypted(secret, key(16, 4)), pictures(600, seed=1), count=4)
    found = moments(encrypted(secret, key(16, 4)))
    assert brightness_correlation(found, secret) > 0.95
    assert moments.agreement[0] > 0.8
    left, right = moments.turns
    assert (left.shape, right.shape) == ((16, 4, 4), (16, 4, 4))


def test_inversions_about_a_middle_are_undone_without_skewness():
    generator = np.random.default_rng(5)
    plain = generator.normal(100, 10, size=(500, 1, 1)) + generator.normal(0, 8, size=(500, 9, 1))
    plain = plain.astype(np.float32)
    hidden = np.where(generator.random((1, 9, 1)) < 0.5, 255 - plain, plain)[:250]
    found = match_moments(hidden, plain[250:], count=1, middle=127.5)(hidden)
    assert np.corrcoef(found.ravel(), plain[:250].ravel())[0, 1] > 0.95


def test_noise_gives_little_but_the_mean():
    noise = np.random.default_rng(2).normal(128, 70, size=(400, 16, 4)).astype(np.float32)
    public = pictures(600, seed=1)
    moments = match_moments(noise, public, count=4)
    assert moments.agreement.max() < 0.5
    assert abs(brightness_correlation(moments(noise) - public.mean(axis=0), pictures(400, seed=0))) < 0.1


def test_components_are_those_of_the_covariance():
    columns = pictures(300, seed=0, cells=2)
    found = principal_components(columns, count=2)
    values = np.linalg.eigvalsh(np.cov(columns[:, 1].T.astype(float), bias=True))[::-1]
    np.testing.assert_allclose(found.spread[1] ** 2, values[:2], rtol=1e-3)
    np.testing.assert_allclose(found.scores(columns).std(axis=0), 1, rtol=1e-3)


def test_many_lanes_and_few_images():
    columns = np.random.default_rng(0).normal(size=(40, 3, 300)).astype(np.float32) * np.linspace(3, 1, 300, dtype="f4")
    found = principal_components(columns, count=5)
    np.testing.assert_allclose(np.linalg.norm(found.axes, axis=2), 1, rtol=1e-4)
    np.testing.assert_allclose(found.scores(columns).std(axis=0), 1, rtol=1e-2)


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_flat_images_are_no_trouble(value):
    flat = np.full((60, 4, 3), value, np.float32)
    found = match_moments(flat, pictures(60, seed=1, cells=4, lanes=3), count=3)(flat)
    assert np.isfinite(found).all()


def test_one_cell_has_no_neighbors():
    signs, agreement = common_signs(np.ones((5, 1), np.float32), np.ones((5, 1), np.float32))
    assert (signs.tolist(), agreement) == ([1.0], 1.0)
