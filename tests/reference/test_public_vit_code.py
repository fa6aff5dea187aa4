"""The renderings of the scripts for Vision Transformers do what the scripts are said to do."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np

public = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("public_vit_code.py"))))

IMAGE = np.random.default_rng(8).integers(0, 256, (32, 48, 3), dtype=np.uint8)


def test_values_are_numbered_as_in_a_convolution_weight():
    key_1, key_2 = np.roll(np.arange(12), -1), np.array([1, 0])
    image = np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3)
    result = public.vit_scramble(image, key_1, key_2, side=2)
    # Place (0, 0) of green comes from place (1, 1) of red plus one: the next number is green (0, 0) of the other block.
    assert result[0, 0, 0, 0] == image[0, 0, 3, 0]
    assert result[0, 1, 1, 0] == image[0, 0, 2, 1]


def test_identity_keys_change_nothing():
    np.testing.assert_array_equal(public.vit_scramble(IMAGE[None], np.arange(768), np.arange(6))[0], IMAGE)


def test_cfe_seeds_have_31_bits_and_some_fall_together():
    folded = [public.cfe_fold(seed, 0x57) for seed in range(1000)]
    assert max(folded) < 2**31
    assert len(set(folded)) == 998


def test_cfe_variants():
    one, each = public.cfe_scramble(IMAGE, 5, "V1"), public.cfe_scramble(IMAGE, 5, "V2")
    assert not np.array_equal(one, each)
    folded = [np.sort(np.abs(result - 127.5), axis=None) for result in (IMAGE, one, each)]
    np.testing.assert_array_equal(folded[0], folded[1])
    np.testing.assert_array_equal(folded[0], folded[2])


def test_cfe_gives_equal_main_blocks_one_key_in_the_first_variant():
    flat = np.tile(IMAGE[:16, :16], (2, 3, 1))
    blocks = public.cfe_scramble(flat, 5, "V1").reshape(2, 16, 3, 16, 3).swapaxes(1, 2).reshape(6, -1)
    assert len(np.unique(blocks, axis=0)) == 1
    blocks = public.cfe_scramble(flat, 5, "V2").reshape(2, 16, 3, 16, 3).swapaxes(1, 2).reshape(6, -1)
    assert len(np.unique(blocks, axis=0)) == 6
