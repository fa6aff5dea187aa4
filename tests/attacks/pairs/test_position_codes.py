import numpy as np
import pytest

from pixelveil import Key, create_scheme
from pixelveil.attacks.pairs.matching import recover_lanes
from pixelveil.attacks.pairs.position_codes import coded_images, images_needed
from pixelveil.attacks.pairs.structure import lane_structure

# Scheme, parameters, side, chosen images.
CASES = [
    ("smkk", {}, 32, 1),
    ("tanaka-le", {}, 8, 1),
    ("tanaka-le", {}, 4, 3),
    ("madono-ele", {}, 32, 3),
    ("madono-ele", {"block_size": 8}, 32, 3),
    ("etc-color", {}, 64, 1),
    ("etc-gray", {}, 64, 1),
    ("vit-permutation", {}, 64, 1),
    ("vit-permutation", {}, 16, 2),
    ("vit-permutation", {"scramble_blocks": False}, 32, 1),
    ("vit-permutation", {"per_block": True}, 64, 2),
    ("vit-restricted", {}, 64, 1),
]


@pytest.mark.parametrize(("name", "parameters", "side", "images"), CASES)
def test_any_key_is_read_off(name, parameters, side, images):
    scheme = create_scheme(name, **parameters)
    structure = lane_structure(scheme, shape=(side, side, 3))
    chosen = coded_images(structure, generator=np.random.default_rng(0))
    assert len(chosen) == images == images_needed(structure)
    plan = scheme.plan(key=Key.generate(), shape=scheme.laid_out_shape((side, side, 3)))
    found = recover_lanes(structure, chosen, plan.apply(chosen))
    probe = np.random.default_rng(1).integers(256, size=chosen.shape, dtype=np.uint8)
    np.testing.assert_array_equal(found.plan.apply(probe), plan.apply(probe))
    assert found.certain == found.explained == 1


def test_symbols_lie_below_the_middle():
    for name, middle in (("vit-permutation", 128), ("smkk", 128)):
        structure = lane_structure(create_scheme(name), shape=(32, 32, 3))
        assert coded_images(structure, generator=np.random.default_rng(0)).max() < middle, name


def test_pixel_keys_are_shown_one_color():
    structure = lane_structure(create_scheme("smkk"), shape=(8, 8, 3))
    chosen = coded_images(structure, generator=np.random.default_rng(0))
    np.testing.assert_array_equal(chosen.reshape(-1, 3), np.tile([0, 1, 2], (64, 1)))


def test_le_effective_permutation_and_reversal():
    structure = lane_structure(create_scheme("tanaka-le"), shape=(4, 12, 3))
    scheme = create_scheme("tanaka-le")
    plan = scheme.plan(key=Key.generate(), shape=(4, 12, 3))
    chosen = coded_images(structure, generator=np.random.default_rng(0))
    found = recover_lanes(structure, chosen, plan.apply(chosen)).plan
    np.testing.assert_array_equal(found.source, plan.source)
    np.testing.assert_array_equal(found.flip, plan.flip)
