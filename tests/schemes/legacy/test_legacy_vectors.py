"""The package reproduces spec/vectors/legacy-v1.json; and that is what its generator writes."""

import hashlib
import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from pixelveil.keys import Key
from pixelveil.schemes import create_scheme
from pixelveil.schemes.legacy import LEGACY_PLANS
from pixelveil.schemes.legacy.material import legacy_from_arrays, legacy_from_seed

SPEC = Path(__file__).resolve().parents[3] / "spec"
VECTORS = json.loads((SPEC / "vectors" / "legacy-v1.json").read_text())


def plain_images(shape):
    number = np.arange(2 * int(np.prod(shape)))
    return ((37 * number + 101 * (number // 256) + 11) % 256).astype(np.uint8).reshape(2, *shape)


def name_of(case):
    kind = f"seed {case['seed']} of {case['rng']}" if "seed" in case else "arrays"
    lost = "channels lost" if case["channel_bug"] else ""
    return "-".join([case["scheme"], kind, lost, str(case["parameters"])])


def material_of(case):
    scheme = create_scheme(case["scheme"], **case["parameters"])
    options = {"shape": tuple(case["shape"]), "channel_bug": case["channel_bug"]}
    if "seed" not in case:
        arrays = {name: np.array(values) for name, values in case["arrays"].items()}
        return legacy_from_arrays(scheme, arrays=arrays, **options)
    asset = legacy_from_seed(scheme, seed=case["seed"], rng=case["rng"], **options)
    found = {name: hashlib.sha256(values.astype("<u4").tobytes()).hexdigest() for name, values in asset.arrays.items()}
    assert found == case["arrays"]
    return asset


@pytest.mark.parametrize("case", VECTORS["cases"], ids=name_of)
def test_images_are_encrypted_as_public_programs_do(case):
    scheme, key = create_scheme(case["scheme"], asset=material_of(case), **case["parameters"]), Key.generate(budget=2)
    plain = plain_images(case["shape"])
    encrypted = scheme.encrypt(plain, key=key)
    octets = encrypted.images.tobytes()
    if "seed" in case:
        assert list(octets[:16]) == case["first"]
        assert hashlib.sha256(octets).hexdigest() == case["encrypted_sha256"]
    else:
        assert [image.tobytes().hex() for image in encrypted.images] == case["encrypted"]
    if not case["channel_bug"]:
        np.testing.assert_array_equal(scheme.decrypt(encrypted, key=key), plain)


def test_every_scheme_that_takes_legacy_material_has_vectors():
    assert {case["scheme"] for case in VECTORS["cases"]} == set(LEGACY_PLANS)


def test_vectors_are_what_their_generator_writes():
    assert runpy.run_path(str(SPEC / "make_legacy_vectors.py"))["legacy_vectors"]() == VECTORS
