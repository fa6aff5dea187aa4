"""NeuraCrypt works as published, but for what the page says; and it is no cipher."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from pixelveil.errors import UsageError
from pixelveil.schemes import create_scheme
from pixelveil.schemes.decrepit import NeuraCrypt

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "properties.py")))


def scheme_of(**parameters):
    return create_scheme("neuracrypt", **{"hidden": 64, **parameters})


def sets(hidden):
    """The vectors of each image, sorted: what the shuffle leaves."""
    return [sorted(map(tuple, image.reshape(-1, image.shape[-1]))) for image in hidden]


def test_sizes_are_padded_to_patches():
    scheme = scheme_of()
    assert scheme.encrypted_shape((224, 224, 3)) == (14, 14, 64)
    assert scheme.encrypted_shape((33, 17, 1)) == (3, 2, 64)
    plain = checks.noise(2, (33, 17, 1))
    hidden = scheme.encrypt(plain, key=checks.key_of()).images
    assert (hidden.shape, hidden.dtype) == ((2, 3, 2, 64), np.float32)
    padded = np.pad(plain, ((0, 0), (0, 15), (0, 15), (0, 0)), mode="edge")
    plan = scheme.plan(key=checks.key_of(), shape=(48, 32, 1))
    assert sets(plan.apply(padded)) == sets(hidden)


def test_the_set_of_vectors_is_the_key_s_and_their_order_is_fresh():
    scheme, key = scheme_of(), checks.key_of()
    plain = np.repeat(checks.noise(1, (64, 48, 3)), 3, axis=0)
    first, second = (scheme.encrypt(plain, key=key).images for _ in range(2))
    assert scheme.randomized
    assert len({image.tobytes() for image in (*first, *second)}) == 6
    assert all(one == sets(first)[0] for one in (*sets(first), *sets(second)))
    other = scheme.encrypt(plain, key=checks.key_of(checks.flipped(checks.ROOT))).images
    assert sets(other)[0] != sets(first)[0]


def test_vectors_do_not_depend_on_the_batch():
    scheme, key = scheme_of(hidden=96), checks.key_of()
    plain = checks.noise(9, (32, 48, 3))
    whole = sets(scheme.encrypt(plain, key=key).images)
    assert sets(scheme.encrypt(plain[3:5], key=key).images) == whole[3:5]
    assert sets(scheme.encrypt(plain[8:], key=key).images) == whole[8:]


def test_the_order_of_patches_is_given_back_by_assignment():
    """The known weakness, asserted: an encoding is matched, patch by patch, to one of the image with some noise."""
    scheme, key = scheme_of(hidden=256), checks.key_of()
    plain = checks.scene(128)
    noisy = np.clip(plain + np.random.default_rng(0).normal(0, 4, plain.shape), 0, 255).astype(np.uint8)
    encoder, _ = scheme.plan(key=key, shape=(128, 128, 3)).parts
    ordered = encoder.apply(plain[None])[0].reshape(64, -1)
    shuffled = scheme.encrypt(noisy, key=key).images.reshape(64, -1)
    true = np.linalg.norm(encoder.apply(noisy[None])[0].reshape(64, 1, -1) - shuffled[None], axis=2).argmin(axis=1)
    distances = np.linalg.norm(ordered[:, None] - shuffled[None], axis=2)
    found = linear_sum_assignment(distances)[1]
    assert np.mean(found == true) > 0.95


def test_encodings_are_matched_to_their_images_with_the_key_s_statistics():
    """Encodings of similar images are similar: a nearest neighbor links two encodings of one picture."""
    scheme, key = scheme_of(hidden=128), checks.key_of()
    pictures = np.stack([np.roll(checks.scene(64), 4 * turn, axis=turn % 2) for turn in range(10)])
    first = scheme.encrypt(pictures, key=key).images.reshape(10, 16, -1).mean(axis=1)
    grain = np.random.default_rng(1).normal(0, 3, pictures.shape)
    again = np.clip(pictures + grain, 0, 255).astype(np.uint8)
    second = scheme.encrypt(again, key=key).images.reshape(10, 16, -1).mean(axis=1)
    nearest = np.linalg.norm(first[:, None] - second[None], axis=2).argmin(axis=1)
    assert (nearest == np.arange(10)).mean() >= 0.9


def test_what_does_not_fit_is_refused():
    with pytest.raises(UsageError, match="an image of one patch"):
        scheme_of().encrypt(checks.noise(1, (16, 12, 3)), key=checks.key_of())
    for parameters, message in (
        ({"hidden": 4097}, "hidden must be 1 to 4096, not 4097"),
        ({"depth": 17}, "depth must be 1 to 16, not 17"),
        ({"key_policy": "derived"}, "key_policy must be one of shared"),
    ):
        with pytest.raises(UsageError, match=message):
            scheme_of(**parameters)
    with pytest.raises(UsageError, match="needs a key"):
        scheme_of().encrypt(checks.noise(1, (32, 32, 3)))
    key = checks.key_of()
    with pytest.raises(UsageError, match="nobody can decrypt"):
        scheme_of().decrypt(scheme_of().encrypt(checks.noise(1, (32, 32, 3)), key=key), key=key)


def test_it_says_that_it_is_broken():
    assert NeuraCrypt.family == "decrepit"
    assert "broken" in NeuraCrypt.title
    assert any("Carlini" in attack for attack in NeuraCrypt.known_attacks)
    assert NeuraCrypt().encrypted_shape((224, 224, 3)) == (14, 14, 2048)
