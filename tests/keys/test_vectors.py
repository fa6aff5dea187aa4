"""The package reproduces every test vector of spec/vectors; and the vectors are what their generator writes."""

import hashlib
import json
import runpy
from pathlib import Path
from textwrap import indent

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.keys import Epoch, EpochRecord, KeyMaterial, KeyStream
from pixelveil.keys.derive import derive, label
from pixelveil.keys.keyfile import Wrapping, _seal, parse, unseal

SPEC = Path(__file__).resolve().parents[2] / "spec"
STREAM, DERIVE, KEYFILE = (
    json.loads((SPEC / "vectors" / f"{name}-v1.json").read_text()) for name in ("stream", "derive", "keyfile")
)


def nonces_of(case):
    return np.array([list(bytes.fromhex(nonce)) for nonce in case["nonces"]], np.uint8)


def epoch_of(root, *, number=1, state="active", budget=10_000, used=0, created="2026-11-20"):
    fingerprint = derive(root, purpose="fingerprint")[:16].hex()
    record = EpochRecord(number=number, state=state, fingerprint=fingerprint, budget=budget, used=used, created=created)
    return Epoch(record, root=root)


def name_of(case):
    return "-".join(str(case[part]) for part in ("draw", "size", "bound", "width", "count") if part in case)


@pytest.mark.parametrize("case", STREAM["cases"], ids=name_of)
def test_stream_reproduces_vector(case):
    stream = KeyStream(key=bytes.fromhex(STREAM["key"]), nonces=nonces_of(case))
    options = {name: case[name] for name in ("bound", "width", "count") if name in case}
    result = getattr(stream, case["draw"])(case["size"], **options)
    if "sha256_le32" in case:
        assert hashlib.sha256(result.astype("<u4").tobytes()).hexdigest() == case["sha256_le32"]
    elif case["draw"] in STREAM["tolerance"]:
        np.testing.assert_allclose(result, case["result"], rtol=0, atol=STREAM["tolerance"][case["draw"]])
    else:
        np.testing.assert_array_equal(result, case["result"])


@pytest.mark.parametrize("case", DERIVE["subkeys"], ids=lambda case: case["purpose"])
def test_derive_reproduces_vector(case):
    labels = {name: case[name] for name in ("purpose", "scheme", "client", "role")}
    assert label(**labels) == case["info"].encode()
    assert derive(bytes.fromhex(DERIVE["secret"]), **labels).hex() == case["subkey"]


@pytest.mark.parametrize("labels", DERIVE["refused"], ids=repr)
def test_derive_refuses_vector(labels):
    with pytest.raises(UsageError):
        derive(bytes.fromhex(DERIVE["secret"]), **labels)


@pytest.mark.parametrize("case", DERIVE["plans"]["streams"], ids=lambda case: case["purpose"])
def test_key_material_reproduces_vector(case):
    epoch = epoch_of(bytes.fromhex(DERIVE["secret"]))
    assert epoch.fingerprint == DERIVE["fingerprint"]
    names = {name: DERIVE["plans"][name] for name in ("scheme", "client")}
    if case["purpose"] == "shared-plan":
        material = KeyMaterial.shared(epoch, **names)
    else:
        material = KeyMaterial.derived(epoch, nonces=nonces_of(case), **names)
    result = material.stream(DERIVE["plans"]["role"]).permutation(16)
    np.testing.assert_array_equal(result, case["permutation_16"])


@pytest.mark.parametrize("case", KEYFILE["cases"], ids=lambda case: case["name"])
def test_keyfile_reproduces_vector(case):
    content = case["file"].encode()
    header, _ = parse(content)
    assert (header.log2_n, header.salt.hex(), header.nonce.hex()) == (case["log2_n"], case["salt"], case["nonce"])
    wrapping = Wrapping.of(header, case["passphrase"])
    opened = unseal(content, wrapping=wrapping)
    expected = [
        epoch_of(bytes.fromhex(epoch["root"]), number=number, **{k: v for k, v in epoch.items() if k != "root"})
        for number, epoch in enumerate(case["epochs"], start=1)
    ]
    assert list(opened) == expected
    assert [epoch.subkey(purpose="x") for epoch in opened] == [epoch.subkey(purpose="x") for epoch in expected]
    assert _seal(expected, wrapping=wrapping, nonce=bytes.fromhex(case["nonce"])) == content


def test_specification_shows_a_file_that_opens():
    released = Path(__file__).with_name("released") / "key-v1.txt"
    assert indent(released.read_text(), "    ") in (SPEC / "keyfile-v1.md").read_text()


def without_floats(value):
    """Numbers of the mathematical library may differ in their last digit from one machine to another."""
    if isinstance(value, dict):
        return {name: without_floats(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_floats(item) for item in value]
    return None if isinstance(value, float) else value


@pytest.mark.parametrize(("name", "committed"), [("stream", STREAM), ("derive", DERIVE), ("keyfile", KEYFILE)])
def test_vectors_are_what_their_generator_writes(name, committed):
    make = runpy.run_path(str(SPEC / "make_vectors.py"))["VECTORS"][f"{name}-v1"]
    assert without_floats(make()) == without_floats(committed)
