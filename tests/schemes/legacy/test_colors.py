"""The tables of color codes are those of the specification of the published programs."""

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.schemes.legacy import colors
from pixelveil.schemes.legacy.arrays import LegacyArrays
from pixelveil.steps import COLOR_CODES

# For each code, which channel is written from which, one line of the program after the other.
ETC_LINES = [
    [],
    [(0, 1), (1, 0)],
    [(0, 2), (2, 0)],
    [(1, 2), (2, 1)],
    [(0, 2), (1, 0), (2, 1)],
    [(0, 1), (1, 2), (2, 0)],
]


def run_lines(lines, *, through_views):
    start = [0, 1, 2]
    result = list(start)
    for target, source in lines:
        result[target] = (result if through_views else start)[source]
    return tuple(result)


def test_meant_tables_are_permutations():
    for table in (colors.ETC_CODES, colors.PIXEL_CODES):
        assert sorted(table) == sorted(COLOR_CODES)
    assert colors.PIXEL_CODES == COLOR_CODES


def test_etc_duplicates_follow_from_assigning_through_views():
    assert tuple(run_lines(lines, through_views=False) for lines in ETC_LINES) == colors.ETC_CODES
    assert tuple(run_lines(lines, through_views=True) for lines in ETC_LINES) == colors.ETC_DUPLICATES


def test_pixel_duplicates_follow_from_assigning_through_views():
    lines = [list(enumerate(code)) for code in colors.PIXEL_CODES]
    assert tuple(run_lines(line, through_views=True) for line in lines) == colors.PIXEL_DUPLICATES


@pytest.mark.parametrize("bug", [False, True])
def test_the_switch_chooses(bug):
    material = LegacyArrays(arrays={}, parameters={}, channel_bug=bug, shape=(4, 4, 3), block=4)
    table = colors.color_table(material, meant=colors.ETC_CODES, done=colors.ETC_DUPLICATES)
    np.testing.assert_array_equal(table, colors.ETC_DUPLICATES if bug else colors.ETC_CODES)


def test_gray_images_have_no_colors():
    material = LegacyArrays(arrays={}, parameters={}, channel_bug=False, shape=(4, 4, 1), block=4)
    with pytest.raises(UsageError, match="three channels"):
        colors.color_table(material, meant=colors.ETC_CODES, done=colors.ETC_DUPLICATES)
