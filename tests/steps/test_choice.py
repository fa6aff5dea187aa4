import math
import runpy
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.steps.choice import check_size, draw_distinct, draw_laplace

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("step_cases.py"))))


@pytest.mark.parametrize(("count", "bound"), [(0, 1), (1, 1), (3, 3), (10, 12), (4, 1000)])
def test_choices_are_different_members(count, bound):
    chosen = draw_distinct(cases.material_for(50), role="r", count=count, bound=bound)
    assert chosen.shape == (50, count)
    assert ((chosen >= 0) & (chosen < bound)).all()
    assert all(len(set(row)) == count for row in chosen.tolist())


def test_all_ordered_choices_are_equally_likely():
    """12 ordered pairs of 4, over 12,000 draws: five standard deviations of chi-square."""
    chosen = draw_distinct(KeyMaterial.ephemeral(12_000), role="r", count=2, bound=4)
    counts = [int((chosen == pair).all(axis=1).sum()) for pair in permutations(range(4), 2)]
    assert sum(counts) == 12_000
    statistic = sum((count - 1000) ** 2 / 1000 for count in counts)
    assert abs(statistic - 11) < 5 * math.sqrt(2 * 11)


def test_laplace_numbers_have_the_law_of_laplace():
    """The empirical distribution of 200,000 numbers is nowhere farther off than by chance one in a million."""
    numbers = np.sort(draw_laplace(cases.stream_of("r", 2), 100_000).ravel())
    law = np.where(numbers < 0, np.exp(numbers) / 2, 1 - np.exp(-np.abs(numbers)) / 2)
    ranks = np.arange(1, len(numbers) + 1) / len(numbers)
    assert np.abs(law - ranks).max() < math.sqrt(math.log(2e6) / (2 * len(numbers)))
    assert np.abs(numbers).max() < 37


def test_images_of_another_size_than_the_pool_are_refused():
    pool = np.zeros((2, 4, 4, 3), np.uint8)
    check_size((4, 4, 3), pool=pool)
    check_size((9, 9, 1), pool=None)
    with pytest.raises(UsageError, match=r"images are 4x5 with 3 channels, those of the pool 4x4 .*--size 4"):
        check_size((4, 5, 3), pool=pool)
    with pytest.raises(UsageError, match="fit another pool"):
        check_size((4, 4, 3), pool=np.zeros((2, 4, 6, 3), np.uint8))
