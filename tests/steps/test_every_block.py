import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.steps import (
    BlockRotation,
    BlockScramble,
    ColorShuffle,
    EveryBlock,
    NegativePositive,
    NibbleSplit,
    OrthogonalMixing,
)

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("step_cases.py"))))

STEPS = [
    BlockRotation(block_size=4),
    NegativePositive(scope="block", block_size=4),
    NegativePositive(scope="value"),
    ColorShuffle(block_size=4),
    BlockScramble(block_size=2),
    NibbleSplit(block_size=4, per_block=True),
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_each_block_is_treated_as_the_step_treats_an_image_of_its_size(step, count, channels):
    shape, block = (16, 24, channels), (8, 8, channels)
    every = EveryBlock(step=step, block_size=8)
    images = cases.images_of(count, shape)
    plan = every.plan(material=cases.material_for(count), role="r", shape=shape)
    alone = step.plan(material=cases.material_for(count), role="r", shape=block)
    hidden = plan.apply(images)
    for number in range(6):
        parts = np.stack([cases.blocks_of(image, 8)[number] for image in images])
        got = np.stack([cases.blocks_of(image, 8)[number] for image in hidden])
        np.testing.assert_array_equal(got, alone.apply(parts))
    assert plan.source.shape[1] == 1
    assert plan.choice is None
    assert every.name == step.name
    assert every.key_bits(shape=shape) == step.key_bits(shape=block)


def test_it_composes_to_one_map_with_steps_on_whole_blocks():
    shape = (16, 24, 3)
    steps = [EveryBlock(step=step, block_size=8) for step in STEPS[:2]]
    plans = [step.plan(material=cases.material_for(1), role="r", shape=shape) for step in steps]
    scramble = BlockScramble(block_size=8).plan(material=cases.material_for(1), role="s", shape=shape)
    whole = plans[0].compose(plans[1]).compose(scramble)
    assert (whole.source.shape, whole.block_size, whole.choice) == ((1, 1, 192), (8, 8), None)
    images = cases.images_of(2, shape)
    expected = scramble.apply(plans[1].apply(plans[0].apply(images)))
    np.testing.assert_array_equal(whole.apply(images), expected)
    np.testing.assert_allclose(whole.to_affine().apply(images), expected)


def test_only_rearrangements_fit():
    step = EveryBlock(step=OrthogonalMixing(block_size=4), block_size=4)
    with pytest.raises(UsageError, match="orthogonal-mixing does not rearrange values"):
        step.plan(material=cases.material_for(1), role="r", shape=(8, 8, 3))
