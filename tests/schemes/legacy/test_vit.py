"""Block-wise encryption with public keys gives what the scripts give."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.schemes import create_scheme

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("legacy_cases.py"))))
IMAGES, SMALL, public, vit = cases.IMAGES, cases.SMALL, cases.public, cases.vit


@pytest.mark.parametrize("modern", [False, True])
def test_vit_scripts(modern):
    key_1, key_2 = vit.vit_keys(8, 32, 48, 7, modern=modern)
    asset = cases.seeded("vit-permutation", rng="numpy-generator" if modern else "numpy", block_size=8, invert=False)
    encrypted = cases.encrypt(IMAGES, "vit-permutation", asset, block_size=8, invert=False)
    np.testing.assert_array_equal(encrypted, vit.vit_scramble(IMAGES, key_1, key_2, 8))


def test_vit_scripts_with_a_mask():
    key_1, key_2 = vit.vit_keys(16, 32, 48, 7)
    mask = np.random.default_rng(1).integers(0, 2, 768)
    asset = cases.given("vit-permutation", {"key_1": key_1, "key_2": key_2, "mask": mask})
    flipped = np.tile((mask * 255).reshape(3, 16, 16).transpose(1, 2, 0), (2, 3, 1)).astype(np.uint8)
    expected = vit.vit_scramble(IMAGES, key_1, key_2) ^ flipped
    np.testing.assert_array_equal(cases.encrypt(IMAGES, "vit-permutation", asset), expected)


@pytest.mark.parametrize(("variant", "per_block"), [("V1", False), ("V2", True)])
def test_cfe(variant, per_block):
    asset = cases.seeded("vit-compressible", rng="numpy-generator", per_block=per_block)
    encrypted = cases.encrypt(IMAGES, "vit-compressible", asset, per_block=per_block)
    np.testing.assert_array_equal(encrypted, [vit.cfe_scramble(image, 7, variant) for image in IMAGES])


def test_a_legacy_plan_is_absorbed_like_any_other():
    asset = cases.seeded("vit-permutation", invert=False)
    plan = create_scheme("vit-permutation", asset=asset, invert=False).legacy_plan(shape=(32, 48, 3))
    np.testing.assert_allclose(plan.to_affine().apply(IMAGES.astype(float)), plan.apply(IMAGES))
