import dataclasses
import hmac
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixelveil.data.manifest import MANIFEST, Footer, Header, Manifest, Row, parse_header, to_line, write_manifest
from pixelveil.errors import IntegrityError, UsageError

KEY = bytes(range(32))
HEADER = Header(
    format="pixelveil-dataset/v1",
    tool="pixelveil 0",
    scheme="vit-permutation",
    parameters={"block_size": 4},
    digest="d1",
    key_policy="derived",
    fingerprint="f1",
    epoch=1,
    size=None,
    storage="npy",
    dtype="uint8",
    quality=None,
    subsampling=None,
    shard_size=2,
    classes=("cat", "dog"),
    classes_hidden=False,
    salt="00" * 16,
    source="11" * 32,
)
ROW = Row(
    name="a" * 26,
    group="train",
    label=1,
    nonce="22" * 16,
    shape=(4, 4, 3),
    encrypted_shape=(4, 4, 3),
    file="train/shard-00000.npy",
    index=0,
    offset=128,
    size=48,
    sha256="33" * 32,
)
FOOTER = Footer(images=1, rejected=0, names_sha256="44" * 32)


def write(folder, *lines, key=KEY):
    write_manifest(
        folder / "manifest.jsonl", [line if type(line) is bytes else to_line(line) for line in lines], key=key
    )
    return Manifest.open(folder)


def altered(value, **changes):
    values = {**json.loads(to_line(value)), **changes}
    return json.dumps({name: item for name, item in values.items() if item != "REMOVED"}).encode() + b"\n"


def test_what_was_written_is_read(tmp_path):
    other = dataclasses.replace(ROW, name="b" * 26, label=None, group="")
    manifest = write(tmp_path, HEADER, ROW, other, dataclasses.replace(FOOTER, images=2))
    assert manifest.header == HEADER
    assert list(manifest.rows()) == [ROW, other]
    assert manifest.footer() == dataclasses.replace(FOOTER, images=2)
    manifest.check_mac(key=KEY)


def test_the_mac_is_over_all_lines_before_it(tmp_path):
    manifest = write(tmp_path, HEADER, ROW, FOOTER)
    body = to_line(HEADER) + to_line(ROW) + to_line(FOOTER)
    mac = hmac.digest(KEY, body, "sha256").hex()
    assert (tmp_path / "manifest.jsonl").read_bytes() == body + f'{{"mac":"{mac}"}}\n'.encode()
    assert manifest.mac() == mac


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_no_altered_byte_escapes_the_mac(tmp_path, place, byte):
    manifest = write(tmp_path, HEADER, ROW, FOOTER)
    content = bytearray(manifest.path.read_bytes())
    place %= len(content)
    changed = content[place] != byte
    content[place] = byte
    manifest.path.write_bytes(content)
    if changed:
        with pytest.raises(IntegrityError, match="altered, or made with another key"):
            manifest.check_mac(key=KEY)
    else:
        manifest.check_mac(key=KEY)


def test_another_key_does_not_fit(tmp_path):
    with pytest.raises(IntegrityError, match="another key"):
        write(tmp_path, HEADER, FOOTER).check_mac(key=bytes(32))


@pytest.mark.parametrize(
    "names", [["../x", "dog"], ["..", "dog"], ["", "dog"], ["a\0", "dog"], ["dog", "dog"]], ids=str
)
def test_classes_are_folder_names_all_different(names):
    with pytest.raises(IntegrityError, match="line 1"):
        parse_header(altered(HEADER, classes=names), where="line 1")


CONTRADICTIONS = [
    {"storage": "png", "dtype": "float16"},
    {"storage": "jpeg"},
    {"storage": "jpeg", "quality": 0},
    {"storage": "jpeg", "quality": 101},
    {"storage": "jpeg", "quality": True},
    {"storage": "jpeg", "quality": 90, "subsampling": "4:1:1"},
    {"storage": "jpeg", "quality": 90, "dtype": "float16"},
    {"storage": "jpeg", "quality": 90, "dtype": "scaled8"},
    {"quality": 90},
    {"subsampling": "4:4:4"},
]


@pytest.mark.parametrize("change", CONTRADICTIONS, ids=str)
def test_a_header_does_not_contradict_itself(change):
    with pytest.raises(IntegrityError, match="line 1"):
        parse_header(altered(HEADER, **change), where="line 1")


@pytest.mark.parametrize("subsampling", [None, "4:4:4", "4:2:0"])
def test_a_jpeg_header_is_read(subsampling):
    header = dataclasses.replace(HEADER, storage="jpeg", quality=75, subsampling=subsampling)
    assert parse_header(to_line(header), where="line 1") == header


def test_only_a_kept_key_has_a_budget():
    kept = [dataclasses.replace(HEADER, key_policy=policy).keeps_keys for policy in ("shared", "derived")]
    lost = [dataclasses.replace(HEADER, key_policy=policy).keeps_keys for policy in ("ephemeral", "none")]
    assert (kept, lost) == ([True, True], [False, False])


BAD_HEADERS = {
    "format": "pixelveil-dataset/v2",
    "key_policy": "public",
    "storage": "zip",
    "dtype": "object",
    "size": 0,
    "shard_size": 0,
    "epoch": True,
    "classes": ["cat", 1],
    "salt": "00",
    "source": "ZZ" * 32,
    "parameters": [],
    "tool": "REMOVED",
    "extra": 1,
}


@pytest.mark.parametrize("name", BAD_HEADERS)
def test_a_header_is_parsed_strictly(name):
    with pytest.raises(IntegrityError, match="line 1"):
        parse_header(altered(HEADER, **{name: BAD_HEADERS[name]}), where="line 1")


BAD_ROWS = [
    *(
        {"file": file}
        for file in ("/etc/passwd", "../a", "a/../../b", "", "a//b", "./a", "a/", "a\0b", "\ud800", "a" * 256)
    ),
    *({"name": name} for name in ("A" * 26, "a" * 25, "../../../../../../../../../x")),
    *({"label": label} for label in (2, -1, "cat", 1.0, True)),
    *({"nonce": nonce} for nonce in (None, "22", "ZZ" * 16)),
    *({"shape": shape} for shape in ([4, 4], [4, 4, 0], [4, 4, 3.0], [True, 4, 3], "443")),
    *({"size": size} for size in (0, -1, None, 10**30)),
    *({place: 10**30} for place in ("index", "offset")),
    {"offset": -1},
    {"index": -1},
    {"group": "../train"},
    {"sha256": "33"},
    {"sha256": "REMOVED"},
    {"more": 1},
    {"unit": "REMOVED"},
    {"unit": 1.0, "zero": 0.0},  # the header says that bytes are grey levels
]


@pytest.mark.parametrize("change", BAD_ROWS, ids=str)
def test_a_row_is_parsed_strictly(tmp_path, change):
    with pytest.raises(IntegrityError, match="line 2"):
        list(write(tmp_path, HEADER, altered(ROW, **change), FOOTER).rows())


@given(unit=st.floats(1e-45, 1e35), zero=st.floats(-1e38, 1e38))
def test_scales_are_read_as_they_were_written(tmp_path_factory, unit, zero):
    scaled = dataclasses.replace(HEADER, dtype="scaled8")
    row = dataclasses.replace(ROW, unit=unit, zero=zero)
    assert list(write(tmp_path_factory.mktemp("m"), scaled, row, FOOTER).rows()) == [row]


@pytest.mark.parametrize(
    "change",
    [
        {"unit": None, "zero": None},
        *({"unit": unit} for unit in (None, 0.0, -1.0, 1, "1", float("nan"), float("inf"), 1e38)),
        *({"zero": zero} for zero in (None, 0, float("nan"), float("-inf"), -1e39)),
    ],
    ids=str,
)
def test_a_scale_is_read_strictly(tmp_path, change):
    scaled = dataclasses.replace(HEADER, dtype="scaled8")
    row = dataclasses.replace(ROW, unit=0.5, zero=-3.25)
    with pytest.raises(IntegrityError, match="line 2"):
        list(write(tmp_path, scaled, altered(row, **change), FOOTER).rows())


@pytest.mark.parametrize("line", [b"\n", b"{", b"[]\n", b"null\n", b"\xff\n", b"[" * 9000 + b"\n"], ids=len)
def test_what_is_no_row_is_refused(tmp_path, line):
    with pytest.raises(IntegrityError, match="line 2"):
        list(write(tmp_path, HEADER, line, FOOTER).rows())


def test_a_nonce_stands_there_only_with_a_derived_key(tmp_path):
    shared = dataclasses.replace(HEADER, key_policy="shared")
    with pytest.raises(IntegrityError, match="nonce"):
        list(write(tmp_path, shared, ROW, FOOTER).rows())


def test_missing_extra_and_unfinished_lines_are_seen(tmp_path):
    with pytest.raises(IntegrityError, match="has 0 rows, not 1"):
        list(write(tmp_path, HEADER, FOOTER).rows())
    with pytest.raises(IntegrityError, match="does not end with a MAC"):
        list(write(tmp_path, HEADER, ROW, FOOTER, ROW).rows())
    path = write(tmp_path, HEADER, ROW, FOOTER).path
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]))
    with pytest.raises(IntegrityError, match="ends before its footer"):
        list(Manifest.open(tmp_path).rows())
    path.write_bytes(b"".join(lines) + lines[1])
    with pytest.raises(IntegrityError, match="does not end with a MAC"):
        list(Manifest.open(tmp_path).rows())
    path.write_bytes(lines[0])
    with pytest.raises(IntegrityError, match="ends before its footer"):
        Manifest.open(tmp_path).footer()


def test_a_folder_without_manifest_is_no_encrypted_folder(tmp_path):
    with pytest.raises(UsageError, match="is it an encrypted folder"):
        Manifest.open(tmp_path)
    (tmp_path / ".job").mkdir()
    with pytest.raises(UsageError, match="run the same encrypt command again"):
        Manifest.open(tmp_path)


def test_a_line_without_end_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("pixelveil.data.manifest._LONGEST_LINE", 1000)
    (tmp_path / MANIFEST).write_bytes(b"{" + b" " * 5000)
    with pytest.raises(IntegrityError, match="line of more than 1000 bytes"):
        Manifest.open(tmp_path)
