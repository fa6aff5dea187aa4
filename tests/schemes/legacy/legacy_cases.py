"""Legacy material and images for the tests of this folder, and the programs that it comes from."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from pixelveil.keys import Key
from pixelveil.schemes import create_scheme
from pixelveil.schemes.legacy.material import legacy_from_arrays, legacy_from_seed

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
public = SimpleNamespace(**runpy.run_path(str(REFERENCE / "public_code.py")))
vit = SimpleNamespace(**runpy.run_path(str(REFERENCE / "public_vit_code.py")))

IMAGES = np.random.default_rng(8).integers(0, 256, (3, 32, 48, 3), dtype=np.uint8)
SMALL = IMAGES[:, :32, :32]


def encrypt(images, name, asset, **parameters):
    """Through the whole of the public interface; what comes back must decrypt exactly."""
    scheme, key = create_scheme(name, asset=asset, **parameters), Key.generate(budget=100)
    assert scheme.legacy
    encrypted = scheme.encrypt(images, key=key)
    assert key.remaining == 100 - len(images)
    np.testing.assert_array_equal(scheme.decrypt(encrypted, key=key), images)
    return encrypted.images


def seeded(name, *, images=IMAGES, seed=7, rng="numpy", channel_bug=False, arrays=None, **parameters):
    scheme = create_scheme(name, **parameters)
    return legacy_from_seed(scheme, seed=seed, rng=rng, shape=images.shape[1:], channel_bug=channel_bug, arrays=arrays)


def given(name, arrays, *, images=IMAGES, channel_bug=False, **parameters):
    scheme = create_scheme(name, **parameters)
    return legacy_from_arrays(scheme, arrays=arrays, shape=images.shape[1:], channel_bug=channel_bug)
