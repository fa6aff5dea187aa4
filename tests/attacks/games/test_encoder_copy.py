import numpy as np

from pixelveil import create_scheme
from pixelveil.attacks.games.encoder_copy import added_vectors, fit_copy, no_encoder, patch_features, recover_encoder
from pixelveil.attacks.games.referee import new_key

SMALL = {"block_size": 8, "hidden": 64, "depth": 1}


def test_a_copy_is_fitted_on_pairs(tiles):
    scheme = create_scheme("vit-orthogonal", block_size=4, scramble_blocks=False)
    features = patch_features(scheme, tiles[0][:160])
    added = added_vectors(scheme, new_key(scheme)(tiles[0][:160]))
    copy = fit_copy(features[:120], added[:120])
    made, seen = copy(features[120:]), added[120:] / copy.scale
    error = np.square(made - seen - (made - seen).mean(axis=0)).mean() / np.square(seen).mean()
    assert error < 0.05


def test_a_rough_guess_is_enough(tiles):
    scheme = create_scheme("neuracrypt", **SMALL)
    generator = np.random.default_rng(0)
    order = generator.permutation(256)
    encoded = new_key(scheme)(tiles[0][order])
    guess = order.copy()
    wrong = generator.permutation(256)[:150]
    guess[wrong] = guess[generator.permutation(wrong)]
    _, _, answers = recover_encoder(patch_features(scheme, tiles[0]), added_vectors(scheme, encoded), guess, rounds=5)
    assert np.mean(guess == order) < 0.5
    assert np.mean(answers == order) > 0.9


def test_which_schemes_have_an_encoder():
    assert not no_encoder(create_scheme("neuracrypt"))
    assert "secret map" in no_encoder(create_scheme("skk"))
