import base64
import hmac
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelveil.data.names import class_code, open_names, pseudonym, pseudonym_key, public_group, seal_names
from pixelveil.errors import IntegrityError
from pixelveil.keys import Key

EPOCH = Key.generate().active
OTHER = Key.generate().active
SALT = bytes(range(16))


def test_a_pseudonym_is_the_hmac_of_the_path():
    key = pseudonym_key(EPOCH, salt=SALT)
    assert key == hmac.digest(EPOCH.subkey(purpose="data-names"), SALT, "sha256")
    digest = hmac.digest(key, "cat/Jürgen 7.jpg".encode(), "sha256")
    assert pseudonym("cat/Jürgen 7.jpg", key=key) == base64.b32encode(digest).decode().lower()[:26]


@given(st.lists(st.text(min_size=1), unique=True, max_size=20))
def test_pseudonyms_differ_and_are_plain_letters(paths):
    names = [pseudonym(path, key=bytes(32)) for path in paths if path.isprintable()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z2-7]{26}", name) for name in names)


def test_pseudonyms_depend_on_key_and_salt():
    keys = {pseudonym_key(epoch, salt=salt) for epoch in (EPOCH, OTHER) for salt in (SALT, bytes(16))}
    assert len({pseudonym("a.png", key=key) for key in keys}) == 4


def test_names_that_are_no_text_have_pseudonyms():
    undecodable = b"\xff\xfe.png".decode("utf-8", "surrogateescape")
    assert pseudonym(undecodable, key=bytes(32)) != pseudonym("?.png", key=bytes(32))


def test_class_codes_are_the_same_in_every_job_of_an_epoch():
    assert class_code("cat", epoch=EPOCH) == class_code("cat", epoch=EPOCH)
    assert len({class_code(name, epoch=epoch) for name in ("cat", "dog") for epoch in (EPOCH, OTHER)}) == 4
    assert re.fullmatch("[a-z2-7]{13}", class_code("cat", epoch=EPOCH))


def test_groups_keep_only_words_that_name_a_split():
    assert public_group("", epoch=EPOCH) == ""
    assert public_group("Training", epoch=EPOCH) == "Training"
    assert public_group("Mercy Hospital/train", epoch=EPOCH) == class_code("Mercy Hospital", epoch=EPOCH) + "/train"


@given(st.dictionaries(st.text(), st.text(), max_size=5))
def test_sealed_names_open_again_and_are_the_same_every_time(names):
    sealed = seal_names(names, epoch=EPOCH, salt=SALT)
    assert open_names(sealed, epoch=EPOCH, salt=SALT) == names
    assert seal_names(names, epoch=EPOCH, salt=SALT) == sealed
    assert sealed.count(b"\n") == 1


def test_other_names_have_another_nonce():
    lines = [json.loads(seal_names({"a": name}, epoch=EPOCH, salt=SALT)) for name in ("x", "y")]
    assert lines[0]["nonce"] != lines[1]["nonce"]


def test_sealed_names_tell_nothing_and_open_with_nothing_else():
    sealed = seal_names({"a": "Jane Doe.png"}, epoch=EPOCH, salt=SALT)
    assert b"Jane" not in sealed
    assert b"Jane" not in base64.b64decode(json.loads(sealed)["sealed"])
    altered = json.loads(sealed)
    altered["sealed"] = base64.b64encode(bytes(40)).decode()
    wrong = [(sealed, OTHER, SALT), (sealed, EPOCH, bytes(16)), (json.dumps(altered).encode(), EPOCH, SALT)]
    wrong += [(content, EPOCH, SALT) for content in (b"", b"{}", b"[1]", b"1", b"\xff", sealed[:-9])]
    wrong += [(sealed.replace(b"names/v1", b"names/v2"), EPOCH, SALT)]
    for content, epoch, salt in wrong:
        with pytest.raises(IntegrityError, match=r"names\.sealed"):
            open_names(content, epoch=epoch, salt=salt)
