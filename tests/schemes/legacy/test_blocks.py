"""EtC with the codes of the public program gives what that program gives."""

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


def test_etc_of_the_experiments():
    drawn = public.etc_parameters(64, 30)
    wrong = cases.seeded("etc-color", images=SMALL, seed=30, rng="python", channel_bug=True, block_size=4)
    scheme, key = create_scheme("etc-color", asset=wrong, block_size=4), Key.generate(budget=10)
    encrypted = scheme.encrypt(SMALL, key=key)
    np.testing.assert_array_equal(encrypted.images, public.etc_scramble(SMALL, drawn))
    with pytest.raises(UsageError, match="lose channels"):
        scheme.decrypt(encrypted, key=key)
    with pytest.raises(UsageError, match="no permutation"):
        scheme.plan(key=key, shape=SMALL.shape[1:]).invert()
    right = cases.seeded("etc-color", images=SMALL, seed=30, rng="python", block_size=4)
    expected = public.etc_scramble(SMALL, drawn, true_colors=True)
    np.testing.assert_array_equal(cases.encrypt(SMALL, "etc-color", right, block_size=4), expected)
    assert not np.array_equal(expected, encrypted.images)


def test_etc_of_other_sizes():
    drawn = public.etc_parameters(24, 5)
    asset = cases.seeded("etc-color", seed=5, rng="python", block_size=8)
    expected = public.etc_scramble(IMAGES, drawn, side=8, true_colors=True)
    np.testing.assert_array_equal(cases.encrypt(IMAGES, "etc-color", asset, block_size=8), expected)
