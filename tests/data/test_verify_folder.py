import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixelveil.data import encrypt_folder, find_faults, verify_folder
from pixelveil.data.manifest import Manifest
from pixelveil.errors import IntegrityError, UsageError
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme

SCHEME = create_scheme("vit-permutation", block_size=4, key_policy="derived")


@pytest.fixture(params=["png", "npy", "wds"])
def out(request, pets, tmp_path, key):
    encrypt_folder(pets, tmp_path / "out", key=key, scheme=SCHEME, storage=request.param, shard_size=5)
    return tmp_path / "out"


def data_files(out):
    return sorted(path for path in out.rglob("*") if path.suffix in (".png", ".npy", ".tar"))


def test_a_sound_folder_has_no_faults(out, key):
    seen = []
    assert find_faults(out, key=key, advance=lambda *counts: seen.append(counts)) == ()
    assert (verify_folder(out), verify_folder(out, key=key), verify_folder(out, contents=False)) == (22, 22, 22)
    assert seen[-1] == (22, 22)


def test_without_names_it_is_still_sound(out, key):
    (out / "names.sealed").unlink()
    assert find_faults(out, key=key) == ()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.integers(0, 10**6), place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_any_changed_bit_of_any_file_is_found(out, file, place, bit):
    files = data_files(out)
    path = files[file % len(files)]
    content = path.read_bytes()
    altered = bytearray(content)
    altered[place % len(content)] ^= 1 << bit
    path.write_bytes(altered)
    try:
        faults = find_faults(out)
        assert len(faults) == 1
        assert faults[0].startswith(f"{path}: was altered")
    finally:
        path.write_bytes(content)


def test_missing_longer_shorter_and_extra_files_are_one_line_each(out, key):
    missing, longer, shorter = data_files(out)[:3]
    missing.unlink()
    longer.write_bytes(longer.read_bytes() + b"\0")
    shorter.write_bytes(shorter.read_bytes()[:-1])
    (out / "extra.png").touch()
    for contents in (True, False):
        faults = find_faults(out, key=key, contents=contents)
        assert {fault.split(": ")[0] for fault in faults} == {
            str(path) for path in (missing, longer, shorter, out / "extra.png")
        }
        assert len(faults) == 4
    with pytest.raises(IntegrityError, match="3 more") as caught:
        verify_folder(out)
    assert caught.value.message == f"{faults[0]}; 3 more"


def test_a_link_is_not_a_file(out, tmp_path):
    path = data_files(out)[0]
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert find_faults(out) == (f"{path}: is missing",)


def test_another_key_is_a_line_that_names_the_folder(out):
    with pytest.raises(IntegrityError, match=f"^{out}: made with key"):
        verify_folder(out, key=Key.generate())


def test_a_link_to_a_folder_does_not_belong_there(out, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (out / "link").symlink_to(tmp_path / "elsewhere")
    assert find_faults(out) == (f"{out / 'link'}: is not in the manifest",)


def test_altered_names_are_found(out):
    (out / "names.sealed").write_bytes(b"{}")
    assert find_faults(out) == (f"{out / 'names.sealed'}: was altered",)


def test_the_manifest_is_bound_to_the_key(out, key):
    path = out / "manifest.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    row = json.loads(lines[1])
    row["label"] = 1 - row["label"]
    forged = [lines[0], json.dumps(row, separators=(",", ":")).encode() + b"\n", *lines[2:]]
    path.write_bytes(b"".join(forged))
    assert find_faults(out, key=key) == (f"{path}: was altered, or made with another key",)
    if Manifest.open(out).header.storage != "wds":  # a tar archive holds the label too
        assert find_faults(out) == ()  # without the key, a careful forger is not found
    (fault,) = find_faults(out, key=Key.generate())
    assert "made with key" in fault


def test_a_row_that_points_elsewhere_in_its_file_is_found(out):
    path = out / "manifest.jsonl"
    if Manifest.open(out).header.storage == "png":
        pytest.skip("one image per file")
    lines = path.read_bytes().splitlines(keepends=True)
    row = json.loads(lines[1])
    row["offset"] += 1
    lines[1] = json.dumps(row).encode() + b"\n"
    path.write_bytes(b"".join(lines))
    assert "was altered at image" in find_faults(out)[0]


def test_rows_of_one_file_that_are_apart_are_found(out):
    path = out / "manifest.jsonl"
    header, *rows, footer, mac = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([header, rows[0], *rows[2:], rows[1], footer, mac]))
    if Manifest.open(out).header.storage == "png":
        assert find_faults(out) == ()
    else:
        assert any("is listed twice" in fault for fault in find_faults(out))


def test_damaged_manifests_are_one_fault(out, key):
    path = out / "manifest.jsonl"
    content = path.read_bytes()
    for damaged in (b"", content[:100], content[: len(content) // 2], content + content):
        path.write_bytes(damaged)
        assert len(find_faults(out)) >= 1
        assert len(find_faults(out, key=key)) == 1


def test_a_plain_folder_cannot_be_verified(pets):
    with pytest.raises(UsageError, match=r"no manifest\.jsonl"):
        find_faults(pets)
