import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.steps import BlockRotation

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("step_cases.py"))))


def turned(block, code):
    """Code k: a left-right mirror where k is 4 or more, then k mod 4 quarter turns counterclockwise."""
    return np.rot90(np.fliplr(block) if code >= 4 else block, code % 4)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("shape", [(16, 24, 3), (8, 8, 1)])
def test_blocks_are_turned_and_mirrored(count, shape):
    images = cases.images_of(count, shape)
    codes = cases.stream_of("r", count).integers(shape[0] * shape[1] // 16, bound=8)
    plan = BlockRotation(block_size=4).plan(material=cases.material_for(count), role="r", shape=shape)
    expected = [
        cases.image_of(np.stack([turned(b, c) for b, c in zip(cases.blocks_of(image, 4), row, strict=True)]), shape)
        for image, row in zip(images, codes, strict=True)
    ]
    np.testing.assert_array_equal(plan.apply(images), expected)


def test_the_sixteen_published_pairs_give_the_eight_outcomes():
    """Rotation by 0, 90, 180, 270 degrees and inversion by none, horizontal, vertical or both: eight results."""
    block = np.arange(9).reshape(3, 3)
    inversions = (lambda b: b, np.fliplr, np.flipud, lambda b: np.flipud(np.fliplr(b)))
    published = {invert(np.rot90(block, turn)).tobytes() for turn in range(4) for invert in inversions}
    ours = {turned(block, code).tobytes() for code in range(8)}
    assert ours == published
    assert len(ours) == 8
    plan = BlockRotation(block_size=3).plan(material=cases.material_for(1), role="r", shape=(300, 3, 1))
    stack = np.tile(block.astype(np.uint8)[..., None], (100, 1, 1))
    seen = {part.astype(int).tobytes() for part in cases.blocks_of(plan.apply(stack), 3)[..., 0]}
    assert seen == published


def test_key_space_is_three_bits_a_block():
    assert BlockRotation(block_size=4).key_bits(shape=(32, 32, 3)) == 3 * 64
