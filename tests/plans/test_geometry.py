import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelveil.errors import UsageError
from pixelveil.plans.geometry import (
    BlockGrid,
    block_pair,
    flatten_order,
    infer_channels,
    join_blocks,
    split_blocks,
)

ref = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "reference" / "plan_reference.py")))

SIDES = st.integers(1, 4)


@st.composite
def grids(draw):
    block = (draw(SIDES), draw(SIDES))
    return BlockGrid(height=block[0] * draw(SIDES), width=block[1] * draw(SIDES), channels=draw(SIDES), block=block)


@given(grids())
def test_offsets_say_where_the_reference_finds_each_value(grid):
    flat = np.arange(grid.height * grid.width * grid.channels)
    image = flat.reshape(grid.height, grid.width, grid.channels)
    expected = np.array(ref.cut(image.tolist(), grid.block))
    assert (grid.blocks, grid.lanes) == expected.shape
    assert (grid.rows * grid.columns, grid.rows) == (grid.blocks, grid.height // grid.block[0])
    np.testing.assert_array_equal(grid.block_offsets()[:, None] + grid.lane_offsets(), expected)
    assert grid.block_offsets().dtype == grid.lane_offsets().dtype == np.uint32


@given(grids(), st.integers(0, 3))
def test_split_is_the_reference_and_join_undoes_it(grid, count):
    shape = (grid.height, grid.width, grid.channels)
    images = np.arange(count * np.prod(shape)).reshape(count, *shape)
    blocks = split_blocks(images, block=grid.block)
    assert blocks.shape == (count, grid.blocks, grid.lanes)
    for image, cut in zip(images, blocks, strict=True):
        assert cut.tolist() == ref.cut(image.tolist(), grid.block)
    np.testing.assert_array_equal(join_blocks(blocks, shape=shape, block=grid.block), images)


@given(grids())
def test_flatten_order_is_that_of_a_convolution_weight(grid):
    """A value's place in (channel, row, column) order, looked up at each place in (row, column, channel) order."""
    shape = (*grid.block, grid.channels)
    order = flatten_order(block=grid.block, channels=grid.channels, flatten="chw")
    block = np.arange(grid.lanes).reshape(shape)
    as_in_a_weight = block.transpose(2, 0, 1).reshape(-1)
    np.testing.assert_array_equal(as_in_a_weight[order], block.reshape(-1))
    straight = flatten_order(block=grid.block, channels=grid.channels, flatten="hwc")
    np.testing.assert_array_equal(straight, np.arange(grid.lanes))


def test_unknown_flatten_order_is_refused():
    with pytest.raises(UsageError, match="'hwc' or 'chw', not 'whc'"):
        flatten_order(block=(2, 2), channels=3, flatten="whc")


@pytest.mark.parametrize(("height", "width"), [(5, 4), (4, 5)])
def test_blocks_that_do_not_divide_are_refused(height, width):
    with pytest.raises(UsageError, match=f"blocks of 2x2 do not divide an image of {height}x{width}"):
        BlockGrid(height=height, width=width, channels=3, block=(2, 2))


def test_block_pair_takes_a_side_or_a_pair():
    assert block_pair(3) == (3, 3)
    assert block_pair((2, 5)) == (2, 5)


@pytest.mark.parametrize("size", [0, -1, (0, 3), (3, 0)])
def test_empty_blocks_are_refused(size):
    with pytest.raises(UsageError, match="is empty"):
        block_pair(size)
    if isinstance(size, tuple):
        with pytest.raises(UsageError, match="is empty"):
            BlockGrid(height=6, width=6, channels=3, block=size)


@pytest.mark.parametrize("side", range(1, 40))
def test_channels_follow_from_the_size_of_a_square_block(side):
    assert infer_channels(3 * side * side) == 3
    assert infer_channels(side * side) == 1


@pytest.mark.parametrize("lanes", [2, 5, 6, 24])
def test_sizes_of_no_square_block_are_refused(lanes):
    with pytest.raises(UsageError, match=f"{lanes} values are no square block"):
        infer_channels(lanes)
