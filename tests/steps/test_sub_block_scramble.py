import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.steps import SubBlockScramble

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("step_cases.py"))))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("shape", [(16, 24, 3), (8, 8, 1)])
@pytest.mark.parametrize(("block", "side"), [(8, 4), (8, 2), (4, 4), (2, 1)])
@pytest.mark.parametrize("per_block", [False, True])
def test_sub_blocks_change_places_inside_their_block(count, shape, block, side, per_block):
    images = cases.images_of(count, shape)
    blocks = shape[0] * shape[1] // block**2
    orders = cases.stream_of("r", count).permutations((block // side) ** 2, count=blocks if per_block else 1)
    step = SubBlockScramble(block_size=block, sub_block_size=side, per_block=per_block)
    plan = step.plan(material=cases.material_for(count), role="r", shape=shape)
    inner = (block, block, shape[2])
    for image, hidden, rows in zip(images, plan.apply(images), orders, strict=True):
        expected = [
            cases.image_of(cases.blocks_of(part, side)[rows[number % len(rows)]], inner)
            for number, part in enumerate(cases.blocks_of(image, block))
        ]
        np.testing.assert_array_equal(hidden, cases.image_of(np.stack(expected), shape))
    np.testing.assert_array_equal(plan.invert().apply(plan.apply(images)), images)


@pytest.mark.parametrize(("per_block", "maps"), [(False, 1), (True, 196)])
def test_key_space(per_block, maps):
    step = SubBlockScramble(block_size=16, sub_block_size=8, per_block=per_block)
    assert step.key_bits(shape=(224, 224, 3)) == pytest.approx(maps * math.log2(24))


def test_sub_blocks_must_divide_the_block():
    with pytest.raises(UsageError, match="sub-blocks of 3 pixels do not divide blocks of 16"):
        SubBlockScramble(block_size=16, sub_block_size=3)
