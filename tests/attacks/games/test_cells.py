import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelveil import create_scheme
from pixelveil.attacks.games.cells import cells_of
from pixelveil.attacks.games.referee import new_key

MOVING = [
    ("skk", {}),
    ("skk", {"shuffle": "none", "flip": "exact_half"}),
    ("smkk", {}),
    ("tanaka-le", {}),
    ("madono-ele", {}),
    ("etc-color", {"block_size": 8}),
    ("etc-gray", {}),
    ("vit-compressible", {}),
    ("vit-compressible", {"per_block": True}),
    ("vit-permutation", {"block_size": 8}),
    ("vit-permutation", {"block_size": 8, "shuffle": False}),
    ("vit-permutation", {"per_block": True}),
    ("vit-restricted", {"block_size": 8}),
]


@pytest.mark.parametrize(("name", "parameters"), MOVING)
def test_no_key_changes_them(name, parameters, tiles):
    images = tiles[0][:6]
    scheme = create_scheme(name, **parameters)
    for one in [scheme] + ([create_scheme(name, key_policy="ephemeral", **parameters)] if name != "smkk" else []):
        cells = cells_of(one)
        first, second = cells(new_key(one)(images)), cells(new_key(one)(images))
        np.testing.assert_array_equal(first, second)
        assert len(np.unique(first, axis=0)) == len(images)


def test_they_follow_from_the_steps():
    assert cells_of(create_scheme("vit-compressible")).side == 8
    assert cells_of(create_scheme("vit-permutation", shuffle=False)).side == 16
    assert cells_of(create_scheme("madono-ele")).nibbles
    for name in ("xor-stream", "vit-orthogonal", "huang", "skk-g", "svd-wang", "instahide", "neuracrypt"):
        assert cells_of(create_scheme(name)) is None, name


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3, 250]))
@settings(max_examples=25, deadline=None)
def test_of_a_cell_and_its_negative_one_is_taken(seed, top):
    image = np.random.default_rng(seed).integers(0, top, (1, 8, 8, 3)).astype(np.uint8)
    cells = cells_of(create_scheme("etc-color", block_size=4))
    np.testing.assert_array_equal(cells(image), cells(255 - image))
    flipped = image.copy()
    flipped[:, :4, 4:] = 255 - flipped[:, :4, 4:]
    np.testing.assert_array_equal(cells(image), cells(flipped))


def test_another_image_has_others():
    cells = cells_of(create_scheme("skk"))
    image = np.full((1, 4, 4, 3), 10, np.uint8)
    other = image.copy()
    other[0, 1, 1, 1] = 11
    assert (cells(image) != cells(other)).sum() == 1
