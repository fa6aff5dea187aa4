import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.steps import BlockScramble

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("step_cases.py"))))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("shape", [(8, 12, 3), (16, 4, 1)])
def test_block_order_j_moves_to_place_j(count, shape):
    images = cases.images_of(count, shape)
    orders = cases.stream_of("r", count).permutation(shape[0] * shape[1] // 16)
    plan = BlockScramble(block_size=4).plan(material=cases.material_for(count), role="r", shape=shape)
    expected = [
        cases.image_of(np.stack([cases.blocks_of(image, 4)[o] for o in order]), shape)
        for image, order in zip(images, orders, strict=True)
    ]
    np.testing.assert_array_equal(plan.apply(images), expected)


def test_key_space():
    assert BlockScramble(block_size=16).key_bits(shape=(224, 224, 3)) == pytest.approx(
        math.log2(math.factorial(196)), abs=1e-9
    )
    assert BlockScramble(block_size=4).key_bits(shape=(4, 4, 3)) == 0
