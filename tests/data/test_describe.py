import json

import pytest

from pixelveil.data import describe_folder, encrypt_folder
from pixelveil.errors import IntegrityError, UsageError
from pixelveil.schemes import create_scheme


def test_an_encrypted_folder_says_how_it_was_made(pets, tmp_path, key):
    (pets / "train" / "cat" / "bad.png").touch()
    scheme = create_scheme("vit-permutation", block_size=4)
    encrypt_folder(pets, tmp_path / "out", key=key, scheme=scheme, storage="wds")
    facts = describe_folder(tmp_path / "out")
    assert json.loads(json.dumps(facts)) == facts
    expected = {
        "kind": "encrypted data set",
        "scheme": "vit-permutation",
        "parameters": scheme.parameters,
        "key_fingerprint": key.fingerprint,
        "epoch": 1,
        "storage": "wds",
        "images": 22,
        "rejected": 1,
        "classes": {"cat": 11, "dog": 11},
        "groups": {"test": 8, "train": 14},
        "shapes": {"16x24x3": 22},
        "sealed_names": True,
    }
    assert {name: facts[name] for name in expected} == expected


def test_a_plain_folder_is_counted(pets):
    (pets / "notes.txt").touch()
    (pets / "link").symlink_to(pets / "train")
    assert describe_folder(pets) == {
        "kind": "plain images",
        "images": 22,
        "classes": {"cat": 11, "dog": 11},
        "groups": {"test": 8, "train": 14},
        "other_files": 1,
        "refused_links": 1,
    }


def test_unfinished_and_damaged_folders_are_refused(tmp_path):
    (tmp_path / ".job").mkdir()
    with pytest.raises(UsageError, match="encrypt command again"):
        describe_folder(tmp_path)
    (tmp_path / "manifest.jsonl").write_text("{}\n")
    with pytest.raises(IntegrityError, match="line 1"):
        describe_folder(tmp_path)
