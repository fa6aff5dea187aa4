import numpy as np

from pixelveil.attacks.public_images.orthogonal import (
    components,
    find_rotation,
    lagged,
    likeliest_signs,
    refine,
    third_moments,
)
from pixelveil.plans.geometry import split_blocks


def rotation(size, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]


def blocks_of(images, side=4):
    return split_blocks(images, block=(side, side)).astype(np.float32)


def test_components_give_back_the_blocks(victims):
    blocks = blocks_of(victims[:50])
    parts = components(blocks, rank=48)
    back = (parts.scores * parts.scale) @ parts.vectors.T + parts.mean
    assert np.allclose(back, blocks, atol=0.05)
    spread = (parts.scores**2).mean(axis=(0, 1))
    assert np.allclose(spread[:5], (parts.variances / parts.scale**2)[:5], rtol=1e-3)


def test_covariances_of_neighbors_against_a_loop(noise):
    scores = blocks_of(noise[:4], side=8)[..., :5] - np.float32(127.5)
    result = lagged(scores, grid=(4, 4), lags=((1, -1), (9, 0)))
    assert len(result) == 1
    pairs = [(r * 4 + c, (r + 1) * 4 + c - 1) for r in range(3) for c in range(1, 4)]
    expected = np.mean([np.outer(image[a], image[b]) for image in scores for a, b in pairs], axis=0)
    assert np.allclose(result[0], expected, rtol=1e-3)


def test_third_moments_are_symmetric_and_feel_skewness():
    skewed = (np.random.default_rng(0).exponential(size=(2000, 1, 3)) - 1).astype(np.float32)
    moments = third_moments(skewed, count=3)
    assert np.allclose(moments, moments.transpose(1, 2, 0), atol=1e-3)
    assert moments[0, 0, 0] > 1
    assert abs(moments[0, 1, 2]) < 0.3


def test_signs_of_a_consistent_system_are_found():
    generator = np.random.default_rng(3)
    signs = generator.choice([-1.0, 1.0], 30)
    pairs = np.outer(signs, signs) * generator.uniform(0.1, 1, (30, 30))
    triples = np.einsum("i,j,k->ijk", signs[:5], signs[:5], signs[:5])
    total, found = likeliest_signs((pairs + pairs.T) / 2, triples, generator=generator)
    assert (found == signs).all()
    assert total > 0


def test_procrustes_mends_what_is_nearly_right():
    generator = np.random.default_rng(4)
    public = [generator.normal(size=(12, 12)) + np.diag(np.arange(12.0)) for _ in range(4)]
    hidden = rotation(12)
    seen = [hidden @ matrix @ hidden.T for matrix in public]
    start = np.linalg.qr(hidden + 0.05 * generator.normal(size=(12, 12)))[0]
    start *= np.sign(np.diag(start.T @ hidden))
    assert np.allclose(refine(seen, public, start=start, rounds=500), hidden, atol=0.01)


def test_a_matrix_is_found_where_statistics_are_the_same(victims):
    """The same images on both sides: what is left is the algebra."""
    blocks = blocks_of(victims)
    seen = components(blocks @ rotation(48).astype(np.float32), rank=48)
    public = components(blocks, rank=48)
    found = find_rotation(seen, public, places=np.arange(64), grid=(8, 8), generator=np.random.default_rng(0))
    assert (found.slot == np.arange(64)).all()
    back = (seen.scores @ found.matrix.astype(np.float32) * public.scale) @ public.vectors.T + public.mean
    assert np.abs(back - blocks).mean() < 2
