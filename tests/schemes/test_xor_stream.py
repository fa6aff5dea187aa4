import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.schemes import create_scheme

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))


def test_what_it_gives_is_noise():
    """The negative control: values are uniform and neighbors uncorrelated, whatever the image."""
    plain = np.repeat(checks.scene(128)[None], 4, axis=0)
    hidden = create_scheme("xor-stream").encrypt(plain, key=checks.key_of()).images
    counts = np.bincount(hidden.reshape(-1), minlength=256)
    expected = hidden.size / 256
    assert abs(((counts - expected) ** 2 / expected).sum() - 255) < 5 * (2 * 255) ** 0.5
    limit = 5 / hidden.size**0.5
    assert abs(checks.correlation(hidden[:, 1:].astype(float), hidden[:, :-1].astype(float))) < limit
    assert abs(checks.correlation(hidden.astype(float), plain.astype(float))) < limit
    assert abs(checks.ssim(plain[0], hidden[0])) < 0.06


def test_two_encryptions_of_one_image_share_nothing():
    images = np.repeat(checks.noise(1, (64, 64, 3)), 2, axis=0)
    first, second = create_scheme("xor-stream").encrypt(images, key=checks.key_of()).images
    assert np.mean(first == second) == pytest.approx(1 / 256, abs=0.003)


def test_a_shared_key_is_refused():
    """One key stream for two images gives away the XOR of the two."""
    with pytest.raises(UsageError, match="key_policy must be one of derived, ephemeral, not 'shared'"):
        create_scheme("xor-stream", key_policy="shared")


def test_nobody_is_told_that_it_authenticates():
    """Flipping a bit of the ciphertext flips that bit of the plain image, unnoticed."""
    scheme, key = create_scheme("xor-stream"), checks.key_of()
    plain = checks.noise(1, (5, 7, 3))
    encrypted = scheme.encrypt(plain, key=key)
    encrypted.images[0, 2, 3, 1] ^= 8
    plain[0, 2, 3, 1] ^= 8
    np.testing.assert_array_equal(scheme.decrypt(encrypted, key=key), plain)
    assert any("flip bits" in attack for attack in scheme.known_attacks)


@pytest.mark.parametrize("shape", [(32, 32, 3), (21, 18, 3), (1, 1, 1)])
def test_any_size_stays(shape):
    scheme = create_scheme("xor-stream")
    assert scheme.encrypted_shape(shape) == shape
    assert scheme.key_bits(shape) == 256
