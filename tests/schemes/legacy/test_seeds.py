"""Seeds give what the programs draw from them."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.schemes import create_scheme
from pixelveil.schemes.legacy import seeds
from pixelveil.schemes.legacy.seeds import SeededScheme

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("legacy_cases.py"))))
IMAGES, SMALL, public, vit = cases.IMAGES, cases.SMALL, cases.public, cases.vit


def test_the_mask_of_pe_has_the_value_of_each_program():
    """NumPy's older generator: 0 inverts (SIA-GAN). The newer: 1 inverts (ScrambleMix)."""
    generator = np.random.default_rng(7)
    mask, colors = generator.integers(0, 2, size=(32, 48, 3)), generator.integers(0, 6, size=(32, 48))
    asset = cases.seeded("smkk", rng="numpy-generator")
    np.testing.assert_array_equal(asset.arrays["mask"], mask.reshape(-1))
    np.testing.assert_array_equal(asset.arrays["colors"], colors.reshape(-1))


def draw(name, seed, rng, **parameters):
    scheme = create_scheme(name, **parameters)
    asked = SeededScheme(seed=seed, generator=rng, shape=(32, 32, 3), block=scheme.block, parameters=scheme.parameters)
    return seeds.draw(name, asked=asked)


def test_numpy_draws():
    arrays, bits = draw("tanaka-le", 9, "numpy")
    np.testing.assert_array_equal(arrays["permutation"], public.le_key(96, 9))
    assert bits == 32
    arrays, _ = draw("tanaka-le", 9, "numpy-generator")
    np.testing.assert_array_equal(arrays["permutation"], np.random.default_rng(9).permutation(96))


def test_python_draws():
    arrays, _ = draw("madono-ele", 30, "python")
    assert list(arrays) == ["block_order"]
    assert arrays["block_order"][:8].tolist() == [14, 43, 53, 26, 12, 57, 28, 32]
    arrays, _ = draw("etc-color", 30, "python", block_size=4)
    drawn = public.etc_parameters(64, 30)
    assert {name: values.tolist() for name, values in arrays.items()} == drawn
    assert sum(drawn["negaposi"]) == 32


def test_cfe_draws_from_31_bits_and_its_seeds_collide():
    assert draw("vit-compressible", 1, "numpy-generator")[1] == 31
    for seed in (0, 1, 2**31, 2**63):
        for salt in (0x57, 0x35, 0):
            assert seeds._mixed(seed, salt) == vit.cfe_fold(seed, salt)
    assert len({seeds._mixed(seed, 0x57) for seed in range(1000)}) < 1000


def test_long_seeds_count_as_long_as_they_are():
    assert draw("tanaka-le", 2**100, "python")[1] == 101


@pytest.mark.parametrize(
    ("name", "seed", "rng", "message"),
    [
        ("tanaka-le", -1, "python", "not negative"),
        ("tanaka-le", 2**32, "numpy", "32 bits"),
        ("tanaka-le", 1, "matlab", "rng must be"),
        ("etc-color", 1, "numpy", "no public program"),
        ("vit-orthogonal", 1, "numpy", "no public program"),
    ],
)
def test_seeds_that_no_program_takes_are_refused(name, seed, rng, message):
    with pytest.raises(UsageError, match=message):
        draw(name, seed, rng)


def test_every_recipe_makes_material_that_fits():
    for name, rng in seeds.RECIPES:
        parameters = {"skk": {"key_policy": "shared"}, "vit-permutation": {"invert": False}}.get(name, {})
        given = {"keys": np.stack(public.ele_keys(64, 96, 1))} if (name, rng) == ("madono-ele", "python") else None
        asset = cases.seeded(name, images=SMALL, rng=rng, arrays=given, **parameters)
        assert asset.settings["generator"] == rng
