"""The package reproduces every vector of spec/vectors/mixing-v1.json; and these are what their generator writes."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.keys import KeyMaterial
from pixelveil.keys.derive import derive
from pixelveil.schemes import SCHEMES, create_scheme
from pixelveil.schemes.asset import Asset

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))

SPEC = Path(__file__).resolve().parents[2] / "spec"
VECTORS = json.loads((SPEC / "vectors" / "mixing-v1.json").read_text())
SECRET = bytes.fromhex(VECTORS["secret"])

every_case = pytest.mark.parametrize(
    "case", VECTORS["cases"], ids=lambda case: f"{case['scheme']}-{'x'.join(map(str, case['shape']))}"
)


def images_of(rows, shape):
    return np.array([list(bytes.fromhex(row)) for row in rows], np.uint8).reshape(len(rows), *shape)


def scheme_of(case):
    pool = {name: images_of(rows, case["shape"]) for name, rows in case["pool"].items()}
    asset = Asset(scheme=case["scheme"], kind="pool", arrays=pool) if pool else ""
    return create_scheme(case["scheme"], asset=asset, **case["parameters"])


def assert_equal(result, case):
    tolerance = VECTORS["tolerance"].get(case["scheme"])
    if tolerance is None:
        np.testing.assert_array_equal(result, images_of(case["encrypted"], case["shape"]))
    else:
        np.testing.assert_allclose(result.reshape(2, -1), np.array(case["encrypted"]), rtol=0, atol=tolerance)


@every_case
def test_images_are_encrypted_as_specified(case):
    scheme, plain = scheme_of(case), images_of(case["plain"], case["shape"])
    assert case["digest"] in (None, scheme.digest)
    assert {name: value for name, value in scheme.parameters.items() if name != "asset"} == case["parameters"]
    if scheme.key_policy == "none":
        nonces = np.array([list(bytes.fromhex(nonce)) for nonce in case["nonces"]], np.uint8)
        material = KeyMaterial(subkey=lambda role: derive(SECRET, purpose="ephemeral-plan", role=role), nonces=nonces)
        assert_equal(scheme.plan_from(material, shape=tuple(case["shape"])).apply(plain), case)
        return
    plan = scheme.plan(key=checks.key_of(SECRET), shape=tuple(case["shape"]))
    *ordered, shuffle = plan.parts
    assert shuffle.name == "set-shuffle"
    assert_equal(ordered[0].apply(plain), case)


def test_every_scheme_of_the_family_has_vectors():
    covered = {case["scheme"] for case in VECTORS["cases"]}
    assert covered == {name for name, kind in SCHEMES.items() if kind.family in ("mixing", "decrepit")}


def test_vectors_are_what_their_generator_writes():
    made = runpy.run_path(str(SPEC / "make_mixing_vectors.py"))["VECTORS"]["mixing-v1"]()
    for case, committed in zip(made["cases"], VECTORS["cases"], strict=True):
        assert {**case, "encrypted": None} == {**committed, "encrypted": None}
        if isinstance(case["encrypted"][0], str):
            assert case["encrypted"] == committed["encrypted"]
        else:
            np.testing.assert_allclose(case["encrypted"], committed["encrypted"], rtol=0, atol=2e-6)
    assert {**made, "cases": []} == {**VECTORS, "cases": []}
