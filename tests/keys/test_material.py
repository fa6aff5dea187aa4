import pickle

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.keys import Key, KeyMaterial, KeyStream, fresh_nonces


@pytest.fixture
def epoch():
    return Key.generate().active


def first_bytes(material, role="role"):
    return material.stream(role).bits(256)


def test_shared_material_is_one_stream_of_the_zero_nonce_under_its_own_subkey(epoch):
    material = KeyMaterial.shared(epoch, scheme="s", client="c")
    key = epoch.subkey(purpose="shared-plan", scheme="s", client="c", role="role")
    expected = KeyStream(key=key, nonces=np.zeros((1, 16), np.uint8)).bits(256)
    assert material.count == 1
    np.testing.assert_array_equal(first_bytes(material), expected)


def test_derived_material_is_one_stream_per_nonce_under_its_own_subkey(epoch):
    nonces = fresh_nonces(3)
    material = KeyMaterial.derived(epoch, scheme="s", client="c", nonces=nonces)
    key = epoch.subkey(purpose="image-plan", scheme="s", client="c", role="role")
    assert material.count == 3
    np.testing.assert_array_equal(first_bytes(material), KeyStream(key=key, nonces=nonces).bits(256))


def test_an_image_gives_the_same_plan_in_every_batch(epoch):
    nonces = fresh_nonces(4)
    whole = first_bytes(KeyMaterial.derived(epoch, scheme="s", nonces=nonces))
    alone = first_bytes(KeyMaterial.derived(epoch, scheme="s", nonces=nonces[2:3]))
    np.testing.assert_array_equal(alone, whole[2:3])


def test_no_two_purposes_share_a_stream(epoch):
    zero = np.zeros((1, 16), np.uint8)
    materials = [
        KeyMaterial.shared(epoch, scheme="s"),
        KeyMaterial.shared(epoch, scheme="t"),
        KeyMaterial.shared(epoch, scheme="s", client="c"),
        KeyMaterial.shared(Key.generate().active, scheme="s"),
        KeyMaterial.derived(epoch, scheme="s", nonces=zero),
        KeyMaterial.ephemeral(1),
        KeyMaterial.ephemeral(1),
    ]
    streams = [first_bytes(material, role).tobytes() for material in materials for role in ("a", "b")]
    assert len(set(streams)) == len(streams)


def test_a_role_is_read_once(epoch):
    material = KeyMaterial.shared(epoch, scheme="s")
    material.stream("a")
    material.stream("b")
    with pytest.raises(UsageError, match="role 'a' was read already"):
        material.stream("a")


@pytest.mark.parametrize("role", ["", "é", "a\nb"])
def test_a_role_is_printable_and_not_empty(epoch, role):
    with pytest.raises(UsageError):
        KeyMaterial.shared(epoch, scheme="s").stream(role)


@pytest.mark.parametrize(
    "nonces", [np.zeros((2, 15), np.uint8), np.zeros(16, np.uint8), np.zeros((2, 16), np.int64)], ids=lambda a: a.shape
)
def test_wrong_nonces_are_refused(epoch, nonces):
    with pytest.raises(UsageError, match="nonces"):
        KeyMaterial.derived(epoch, scheme="s", nonces=nonces)


def test_later_changes_of_the_nonces_do_not_matter(epoch):
    nonces = fresh_nonces(2)
    material = KeyMaterial.derived(epoch, scheme="s", nonces=nonces)
    expected = first_bytes(KeyMaterial.derived(epoch, scheme="s", nonces=nonces))
    nonces[:] = 0
    np.testing.assert_array_equal(first_bytes(material), expected)


def test_ephemeral_material_has_a_stream_per_image():
    material = KeyMaterial.ephemeral(5)
    assert material.count == 5
    assert len(np.unique(first_bytes(material), axis=0)) == 5


def test_fresh_nonces_are_writable_and_differ():
    nonces = fresh_nonces(100)
    assert (nonces.shape, nonces.dtype, nonces.flags.writeable) == ((100, 16), np.uint8, True)
    assert len(np.unique(nonces, axis=0)) == 100
    assert fresh_nonces(0).shape == (0, 16)


@pytest.mark.parametrize("make", [fresh_nonces, KeyMaterial.ephemeral])
def test_negative_counts_are_refused(make):
    with pytest.raises(UsageError, match="-1 is negative"):
        make(-1)


def test_material_shows_and_gives_away_nothing(epoch):
    material = KeyMaterial.shared(epoch, scheme="s")
    assert repr(material) == "KeyMaterial(count=1)"
    with pytest.raises(UsageError, match="cannot be pickled"):
        pickle.dumps(material)
