import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.steps import BlockStatistic

HERE = Path(__file__).parent
cases = SimpleNamespace(**runpy.run_path(str(HERE / "step_cases.py")))
filtered = SimpleNamespace(**runpy.run_path(str(HERE.parent / "reference" / "filtered_reference.py")))

STATISTICS = ["median", "mean", "max", "min"]


def applied(images, **parameters):
    step = BlockStatistic(**parameters)
    return step.plan(material=cases.material_for(1), role="r", shape=images.shape[1:]).apply(images)


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("block", [1, 3, 4, 16])
@pytest.mark.parametrize("shape", [(8, 12, 3), (7, 9, 1), (1, 5, 3), (4, 4, 1)])
def test_blocks_are_filled_as_the_reference_fills_them(statistic, block, shape):
    images = cases.images_of(2, shape)
    result = applied(images, statistic=statistic, block_size=block)
    expected = [filtered.fill_blocks(image.tolist(), statistic, block) for image in images]
    np.testing.assert_allclose(result, expected, rtol=1e-6)
    assert result.dtype == np.float32


@pytest.mark.parametrize("statistic", STATISTICS)
def test_halves_are_exact(statistic):
    """They decide where rounding goes: the mean and the median of sixteen bytes are exact in single precision."""
    images = cases.images_of(3, (16, 16, 3))
    single, double = (applied(kind, statistic=statistic, block_size=4) for kind in (images, images.astype(np.float64)))
    assert double.dtype == np.float64
    np.testing.assert_array_equal(single, double)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_an_image_does_not_depend_on_the_others_of_its_batch(statistic):
    images = cases.images_of(5, (13, 11, 3)) / 3.0
    together = applied(images, statistic=statistic, block_size=4)
    for number in range(5):
        np.testing.assert_array_equal(
            applied(images[number : number + 1], statistic=statistic, block_size=4)[0], together[number]
        )
    assert applied(images[:0], statistic=statistic, block_size=4).shape == (0, 13, 11, 3)


def test_what_is_no_statistic_or_no_block_is_refused():
    with pytest.raises(UsageError, match="statistic must be one of median, mean, max, min, not 'mode'"):
        BlockStatistic(statistic="mode", block_size=4)
    with pytest.raises(UsageError, match="block_size must be positive, not 0"):
        BlockStatistic(statistic="mean", block_size=0)
    assert BlockStatistic(statistic="mean", block_size=4).key_bits(shape=(8, 8, 3)) == 0
