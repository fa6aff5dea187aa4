import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.steps import PixelShuffle

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("step_cases.py"))))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("unit", ["value", "pixel"])
@pytest.mark.parametrize("per_block", [False, True])
def test_values_or_pixels_change_places_inside_blocks(count, channels, unit, per_block):
    shape = (8, 12, channels)
    images = cases.images_of(count, shape)
    size = 16 * (channels if unit == "value" else 1)
    keys = cases.stream_of("r", count).permutations(size, count=6 if per_block else 1).swapaxes(0, 1)
    plan = PixelShuffle(block_size=4, unit=unit, per_block=per_block).plan(
        material=cases.material_for(count), role="r", shape=shape
    )
    for i, (image, hidden) in enumerate(zip(images, plan.apply(images), strict=True)):
        blocks = [
            block.reshape(size, -1)[keys[n % len(keys)][i]].reshape(block.shape)
            for n, block in enumerate(cases.blocks_of(image, 4))
        ]
        np.testing.assert_array_equal(hidden, cases.image_of(np.stack(blocks), shape))


@pytest.mark.parametrize(
    ("step", "units", "maps"),
    [
        (PixelShuffle(block_size=16), 768, 1),
        (PixelShuffle(block_size=16, unit="pixel"), 256, 1),
        (PixelShuffle(block_size=16, per_block=True), 768, 196),
    ],
)
def test_key_space(step, units, maps):
    expected = maps * math.log2(math.factorial(units))
    assert step.key_bits(shape=(224, 224, 3)) == pytest.approx(expected, rel=1e-12)


def test_the_shuffle_of_96_values():
    assert PixelShuffle(block_size=4).key_bits(shape=(4, 4, 3)) == pytest.approx(math.log2(math.factorial(48)))
    assert math.log2(math.factorial(96)) == pytest.approx(498.28, abs=0.005)


def test_units_are_checked():
    with pytest.raises(UsageError, match="unit must be 'value' or 'pixel', not 'byte'"):
        PixelShuffle(block_size=4, unit="byte")
