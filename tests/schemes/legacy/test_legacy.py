"""A scheme with legacy material is still a scheme."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme
from pixelveil.schemes.legacy import LEGACY_PLANS
from pixelveil.schemes.legacy.material import FORMS

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("legacy_cases.py"))))
IMAGES, SMALL, public, vit = cases.IMAGES, cases.SMALL, cases.public, cases.vit


def test_the_key_does_not_matter_but_is_counted():
    scheme = create_scheme("tanaka-le", asset=cases.seeded("tanaka-le"))
    first, second = (scheme.encrypt(IMAGES, key=Key.generate(budget=9)) for _ in range(2))
    np.testing.assert_array_equal(first.images, second.images)


def test_a_named_asset_is_not_ignored():
    asset, key = cases.seeded("tanaka-le"), Key.generate(budget=9)
    named = create_scheme("tanaka-le", asset=asset.digest)
    assert named.digest == create_scheme("tanaka-le", asset=asset).digest
    assert named.digest != create_scheme("tanaka-le").digest
    with pytest.raises(UsageError, match="needs its asset"):
        named.encrypt(IMAGES, key=key)


def test_per_image_keys_are_refused():
    with pytest.raises(UsageError, match="one for all images"):
        cases.seeded("skk")


def test_other_schemes_take_no_legacy_material():
    with pytest.raises(UsageError, match="takes no legacy material"):
        cases.given("vit-orthogonal", {"": np.arange(768)})


def test_every_scheme_with_a_plan_declares_it():
    assert set(FORMS) == set(LEGACY_PLANS)
    for name in LEGACY_PLANS:
        assert create_scheme(name).asset_kinds == ("legacy",)
