import numpy as np
import pytest

from pixelveil.attacks import Evidence
from pixelveil.attacks.public_images.columns import keyed_alike, nibble_columns, public_images, some_rows
from pixelveil.errors import UsageError
from pixelveil.schemes import create_scheme


def evidence(scheme, public):
    ciphertexts = np.zeros((2, *scheme.encrypted_shape((30, 30, 3))), np.uint8)
    return Evidence(scheme=scheme, ciphertexts=ciphertexts, shape=(30, 30, 3), victims=1, public=public)


def test_public_images_are_laid_out_as_the_scheme_does():
    public = np.random.default_rng(0).integers(256, size=(5, 30, 30, 3), dtype=np.uint8)
    gray = public_images(evidence(create_scheme("etc-gray"), public), limit=4)
    assert gray.shape == (4, 32, 96, 1)
    assert (gray[:, :30, 32:62, 0] == public[:4, :, :, 1]).all()
    with pytest.raises(UsageError, match="no public images"):
        public_images(evidence(create_scheme("skk"), None))


def test_halves_of_bytes():
    values = np.random.default_rng(1).integers(256, size=(3, 4, 12), dtype=np.uint8)
    halves = nibble_columns(values)
    assert (halves[..., 12:] * 16 + halves[..., :12] == values).all()


def test_a_shared_key_is_what_images_have_in_common():
    assert keyed_alike(create_scheme("skk", key_policy="shared")) == ""
    assert "share no key" in keyed_alike(create_scheme("skk", key_policy="derived"))


def test_rows_are_drawn_once():
    rows = np.arange(50)[:, None]
    generator = np.random.default_rng(2)
    assert some_rows(rows, limit=50, generator=generator) is rows
    drawn = some_rows(rows, limit=20, generator=generator)
    assert len(np.unique(drawn)) == len(drawn) == 20
