import pytest

from pixelveil.keys import Key, keyfile


@pytest.fixture(scope="module")
def cheap_scrypt():
    """Make new key files cheap to open."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keyfile, "LOG2_N", 10)
        yield


@pytest.fixture
def path(tmp_path, cheap_scrypt):
    """A key file with passphrase "p" and a budget of 1000 images."""
    path = tmp_path / "my.pvkey"
    Key.generate(budget=1000).save(path, passphrase="p")
    return path
