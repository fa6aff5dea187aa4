import dataclasses

import numpy as np
import pytest

from pixelveil import Encrypted, Key, create_scheme


@pytest.fixture
def encrypted():
    return create_scheme("skk").encrypt(np.zeros((2, 3, 5, 3), np.uint8), key=Key.generate(), client="clinic 7")


def test_facts_of_an_encryption(encrypted):
    assert isinstance(encrypted, Encrypted)
    assert (encrypted.scheme, encrypted.key_policy, encrypted.client) == ("skk", "derived", "clinic 7")
    assert (encrypted.shape, encrypted.plain_dtype, encrypted.epoch) == ((3, 5, 3), "uint8", 1)


def test_it_cannot_be_changed_and_is_no_value(encrypted):
    with pytest.raises(dataclasses.FrozenInstanceError):
        encrypted.images = None
    assert encrypted != dataclasses.replace(encrypted)


def test_repr_leaves_out_nonces_and_digest(encrypted):
    assert "nonces" not in repr(encrypted)
    assert encrypted.digest not in repr(encrypted)
    assert encrypted.fingerprint in repr(encrypted)
