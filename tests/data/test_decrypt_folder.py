import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pixelveil.data import decode_image, decrypt_folder, encrypt_folder
from pixelveil.data.decrypt_folder import png_names
from pixelveil.data.manifest import Manifest
from pixelveil.errors import IntegrityError, UsageError
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme

SHARED = create_scheme("vit-permutation", block_size=4)
DERIVED = create_scheme("vit-permutation", block_size=4, key_policy="derived")
FLOATS = create_scheme("vit-orthogonal", block_size=4)


def images_of(folder):
    return {path.relative_to(folder).as_posix(): decode_image(path) for path in folder.rglob("*.png")}


@pytest.mark.parametrize("storage", ["png", "npy", "wds"])
@pytest.mark.parametrize("scheme", [SHARED, DERIVED], ids=["shared", "derived"])
def test_the_originals_come_back(pets, tmp_path, key, scheme, storage):
    encrypt_folder(pets, tmp_path / "out", key=key, scheme=scheme, storage=storage, shard_size=5, hide_classes=True)
    seen = []
    count = decrypt_folder(
        tmp_path / "out", tmp_path / "back", key=key, advance=lambda *counts: seen.append(counts), workers=2
    )
    assert (count, seen[-1]) == (22, (22, 22))
    back, plain = images_of(tmp_path / "back"), images_of(pets)
    assert set(back) == set(plain)
    assert all(np.array_equal(back[path], plain[path]) for path in plain)


def test_images_of_many_sizes_come_back_without_their_padding(folder, tmp_path, key):
    source = folder("a/1.png")
    for number in range(1, 9):
        noise = np.random.default_rng(number).integers(0, 256, (3 * number, 5 + number, 3), dtype=np.uint8)
        Image.fromarray(noise).save(source / "a" / f"n{number}.png")
    encrypt_folder(source, tmp_path / "out", key=key, scheme=DERIVED, storage="wds")
    decrypt_folder(tmp_path / "out", tmp_path / "back", key=key)
    back, plain = images_of(tmp_path / "back"), images_of(source)
    assert set(back) == set(plain)
    assert all(np.array_equal(back[path], plain[path]) for path in plain)


def test_floats_come_back_to_a_grey_level(pets, tmp_path, key):
    encrypt_folder(pets, tmp_path / "out", key=key, scheme=FLOATS, storage="npy")
    decrypt_folder(tmp_path / "out", tmp_path / "back", key=key)
    back, plain = images_of(tmp_path / "back"), images_of(pets)
    assert set(back) == set(plain)
    assert max(np.abs(back[path].astype(int) - plain[path]).max() for path in plain) <= 1


def test_a_key_that_was_rotated_since_still_decrypts(pets, tmp_path, key):
    encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED)
    key.rotate()
    assert decrypt_folder(tmp_path / "out", tmp_path / "back", key=key) == 22


def test_pseudonyms_need_no_sealed_names(pets, tmp_path, key):
    encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED, storage="npy")
    (tmp_path / "out" / "names.sealed").unlink()
    with pytest.raises(UsageError, match=r"names\.sealed"):
        decrypt_folder(tmp_path / "out", tmp_path / "back", key=key)
    assert not (tmp_path / "back").exists()
    decrypt_folder(tmp_path / "out", tmp_path / "back", key=key, original_names=False)
    rows = list(Manifest.open(tmp_path / "out").rows())
    assert set(images_of(tmp_path / "back")) == {
        f"{row.group}/{('cat', 'dog')[row.label]}/{row.name}.png" for row in rows
    }


def test_nothing_is_written_from_an_altered_folder(pets, tmp_path, key):
    encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED)
    path = next((tmp_path / "out" / "train" / "cat").iterdir())
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match=path.name):
        decrypt_folder(tmp_path / "out", tmp_path / "back", key=key)
    with pytest.raises(IntegrityError, match="made with key"):
        decrypt_folder(tmp_path / "out", tmp_path / "back", key=Key.generate())
    manifest = tmp_path / "out" / "manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes().replace(b'"block_size":4', b'"block_size":8'))
    with pytest.raises(IntegrityError, match="altered"):
        decrypt_folder(tmp_path / "out", tmp_path / "back", key=key)
    assert not (tmp_path / "back").exists()


def test_what_nobody_can_decrypt_is_said_so(pets, tmp_path, key):
    ephemeral = create_scheme("vit-permutation", block_size=4, key_policy="ephemeral")
    encrypt_folder(pets, tmp_path / "out", key=key, scheme=ephemeral)
    with pytest.raises(UsageError, match="by anybody"):
        decrypt_folder(tmp_path / "out", tmp_path / "back", key=key)


class StopError(Exception):
    pass


def test_a_stopped_run_goes_on_and_writes_no_image_twice(pets, tmp_path, key, monkeypatch):
    encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED)
    monkeypatch.setitem(decrypt_folder.__globals__, "_BLOCK_IMAGES", 4)

    def stop(done, total):
        raise StopError

    with pytest.raises(StopError):
        decrypt_folder(tmp_path / "out", tmp_path / "back", key=key, workers=1, advance=stop)
    early = {path: path.stat().st_mtime_ns for path in (tmp_path / "back").rglob("*.png")}
    assert 4 <= len(early) < 22
    (tmp_path / "back" / ".half.png.pixelveil-part").touch()
    assert decrypt_folder(tmp_path / "out", tmp_path / "back", key=key) == 22
    assert {path: path.stat().st_mtime_ns for path in early} == early
    assert len(images_of(tmp_path / "back")) == 22
    assert not list((tmp_path / "back").rglob("*.pixelveil-part"))


def test_another_destination_is_refused(pets, tmp_path, key):
    encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED)
    encrypt_folder(pets, tmp_path / "other", key=key, scheme=SHARED)
    decrypt_folder(tmp_path / "out", tmp_path / "back", key=key)
    for folder, destination, names in (("out", pets, True), ("other", tmp_path / "back", True), ("out", "back", False)):
        with pytest.raises(UsageError, match="holds something else"):
            decrypt_folder(tmp_path / folder, tmp_path / destination, key=key, original_names=names)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        decrypt_folder(tmp_path / "out", tmp_path / "file", key=key)


def test_two_processes_do_not_work_in_one_folder(pets, tmp_path, key):
    encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED)

    def once_more(done, total):
        with pytest.raises(UsageError, match="another process"):
            decrypt_folder(tmp_path / "out", tmp_path / "back", key=key)

    assert decrypt_folder(tmp_path / "out", tmp_path / "back", key=key, advance=once_more) == 22


@given(st.lists(st.from_regex(r"\A[ab]{1,2}(\.jpg|\.png|\.tif)(\.png|\.jpg)?\Z"), unique=True))
def test_png_names_differ_and_keep_what_ends_with_png(paths):
    names = png_names(paths)
    assert len(set(names)) == len(names) == len(paths)
    for path, name in zip(paths, names, strict=True):
        assert name.endswith(".png")
        assert name == path or not path.endswith(".png")
        assert name.startswith(path.rpartition(".")[0])
