from dataclasses import replace

import numpy as np
import pytest

from pixelveil import create_scheme
from pixelveil.attacks.controls import negative_control
from pixelveil.attacks.evaluate import score
from pixelveil.attacks.measures import ssim
from pixelveil.attacks.pairs.affine_plans import (
    KnownPlaintextAffine,
    match_by_lengths,
    procrustes,
    rotation_from_pairs,
    smooth_covariance,
)
from pixelveil.errors import UsageError
from pixelveil.schemes import SCHEMES


def orthogonal(size, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]


def test_noise_free_samples_give_the_matrix():
    generator = np.random.default_rng(0)
    matrix, known = orthogonal(20), generator.normal(size=(50, 20))
    found, rank = procrustes(known, known @ matrix.T)
    assert rank == 20
    assert np.abs(found - matrix).max() < 1e-8


def test_few_samples_give_their_directions_only():
    generator = np.random.default_rng(0)
    matrix, known = orthogonal(20), generator.normal(size=(7, 20))
    found, rank = procrustes(known, known @ matrix.T)
    assert rank == 7
    np.testing.assert_allclose(found @ known.T, matrix @ known.T, atol=1e-8)
    np.testing.assert_allclose(found.T @ found @ found.T, found.T, atol=1e-8)


def test_blocks_match_by_length():
    generator = np.random.default_rng(0)
    known, order = generator.normal(size=(2, 60, 12)), generator.permutation(60)
    seen = known[:, order] @ orthogonal(12).T
    np.testing.assert_array_equal(match_by_lengths(known, seen), order)
    found = rotation_from_pairs(known, seen, scrambled=True)
    np.testing.assert_array_equal(found.order, order)


def test_the_smooth_covariance_is_one():
    covariance = smooth_covariance(side=4, channels=3)
    assert covariance.shape == (48, 48)
    np.testing.assert_array_equal(np.diag(covariance), 1)
    assert np.linalg.eigvalsh(covariance).min() > 0
    assert covariance[0, 3] > covariance[0, 6] > covariance[0, 9]


def test_orthogonal_matrix_by_number_of_pairs(photographs, held):
    plain = photographs(224)
    found = [
        score(KnownPlaintextAffine().run(held(create_scheme("vit-orthogonal"), plain, pairs=q)), plain[q:]).mean("ssim")
        for q in (1, 2, 4)
    ]
    for value, least in zip(found, (0.88, 0.95, 0.995), strict=True):
        assert value > least


def test_small_orthogonal_blocks_are_exact(small, held):
    scheme = create_scheme("vit-orthogonal", block_size=4)
    evidence = held(scheme, small, pairs=3)
    found = KnownPlaintextAffine().run(evidence)
    assert (found.images == small[3:]).mean() > 0.99
    control = score(KnownPlaintextAffine().run(negative_control(evidence, encrypt=evidence.oracle)), small[3:])
    assert abs(control.mean("ssim")) < 0.05


@pytest.mark.parametrize(("pairs", "scrambled", "reached"), [(1, False, 0.3), (6, False, 0.99), (6, True, 0.99)])
def test_a_whitening_before_the_matrix_is_seen_and_read(small, held, pairs, reached, scrambled):
    """The attacker has other public images than those that the whitening was made of."""
    scheme = create_scheme("vit-orthogonal", block_size=4, scramble_blocks=scrambled)
    whitened = scheme.bind(type(scheme).fit(small[:9], settings=scheme.parameters))
    evidence = replace(held(whitened, small, pairs=pairs), scheme=scheme, public=small[9:])
    found = KnownPlaintextAffine().run(evidence)
    assert found.facts["whitened"] == 1
    assert ssim(found.images, small[pairs:]).mean() > reached
    blind = KnownPlaintextAffine().run(replace(evidence, public=None))
    assert ssim(blind.images, small[pairs:]).mean() < reached


def test_where_nothing_was_whitened_nothing_is_seen(small, held):
    evidence = replace(held(create_scheme("vit-orthogonal", block_size=4), small, pairs=4), public=small[:4])
    found = KnownPlaintextAffine().run(evidence)
    assert found.facts["whitened"] == 0
    np.testing.assert_array_equal(found.images, small[4:])


def test_blocks_that_stay(small, held):
    scheme = create_scheme("vit-orthogonal", block_size=4, scramble_blocks=False)
    found = KnownPlaintextAffine().run(held(scheme, small[:, :30, :30], pairs=3))
    assert (found.images == small[3:, :30, :30]).mean() > 0.99


def test_projections_are_read(photographs, held):
    plain = np.concatenate([photographs(64, 4), photographs(64, 4)[:, :, ::-1], photographs(64, 2)])
    scheme = create_scheme("svd-wang", factor="image", components=0, levels=0, noise=0.0)
    found = KnownPlaintextAffine().run(held(scheme, plain, pairs=6))
    assert ssim(found.images, plain[6:]).mean() > 0.95
    lossy = create_scheme("svd-wang", factor="image")
    evidence = held(lossy, plain, pairs=6)
    read = score(KnownPlaintextAffine().run(evidence), plain[6:])
    control = score(KnownPlaintextAffine().run(negative_control(evidence, encrypt=evidence.oracle)), plain[6:])
    assert read.mean("ssim") > control.mean("ssim") + 0.3
    assert read.mean("edges") > 0.4


def test_a_secret_basis_is_read(photographs, held):
    plain = np.concatenate([photographs(64, 4), photographs(64, 2)])
    unbound = create_scheme("svd-popescu", components=24)
    asset = SCHEMES["svd-popescu"].fit(photographs(64, 3), settings=unbound.parameters)
    scheme = create_scheme("svd-popescu", components=24, asset=asset)
    found = KnownPlaintextAffine().run(held(scheme, plain, pairs=6))
    assert ssim(found.images, plain[6:]).mean() > 0.6


def test_what_is_refused(small, held):
    with pytest.raises(UsageError, match="no linear map"):
        KnownPlaintextAffine().run(held(create_scheme("smkk"), small, pairs=1))
    assert "matrix of its own" in KnownPlaintextAffine().obstacle(create_scheme("vit-orthogonal", key_policy="derived"))
    with pytest.raises(UsageError, match="tell nothing"):
        KnownPlaintextAffine().run(held(create_scheme("vit-orthogonal", block_size=4), small))
