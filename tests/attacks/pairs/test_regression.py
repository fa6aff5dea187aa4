import numpy as np
import pytest

from pixelveil.attacks.measures import ssim
from pixelveil.attacks.pairs.regression import fit_decoder, ridge


@pytest.mark.parametrize(("samples", "values"), [(200, 10), (12, 40)])
def test_ridge_solves_its_normal_equations(samples, values):
    generator = np.random.default_rng(0)
    inputs, targets = generator.normal(size=(samples, values)), generator.normal(size=(samples, 3))
    found = ridge(inputs, targets, strength=0.1)
    y, x = inputs - inputs.mean(axis=0), targets - targets.mean(axis=0)
    weight = 0.1 * (y**2).sum() / min(samples, values)
    weights = found.factors[0] if len(found.factors) == 1 else found.factors[0] @ found.factors[1]
    np.testing.assert_allclose(y.T @ (y @ weights - x) + weight * weights, 0, atol=1e-8)


def test_the_identity_is_exact(photographs):
    plain = photographs(32, 4)
    decoder = fit_decoder(plain.astype(np.float64), plain)
    np.testing.assert_allclose(decoder.decode(plain[:2]), plain[:2], atol=1e-3)


def test_any_linear_map_of_rows_is_undone(photographs):
    plain = photographs(32, 4)
    matrix = np.random.default_rng(0).normal(size=(32, 40))
    encrypted = np.einsum("nhwc,wm->nhmc", plain.astype(np.float64), matrix)
    decoder = fit_decoder(encrypted[:5], plain[:5])
    assert decoder.unit == "rows"
    np.testing.assert_allclose(decoder.decode(encrypted[5:]), plain[5:], atol=0.5)


def test_maps_of_whole_images_are_undone_with_many_pairs(photographs):
    source = photographs(64, 4)
    places = [(image, top, left) for image in range(6) for top in range(0, 56, 2) for left in range(0, 56, 4)]
    plain = np.stack([source[image, top : top + 8, left : left + 8] for image, top, left in places])
    matrix = np.random.default_rng(0).normal(size=(192, 192)) / 14
    encrypted = (plain.reshape(len(plain), -1) @ matrix).reshape(-1, 4, 16, 3)
    mixed = np.random.default_rng(1).permutation(len(plain))
    known, victims = mixed[:-50], mixed[-50:]
    decoder = fit_decoder(encrypted[known], plain[known])
    assert decoder.unit == "images"
    read = np.rint(np.clip(decoder.decode(encrypted[victims]), 0, 255)).astype(np.uint8)
    assert ssim(read, plain[victims]).mean() > 0.95


def test_one_pair_is_enough_to_fit(photographs):
    plain = photographs(32, 4)
    decoder = fit_decoder(plain[:1].astype(float), plain[:1])
    assert decoder.decode(plain[:1]).shape == (1, 32, 32, 3)
