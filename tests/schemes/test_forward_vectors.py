"""The package reproduces every vector of spec/vectors/forward-v1.json; and these are what their generator writes."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from pixelveil.keys import Epoch, EpochRecord, Key, KeyMaterial
from pixelveil.keys.derive import derive
from pixelveil.schemes import SCHEMES, create_scheme
from pixelveil.schemes.asset import Asset

SPEC = Path(__file__).resolve().parents[2] / "spec"
VECTORS = json.loads((SPEC / "vectors" / "forward-v1.json").read_text())
SECRET = bytes.fromhex(VECTORS["secret"])
FAMILIES = ("filtered", "matrix")


def images_of(rows, shape):
    if isinstance(rows[0], str):
        return np.array([list(bytes.fromhex(row)) for row in rows], np.uint8).reshape(len(rows), *shape)
    return np.array(rows, np.float64).reshape(len(rows), *shape)


def name_of(case):
    return "-".join([case["scheme"], *(str(value) for value in case["parameters"].values()), str(case["shape"])])


def scheme_of(case):
    asset = ""
    if case["asset"]:
        arrays = {name: np.array(values) for name, values in case["asset"].items()}
        asset = Asset(scheme=case["scheme"], kind="basis", arrays=arrays)
    return create_scheme(case["scheme"], asset=asset, **case["parameters"])


def key_of(secret):
    fingerprint = derive(secret, purpose="fingerprint")[:16].hex()
    record = EpochRecord(number=1, state="active", fingerprint=fingerprint, budget=99, used=0, created="2026-11-20")
    return Key(epochs=(Epoch(record, root=secret),))


def encrypted_by_the_package(case, plain):
    scheme = scheme_of(case)
    nonces = None if case["nonces"] is None else np.array([list(bytes.fromhex(n)) for n in case["nonces"]], np.uint8)
    if scheme.key_policy == "ephemeral":
        material = KeyMaterial(subkey=lambda role: derive(SECRET, purpose="ephemeral-plan", role=role), nonces=nonces)
        return scheme.plan_from(material, shape=tuple(case["shape"])).apply(plain)
    return scheme.encrypt(plain, key=key_of(SECRET), nonces=nonces, client=case["client"]).images


def assert_equal(result, case):
    expected = images_of(case["encrypted"], case["encrypted_shape"])
    assert result.shape == expected.shape
    tolerance = VECTORS["tolerance"][case["scheme"]]
    np.testing.assert_allclose(result.astype(np.float64), expected.astype(np.float64), rtol=0, atol=tolerance)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=name_of)
def test_images_are_encrypted_as_specified(case):
    scheme, plain = scheme_of(case), images_of(case["plain"], case["shape"])
    assert {**scheme.parameters, "asset": ""} == {**case["parameters"], "asset": ""}
    assert case["digest"] is None or scheme.digest == case["digest"]
    result = encrypted_by_the_package(case, plain)
    assert str(result.dtype) == scheme.output_dtype
    assert_equal(result, case)
    if scheme.output_dtype == "float32":
        fine = encrypted_by_the_package(case, plain / 255.0) * 255.0
        np.testing.assert_allclose(fine, images_of(case["encrypted"], case["encrypted_shape"]), rtol=0, atol=1e-5)


def test_every_scheme_has_vectors_under_every_policy():
    covered = {(case["scheme"], case["parameters"]["key_policy"]) for case in VECTORS["cases"]}
    kinds = [kind for kind in SCHEMES.values() if kind.family in FAMILIES]
    assert covered == {(kind.name, policy) for kind in kinds for policy in kind.policies}


def test_vectors_are_what_their_generator_writes():
    made = runpy.run_path(str(SPEC / "make_forward_vectors.py"))["forward_vectors"]()
    for case, committed in zip(made["cases"], VECTORS["cases"], strict=True):
        assert {**case, "encrypted": None, "asset": None} == {**committed, "encrypted": None, "asset": None}
        assert_equal(images_of(case["encrypted"], case["encrypted_shape"]), committed)
    assert {**made, "cases": []} == {**VECTORS, "cases": []}
