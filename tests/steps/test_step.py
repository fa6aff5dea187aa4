import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.plans import AffinePlan, LanePlan
from pixelveil.steps import (
    BlockRotation,
    BlockScramble,
    ColorShuffle,
    NegativePositive,
    NibbleSplit,
    OrthogonalMixing,
    PixelShuffle,
)
from pixelveil.steps.step import block_grid, log2_factorial

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("step_cases.py"))))

# A key of six codes: two images have the same one in one case of six.
ONE_CODE = ColorShuffle(block_size=None)

STEPS = [
    BlockRotation(block_size=4),
    BlockScramble(block_size=4),
    ColorShuffle(),
    ColorShuffle(block_size=4),
    ONE_CODE,
    NegativePositive(scope="value"),
    NegativePositive(scope="block", block_size=4),
    NegativePositive(scope="mask", block_size=4),
    NibbleSplit(block_size=4),
    NibbleSplit(block_size=4, per_block=True),
    OrthogonalMixing(block_size=4),
    PixelShuffle(block_size=4),
    PixelShuffle(block_size=4, unit="pixel"),
    PixelShuffle(block_size=4, per_block=True),
]


def etc(block):
    """The steps of EtC: scramble, rotate and mirror, invert per block, shuffle the components per block."""
    return (
        BlockScramble(block_size=block),
        BlockRotation(block_size=block),
        NegativePositive(scope="block", block_size=block),
        ColorShuffle(block_size=block),
    )


@pytest.mark.parametrize("step", STEPS, ids=repr)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("count", [1, 3])
def test_every_step_gives_a_plan_that_can_be_undone(step, channels, count):
    shape = (8, 12, channels)
    plan = step.plan(material=cases.material_for(count), role="r", shape=shape)
    assert isinstance(plan, LanePlan | AffinePlan)
    assert plan.count in (1, count)
    images = cases.images_of(count, shape)
    hidden = plan.apply(images)
    np.testing.assert_allclose(plan.invert().apply(hidden), images, atol=1e-3)
    if (channels, step.name) == (1, "color-shuffle"):
        return
    assert plan.count == count
    if step is not ONE_CODE:
        assert (hidden != images).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("step", STEPS, ids=repr)
def test_images_of_one_batch_have_plans_of_their_own(step):
    images, nonces = np.repeat(cases.images_of(1, (8, 8, 3)), 3, axis=0), cases.nonces_of(3)
    plan = step.plan(material=cases.material_for(3), role="r", shape=(8, 8, 3))
    hidden = plan.apply(images)
    for i in range(3):
        alone = cases.KeyMaterial(subkey=cases.subkey, nonces=nonces[i : i + 1])
        single = step.plan(material=alone, role="r", shape=(8, 8, 3)).apply(images[i])
        np.testing.assert_allclose(single, hidden[i], atol=1e-3)
    if step is not ONE_CODE:
        assert len(np.unique(hidden.reshape(3, -1), axis=0)) == 3


@pytest.mark.parametrize("step", [step for step in STEPS if step is not ONE_CODE], ids=repr)
def test_roles_are_labels_of_the_key(step):
    images = cases.images_of(1, (8, 8, 3))
    first, again, other = (
        step.plan(material=cases.material_for(1), role=role, shape=(8, 8, 3)).apply(images) for role in ("a", "a", "b")
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("step", STEPS, ids=repr)
@pytest.mark.parametrize("shape", [(8, 8, 2), (8, 8, 4)])
def test_images_have_one_channel_or_three(step, shape):
    message = f"1 or 3 channels, not {shape[2]}"
    with pytest.raises(UsageError, match=message):
        step.plan(material=cases.material_for(1), role="r", shape=shape)
    with pytest.raises(UsageError, match=message):
        step.key_bits(shape=shape)


@pytest.mark.parametrize("kind", [BlockRotation, BlockScramble, NibbleSplit, OrthogonalMixing, PixelShuffle])
def test_blocks_fit_the_image(kind):
    for call in (
        lambda: kind(block_size=3).plan(material=cases.material_for(1), role="r", shape=(8, 9, 3)),
        lambda: kind(block_size=3).key_bits(shape=(9, 8, 3)),
    ):
        with pytest.raises(UsageError, match="blocks of 3x3 do not divide"):
            call()
    with pytest.raises(UsageError, match="a block of 0x0 pixels is empty"):
        kind(block_size=0).key_bits(shape=(8, 8, 3))


def test_names_are_labels_of_streams_and_never_change():
    assert {step.name for step in STEPS} == {
        "block-rotation",
        "block-scramble",
        "color-shuffle",
        "negative-positive",
        "nibble-split",
        "orthogonal-mixing",
        "pixel-shuffle",
    }


@pytest.mark.parametrize(("shape", "block", "bits"), [((32, 32, 3), 4, 717.4), ((224, 224, 3), 16, 2505.5)])
def test_key_space_of_etc_is_the_published_formula(shape, block, bits):
    """N! 8^N 2^N 6^N: Chuman et al., TIFS 2019."""
    total = sum(step.key_bits(shape=shape) for step in etc(block))
    blocks = shape[0] * shape[1] // block**2
    assert total == pytest.approx(math.log2(math.factorial(blocks)) + blocks * math.log2(8 * 2 * 6))
    assert total == pytest.approx(bits, abs=0.05)


def test_the_steps_of_etc_compose():
    material, images = cases.material_for(2), cases.images_of(2, (8, 12, 3))
    plan, expected = None, images
    for number, step in enumerate(etc(4)):
        following = step.plan(material=material, role=f"{number}", shape=(8, 12, 3))
        expected = following.apply(expected)
        plan = following if plan is None else plan.compose(following)
    np.testing.assert_array_equal(plan.apply(images), expected)
    np.testing.assert_array_equal(plan.invert().apply(expected), images)


@pytest.mark.parametrize("number", [0, 1, 2, 5, 20, 96, 196, 768])
def test_log2_factorial(number):
    assert log2_factorial(number) == pytest.approx(math.log2(math.factorial(number)), abs=1e-9)


def test_block_grid():
    grid = block_grid((8, 12, 3), block_size=4)
    assert (grid.rows, grid.columns, grid.lanes) == (2, 3, 48)
