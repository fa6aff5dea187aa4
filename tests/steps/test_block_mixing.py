import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.steps.block_mixing import BlockMixing, replace_blocks

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("step_cases.py"))))
ref = SimpleNamespace(**runpy.run_path(str(Path(__file__).resolve().parents[1] / "reference" / "mixing_reference.py")))


@given(st.data())
def test_blocks_are_replaced_as_the_reference_does(data):
    height, width, channels = (data.draw(st.integers(*bounds)) for bounds in ((1, 7), (1, 9), (1, 3)))
    rows, columns = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
    images, pool = cases.images_of(2, (height, width, channels)), cases.images_of(3, (height, width, channels), seed=1)
    size = 2 * rows * columns
    donor = np.array(data.draw(st.lists(st.integers(-1, 2), min_size=size, max_size=size))).reshape(2, rows, columns)
    expected = [
        ref.replace_blocks(image, pool.tolist(), grid)
        for image, grid in zip(images.tolist(), donor.tolist(), strict=True)
    ]
    before = images.copy()
    np.testing.assert_array_equal(replace_blocks(images, pool=pool, donor=donor), np.array(expected))
    np.testing.assert_array_equal(images, before)


def mixed(count, *, probability=0.5, donors=10, rows=2, columns=8, members=30):
    """What becomes of images of zeros: the number of the donor, from 1, in each block; 0 where it is its own."""
    pool = np.broadcast_to(np.arange(1, members + 1, dtype=np.uint8)[:, None, None, None], (members, rows, columns, 1))
    step = BlockMixing(rows=rows, columns=columns, donors=donors, probability=probability, pool=pool)
    plan = step.plan(material=KeyMaterial.ephemeral(count), role="r", shape=(rows, columns, 1))
    return plan.apply(np.zeros((count, rows, columns, 1), np.uint8)).reshape(count, rows * columns)


@pytest.mark.parametrize("probability", [0.5, 0.1, 1.0])
def test_as_many_blocks_are_replaced_as_is_said(probability):
    """48,000 blocks: five standard deviations."""
    rate = np.mean(mixed(3000, probability=probability) > 0)
    assert abs(rate - probability) <= 5 * math.sqrt(probability * (1 - probability) / 48_000)


def test_donors_are_few_in_an_image_and_all_in_many():
    made = mixed(2000, donors=3)
    assert all(len(set(row) - {0}) <= 3 for row in made.tolist())
    assert any(len(set(row) - {0}) == 3 for row in made.tolist())
    counts = np.bincount(made.ravel(), minlength=31)[1:]
    # Blocks of an image share donors, so counts vary more than those of single draws would: 8 blocks at once.
    assert np.abs(counts - counts.mean()).max() < 5 * math.sqrt(8 * counts.mean())


def test_what_does_not_fit_is_refused():
    step = BlockMixing(rows=2, columns=2, donors=1, pool=cases.images_of(1, (4, 4, 3)))
    with pytest.raises(UsageError, match="those of the pool 4x4"):
        step.plan(material=cases.material_for(1), role="r", shape=(6, 4, 3))
    with pytest.raises(UsageError, match="a grid of 2 x 2 blocks does not fit images of 1x4"):
        step.output_shape((1, 4, 3))
    with pytest.raises(UsageError, match="needs a pool"):
        BlockMixing(rows=2, columns=2, donors=1).plan(material=cases.material_for(1), role="r", shape=(4, 4, 3))
    assert BlockMixing(rows=2, columns=2, donors=1).key_bits(shape=(4, 4, 3)) == 0
