import numpy as np
import pytest

from pixelveil.attacks.stem.embedding import PatchEmbedding
from pixelveil.attacks.stem.orthogonal_keys import Seen, find_isometry, procrustes
from pixelveil.attacks.stem.tokens import public_prior
from pixelveil.plans.geometry import join_blocks, split_blocks


def setting(victims, *, drift, width=96, along_mean=0.0):
    """Kernels on blocks of 4x4 before and after a drift, blocks under an orthogonal key, and the key."""
    generator = np.random.default_rng(0)
    base = generator.normal(size=(width, 48))
    tuned = base + drift * generator.normal(size=base.shape) + along_mean * generator.normal(size=(width, 1))
    turn = np.linalg.qr(generator.normal(size=(48, 48)))[0]
    blocks = split_blocks(victims, block=(4, 4)) @ turn.T
    return tuned @ turn.T, base, join_blocks(blocks, shape=(32, 32, 3), block=(4, 4)), turn


def moments(ciphertexts):
    embedding = PatchEmbedding(kernel=np.eye(48), bias=np.zeros(48), side=4, channels=3)
    return Seen.of(embedding, ciphertexts)


def wrong(found, ciphertexts, victims):
    """Mean squared error of blocks, grey levels, decrypted without shrinking anything."""
    blocks = split_blocks(ciphertexts, block=(4, 4)) @ found.left @ found.right.T
    return float(np.square(blocks - split_blocks(victims, block=(4, 4))).mean())


def test_without_drift_it_is_the_key(victims, public):
    encrypted, base, ciphertexts, turn = setting(victims, drift=0)
    found = find_isometry(encrypted, base, prior=public_prior(public, side=4), seen=moments(ciphertexts))
    np.testing.assert_allclose(found.left @ found.right.T, turn, atol=1e-10)
    assert found.errors is None
    assert found.unexplained < 1e-10


@pytest.mark.parametrize(("drift", "along_mean"), [(0.1, 0.0), (0.3, 0.0), (0.02, 0.3)])
def test_ciphertexts_correct_a_key_from_a_drifted_base(victims, public, drift, along_mean):
    """Most of all where the drift is along the mean block, as in fine-tuning."""
    encrypted, base, ciphertexts, _ = setting(victims, drift=drift, along_mean=along_mean)
    prior = public_prior(public, side=4)
    blind = find_isometry(encrypted, base, prior=prior)
    helped = find_isometry(encrypted, base, prior=prior, seen=moments(ciphertexts))
    np.testing.assert_allclose(helped.left.T @ helped.left, np.eye(48), atol=1e-9)
    assert wrong(helped, ciphertexts, victims) < 0.5 * wrong(blind, ciphertexts, victims)


def test_errors_are_as_large_as_they_are_said_to_be(victims, public):
    encrypted, base, ciphertexts, _ = setting(victims, drift=0.1)
    found = find_isometry(encrypted, base, prior=public_prior(public, side=4))
    said = np.trace(found.errors.own + found.errors.common) / 48
    assert 0.5 < wrong(found, ciphertexts, victims) / said < 2


def test_a_narrow_kernel_gives_as_many_directions(victims, public):
    encrypted, base, ciphertexts, turn = setting(victims, drift=0, width=20)
    found = find_isometry(encrypted, base, prior=public_prior(public, side=4), seen=moments(ciphertexts))
    assert found.left.shape == found.right.shape == (48, 20)
    np.testing.assert_allclose(found.left, turn @ found.right, atol=1e-9)


def test_kernels_smoother_than_the_fast_decomposition_can_bear():
    """Gaussian filters: singular values over many decades."""
    from scipy.ndimage import gaussian_filter

    generator = np.random.default_rng(0)
    rows = gaussian_filter(generator.normal(size=(384, 8, 8, 3)), (0, 2, 2, 0.5)).reshape(384, -1)
    turn = np.linalg.qr(generator.normal(size=(192, 192)))[0]
    left, right = procrustes(rows @ turn.T, rows)
    assert np.abs(rows @ right @ left.T - rows @ turn.T).max() < 1e-4 * np.abs(rows).max()
