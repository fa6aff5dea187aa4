"""The package reproduces every vector of spec/vectors/schemes-v1.json; and these are what their generator writes."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.keys import KeyMaterial
from pixelveil.keys.derive import derive
from pixelveil.schemes import SCHEMES, create_scheme
from pixelveil.schemes.layout import lay_out

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))

SPEC = Path(__file__).resolve().parents[2] / "spec"
VECTORS = json.loads((SPEC / "vectors" / "schemes-v1.json").read_text())
SECRET = bytes.fromhex(VECTORS["secret"])


def images_of(rows, shape):
    if isinstance(rows[0], str):
        return np.array([list(bytes.fromhex(row)) for row in rows], np.uint8).reshape(len(rows), *shape)
    return np.array(rows, np.float64).reshape(len(rows), *shape)


def name_of(case):
    return "-".join([case["scheme"], *(str(value) for value in case["parameters"].values()), str(case["shape"])])


def assert_equal(result, case):
    expected = images_of(case["encrypted"], case["encrypted_shape"])
    np.testing.assert_allclose(result, expected, rtol=0, atol=VECTORS["tolerance"].get(case["scheme"], 0))


every_case = pytest.mark.parametrize("case", VECTORS["cases"], ids=name_of)


@every_case
def test_images_are_encrypted_as_specified(case):
    scheme, plain = create_scheme(case["scheme"], **case["parameters"]), images_of(case["plain"], case["shape"])
    assert (scheme.digest, scheme.parameters) == (case["digest"], case["parameters"])
    nonces = None if case["nonces"] is None else np.array([list(bytes.fromhex(n)) for n in case["nonces"]], np.uint8)
    if scheme.key_policy == "ephemeral":
        material = KeyMaterial(subkey=lambda role: derive(SECRET, purpose="ephemeral-plan", role=role), nonces=nonces)
        prepared = lay_out(plain, block=scheme.block, planes=scheme.planes)
        assert_equal(scheme.plan_from(material, shape=tuple(case["encrypted_shape"])).apply(prepared), case)
        return
    key = checks.key_of(SECRET)
    encrypted = scheme.encrypt(plain, key=key, nonces=nonces, client=case["client"])
    assert_equal(encrypted.images, case)
    np.testing.assert_array_equal(scheme.decrypt(encrypted, key=key), plain)


@every_case
def test_steps_read_the_streams_of_their_roles(case):
    """Each step asks for its own role, or for roles that begin with it."""
    scheme, asked = create_scheme(case["scheme"], **case["parameters"]), []
    material = KeyMaterial(
        subkey=lambda role: asked.append(role) or derive(SECRET, purpose="test", role=role),
        nonces=np.zeros((1, 16), np.uint8),
    )
    scheme.plan_from(material, shape=tuple(case["encrypted_shape"]))
    assert len(asked) == len(set(asked))
    read = [role for role in case["roles"] if case["shape"][2] == 3 or "color" not in role]
    assert [any(role == known or role.startswith(f"{known}/") for role in asked) for known in read] == [True] * len(
        read
    )
    assert all(any(role == known or role.startswith(f"{known}/") for known in case["roles"]) for role in asked)


KEYED = {name: kind for name, kind in SCHEMES.items() if kind.family in ("pixel", "block", "vit", "baseline")}


def test_every_keyed_scheme_has_vectors_under_every_policy():
    covered = {(case["scheme"], case["parameters"]["key_policy"]) for case in VECTORS["cases"]}
    assert covered == {(name, policy) for name, kind in KEYED.items() for policy in kind.policies}


@pytest.mark.parametrize("name", KEYED)
def test_every_keyed_scheme_has_vectors_of_odd_sizes_and_of_gray_images(name):
    shapes = [case["shape"] for case in VECTORS["cases"] if case["scheme"] == name]
    assert any(shape[0] % 2 and shape[2] == 3 for shape in shapes)
    assert any(shape[2] == 1 for shape in shapes)


def test_vectors_are_what_their_generator_writes():
    made = runpy.run_path(str(SPEC / "make_vectors.py"))["VECTORS"]["schemes-v1"]()
    for case, committed in zip(made["cases"], VECTORS["cases"], strict=True):
        assert {**case, "encrypted": None} == {**committed, "encrypted": None}
        assert_equal(images_of(case["encrypted"], case["encrypted_shape"]), committed)
    assert {**made, "cases": []} == {**VECTORS, "cases": []}
