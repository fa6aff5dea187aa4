"""The reference of plans on cases small enough to check by eye."""

import runpy
from pathlib import Path
from types import SimpleNamespace

ref = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("plan_reference.py"))))

# Two rows of four pixels of one channel.
IMAGE = [[[1], [2], [3], [4]], [[5], [6], [7], [8]]]


def test_blocks_are_numbered_row_by_row_and_flattened_in_row_column_channel_order():
    assert ref.cut(IMAGE, (2, 2)) == [[1, 2, 5, 6], [3, 4, 7, 8]]
    assert ref.cut(IMAGE, (1, 2)) == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert ref.cut([[[1, 2, 3], [4, 5, 6]]], (1, 1)) == [[1, 2, 3], [4, 5, 6]]
    for block in ((1, 1), (1, 2), (2, 2), (2, 4)):
        assert ref.paste(ref.cut(IMAGE, block), shape=(2, 4, 1), block=block) == IMAGE


def test_lanes_are_gathered_and_flipped_and_blocks_gathered():
    result = ref.apply_lanes(IMAGE, source=[[3, 0, 1, 2]], flip=[[0, 0, 255, 0]], block=(2, 2), order=[1, 0])
    assert result == [[[8], [3], [6], [1]], [[4 ^ 255], [7], [2 ^ 255], [5]]]


def test_maps_are_chosen_by_the_output_block():
    maps, flips = [[0, 1, 2, 3], [3, 2, 1, 0]], [[0] * 4, [0] * 4]
    result = ref.apply_lanes(IMAGE, source=maps, flip=flips, block=(2, 2), order=[1, 0], choice=[1, 0])
    assert result == [[[8], [7], [1], [2]], [[4], [3], [5], [6]]]


def test_half_bytes():
    """Lanes 0, 1 are the low halves, 2, 3 the high ones."""
    result = ref.apply_lanes([[[0x12], [0xAB]]], source=[[2, 3, 0, 1]], flip=[[0, 0, 15, 0]], lane="nibble")
    assert result == [[[0xD1], [0xBA]]]


def test_affine():
    result = ref.apply_affine(
        IMAGE, matrix=[[[2]], [[1]], [[1]], [[1]]] * 2, offset=[[0.5]], side=1, order=range(7, -1, -1)
    )
    assert result == [[[16.5], [7.5], [6.5], [5.5]], [[8.5], [3.5], [2.5], [1.5]]]
