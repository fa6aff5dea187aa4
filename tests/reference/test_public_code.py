"""The renderings of public programs give the known results of those programs."""

import hashlib
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

public = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("public_code.py"))))

IMAGES = np.random.default_rng(8).integers(0, 256, (2, 12, 8, 3), dtype=np.uint8)

# What each color code does, for want of copies, in the program of EtC and in that of PE.
ETC_MAPS = [(0, 1, 2), (1, 1, 2), (2, 1, 2), (0, 2, 2), (2, 2, 2), (1, 2, 1)]
PE_MAPS = [(0, 1, 2), (0, 2, 2), (1, 1, 2), (1, 2, 1), (2, 2, 2), (2, 1, 2)]


def test_le_gives_the_published_vector():
    key = (7 * np.arange(96) + 5) % 96
    block = ((5 * np.arange(48) + 3) % 256).astype(np.uint8).reshape(1, 4, 4, 3)
    result = public.le_scramble(block, key)
    assert result.reshape(-1)[:12].tolist() == [28, 192, 98, 122, 168, 52, 238, 18, 75, 137, 168, 37]
    assert hashlib.sha256(result.tobytes()).hexdigest().startswith("81f01a0f8ffbfd87")


def test_le_reverses_47_of_96():
    key = public.le_key(96, 3)
    assert sorted(key) == list(range(96))
    assert (key > key.size / 2).sum() == 47


def test_le_is_undone_and_the_same_block_by_block():
    key = public.le_key(96, 1)
    scrambled = public.le_scramble(IMAGES, key)
    np.testing.assert_array_equal(public.le_unscramble(scrambled, key), IMAGES)
    np.testing.assert_array_equal(public.le_block_by_block(IMAGES, key), scrambled)


def test_ele_order_of_the_experiments():
    assert public.ele_order(64, 30)[:8] == [14, 43, 53, 26, 12, 57, 28, 32]


def test_ele_is_undone():
    keys, order = public.ele_keys(6, 96, 4), public.ele_order(6, 4)
    np.testing.assert_array_equal(public.ele_unscramble(public.ele_scramble(IMAGES, keys, order), keys, order), IMAGES)


def test_half_of_the_etc_blocks_are_inverted():
    drawn = public.etc_parameters(64, 30)
    assert sum(drawn["negaposi"]) == 32
    assert sorted(drawn["shuffle"]) == list(range(64))


@pytest.mark.parametrize(("code", "expected"), list(enumerate(ETC_MAPS)))
def test_etc_colors_are_lost_as_they_are_published(code, expected):
    drawn = {"rotate": [3], "reverse": [2], "negaposi": [1], "channel": [code], "shuffle": [0]}
    block = np.full((1, 4, 4, 3), (10, 20, 30), np.uint8)
    assert public.etc_scramble(block, drawn)[0, 0, 0].tolist() == [(10, 20, 30)[c] for c in expected]
    assert sorted(public.etc_scramble(block, drawn, true_colors=True)[0, 0, 0].tolist()) == [10, 20, 30]


@pytest.mark.parametrize(("code", "expected"), list(enumerate(PE_MAPS)))
def test_pe_colors_are_lost_as_they_are_published(code, expected):
    pixel = np.array([[[10, 20, 30]]], np.uint8)
    assert public.pe_scramble(pixel, [1, 1, 1], [code])[0, 0].tolist() == [(10, 20, 30)[c] for c in expected]


def test_pe_gives_the_vector_of_the_paper():
    pixel = np.array([[[10, 20, 30]]], np.uint8)
    assert public.pe_scramble(pixel, [0, 1, 0], [3], true_colors=True)[0, 0].tolist() == [20, 225, 245]
