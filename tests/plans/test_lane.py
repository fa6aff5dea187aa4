import runpy
from dataclasses import FrozenInstanceError
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings

from pixelveil.errors import UsageError
from pixelveil.plans import LanePlan

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("plan_cases.py"))))


def test_one_map_may_be_given_bare():
    image = np.array([[[10, 20, 30]]], np.uint8)
    assert LanePlan(source=[2, 0, 1]).apply(image).tolist() == [[[30, 10, 20]]]
    assert LanePlan(flip=[0, 255, 1]).apply(image).tolist() == [[[10, 235, 31]]]


def test_count_is_the_number_of_images_of_the_largest_part():
    lanes = np.tile(np.arange(3), (5, 1, 1))
    assert LanePlan(source=[2, 0, 1]).count == 1
    assert LanePlan(source=lanes).count == 5
    assert LanePlan(flip=np.zeros((5, 1, 3), np.uint8)).count == 5
    assert LanePlan(source=[2, 0, 1], block_size=1, block_order=np.zeros((5, 4), int)).count == 5
    assert LanePlan(source=[[0, 1, 2], [2, 1, 0]], block_size=1, choice=np.zeros((5, 4), int)).count == 5


@pytest.mark.parametrize(
    ("lanes", "lane", "expected"), [(27, "byte", 3), (16, "byte", 4), (24, "nibble", 2), (8, "nibble", 2)]
)
def test_block_size_follows_from_the_lanes_where_blocks_are_ordered(lanes, lane, expected):
    plan = LanePlan(source=np.arange(lanes), block_order=[1, 0], lane=lane)
    assert plan.block_size == (expected, expected)


def test_a_plan_cannot_be_changed_and_is_no_value():
    plan, twin = LanePlan(source=[0]), LanePlan(source=[0])
    with pytest.raises(FrozenInstanceError):
        plan.source = twin.source
    assert plan != twin


def test_repr_says_the_shape_and_nothing_of_the_content():
    rng = np.random.default_rng(0)
    order = rng.permutation(196)
    plan = LanePlan(source=rng.permutation(768), flip=rng.integers(0, 256, 768), block_size=16, block_order=order)
    assert repr(plan) == str(plan) == "LanePlan(byte lanes, blocks of 16x16, scrambled, count=1, maps=1)"
    assert repr(LanePlan(source=[0])) == "LanePlan(byte lanes, whole image, count=1, maps=1)"


@pytest.mark.parametrize("channels", [1, 3])
def test_material_in_weight_order_moves_what_a_reordered_block_would(channels):
    """Flatten "chw": the map acts on blocks flattened as a convolution flattens them."""
    rng = np.random.default_rng(channels)
    source, flip = rng.permutation(4 * channels), rng.integers(0, 256, 4 * channels, dtype=np.uint8)
    image = cases.random_images(rng, 1, (2, 2, channels))[0]
    plan = LanePlan(source=source, flip=flip, block_size=2, flatten="chw")
    expected = image.transpose(2, 0, 1).reshape(-1)[source] ^ flip
    np.testing.assert_array_equal(plan.apply(image).transpose(2, 0, 1).reshape(-1), expected)


@given(cases.lane_cases(lanes=("byte",), blocks=((1, 1), (2, 2), (3, 2))))
@settings(max_examples=30, deadline=None)
def test_weight_order_is_a_renumbering(case):
    """A "chw" plan of images is the "hwc" plan of the same numbers, seen through the two flatten orders."""
    arguments, images = case
    high, wide = arguments["block_size"]
    count, height, width, channels = images.shape

    def swapped(pictures, first, second):
        """Write each block's values, read in one order, back in the other."""
        grid = pictures.reshape(count, height // high, high, width // wide, wide, channels).transpose(0, 1, 3, 2, 4, 5)
        flat = grid.transpose(0, 1, 2, 5, 3, 4) if first == "chw" else grid
        flat = flat.reshape(*flat.shape[:3], -1)
        shaped = (
            flat.reshape(*flat.shape[:3], channels, high, wide).transpose(0, 1, 2, 4, 5, 3)
            if second == "chw"
            else flat.reshape(*flat.shape[:3], high, wide, channels)
        )
        return shaped.transpose(0, 1, 3, 2, 4, 5).reshape(images.shape)

    expected = swapped(LanePlan(**arguments).apply(swapped(images, "chw", "hwc")), "hwc", "chw")
    np.testing.assert_array_equal(LanePlan(**arguments, flatten="chw").apply(images), expected)


REFUSED = {
    "a plan needs a source, a flip, or both": {},
    "a lane is a 'byte' or a 'nibble', not 'bit'": {"source": [0], "lane": "bit"},
    "source must hold numbers 0 to 2": {"source": [0, 1, 3]},
    "source must hold numbers 0 to 1": {"source": [0, -1]},
    "source must be integers of one to three axes": {"source": [0.5]},
    "source must be integers of one to three axes, not int64 ()": {"source": 0},
    "flip must be integers of one to three axes": {"flip": [[[[0]]]]},
    "flip must hold bytes, 0 to 255": {"flip": [0, 256]},
    "flip must hold bytes": {"flip": [-1]},
    "nibble lanes come in pairs and flip by 0 to 15": {"source": [0, 1, 2], "lane": "nibble"},
    "nibble lanes come in pairs and flip": {"flip": [0, 16], "lane": "nibble"},
    "source has 3 lanes, flip 2": {"source": [0, 1, 2], "flip": [0, 0]},
    "source has 2 maps, flip 3": {"source": [[0], [0]], "flip": [[0], [0], [0]]},
    "several in-block maps need a choice": {"source": [[0], [0]], "block_size": 1},
    "choice must hold numbers 0 to 1": {"source": [[0], [0]], "choice": [0, 2]},
    "choice must hold numbers 0 to 0": {"source": [0], "choice": [-1]},
    "choice must be integers (N,) or (n, N)": {"source": [0], "choice": [0.0]},
    "choice must be integers (N,) or (n, N), not int64 (1, 1, 1)": {"source": [0], "choice": [[[0]]]},
    "block_order must hold numbers 0 to 1": {"source": [0], "block_order": [0, 2]},
    "block_order must hold numbers 0 to 0": {"source": [0], "block_order": [-1]},
    "block_order must be integers (N,) or (n, N)": {"source": [0], "block_order": [0.0]},
    "block_order must be integers": {"source": [0], "block_order": 0},
    "block_order is for 2 blocks, choice for 3": {"source": [0], "block_order": [0, 1], "choice": [0, 0, 0]},
    "the grid has 4 blocks, the block order 3": {"source": [0], "block_order": [0, 1, 2], "grid": (2, 2)},
    "the grid has 4 blocks, the choice 3": {"source": [0], "choice": [0, 0, 0], "grid": (2, 2)},
    "parts are for different numbers of images: [2, 3]": {
        "source": np.zeros((2, 1, 1), int),
        "flip": np.zeros((3, 1, 1), int),
    },
    "6 values are no square block": {"source": np.arange(6), "block_order": [0]},
    "a block of 0x0 pixels is empty": {"source": [0], "block_size": 0},
    "5 lanes are no block of 2x2": {"source": np.arange(5), "block_size": 2},
    "12 lanes are no block of 2x2": {"source": np.arange(12), "block_size": 2, "lane": "nibble"},
    "only byte lanes in blocks": {"source": [0, 1], "lane": "nibble", "block_size": 1, "flatten": "chw"},
    "only byte lanes in blocks can be": {"source": [0, 1, 2], "flatten": "chw"},
    "flatten must be 'hwc' or 'chw', not 'whc'": {"source": [0, 1, 2], "block_size": 1, "flatten": "whc"},
}


@pytest.mark.parametrize(("message", "arguments"), REFUSED.items(), ids=lambda item: item if type(item) is str else "")
def test_parts_that_do_not_fit_are_refused(message, arguments):
    with pytest.raises(UsageError) as caught:
        LanePlan(**arguments)
    assert message in str(caught.value)
