"""Pixel-based encryption with public masks and codes gives what public programs give."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("legacy_cases.py"))))
IMAGES, SMALL, public, vit = cases.IMAGES, cases.SMALL, cases.public, cases.vit


@pytest.mark.parametrize(("name", "parameters"), [("smkk", {}), ("skk", {"key_policy": "shared"})])
def test_pe(name, parameters):
    keep, colors = public.pe_key(32, 48, 7)
    expected = public.pe_scramble_all(IMAGES, keep, colors, true_colors=True)
    np.testing.assert_array_equal(cases.encrypt(IMAGES, name, cases.seeded(name, **parameters), **parameters), expected)
    asset = cases.given(name, {"inv": keep, "colors": colors}, channel_bug=True, **parameters)
    scheme, key = create_scheme(name, asset=asset, **parameters), Key.generate(budget=10)
    encrypted = scheme.encrypt(IMAGES, key=key)
    np.testing.assert_array_equal(encrypted.images, public.pe_scramble_all(IMAGES, keep, colors))
    with pytest.raises(UsageError, match="lose channels"):
        scheme.decrypt(encrypted, key=key)


def test_pe_without_colors():
    keep, _ = public.pe_key(32, 48, 7)
    asset = cases.seeded("smkk", shuffle="none")
    assert list(asset.arrays) == ["mask"]
    expected = public.pe_scramble_all(IMAGES, keep, np.zeros(32 * 48, int))
    np.testing.assert_array_equal(cases.encrypt(IMAGES, "smkk", asset, shuffle="none"), expected)
    gray = IMAGES[..., :1]
    asset = cases.given("smkk", {"mask": np.ones(32 * 48, int)}, images=gray, shuffle="none")
    np.testing.assert_array_equal(cases.encrypt(gray, "smkk", asset, shuffle="none"), 255 - gray)


def test_color_codes_need_colors():
    gray, ones = IMAGES[..., :1], np.zeros(32 * 48, int)
    with pytest.raises(UsageError, match="three channels"):
        cases.given("smkk", {"mask": ones, "colors": ones}, images=gray)
