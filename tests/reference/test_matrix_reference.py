"""The reference of matrix schemes on what can be worked out by hand."""

import math
import runpy
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import pytest

ref = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("matrix_reference.py"))))


def flat(matrix):
    return list(chain.from_iterable(matrix))


def test_a_matrix_of_one_component_is_found_again():
    """(1, 2, 2) (3, 4)^T: one singular value, 3 * 5."""
    x = [[3.0, 4.0], [6.0, 8.0], [6.0, 8.0]]
    left, right = ref.decompose(x)
    assert [abs(value) for value in left[0]] == pytest.approx([5, 10, 10])
    assert [abs(value) for value in right[0]] == pytest.approx([0.6, 0.8])
    assert left[1] == pytest.approx([0, 0, 0], abs=1e-12)
    assert flat(ref.truncate(x, 1, "image")) == pytest.approx(flat(x))
    assert ref.truncate([[-3.0, 0.0], [0.0, 1.0]], 0, "left") == [[3.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize(("height", "width"), [(3, 5), (5, 3)])
def test_all_components_give_the_matrix_and_columns_are_orthogonal(height, width):
    x = [[math.sin(7 * i + 3 * j * j + 1) for j in range(width)] for i in range(height)]
    assert flat(ref.truncate(x, 0, "image")) == pytest.approx(flat(x), abs=1e-12)
    left = ref.truncate(x, 2, "left")
    assert (len(left), len(left[0])) == (height, 2)
    assert math.fsum(a * b for a, b in left) == pytest.approx(0, abs=1e-12)
    assert all(max(column, key=abs) > 0 for column in zip(*left, strict=True))


def test_levels_lie_between_the_percentiles():
    values = [[float(value) for value in range(201)]]
    assert ref.percentile(values[0], 0.5) == 1
    assert ref.percentile(values[0], 99.5) == 199
    quantized = ref.quantize(values, 3)[0]
    assert sorted(set(quantized)) == [1, 100, 199]
    assert (quantized[0], quantized[50], quantized[51], quantized[200]) == (1, 1, 100, 199)
    assert ref.quantize([[4.0, 4.0]], 16) == [[4.0, 4.0]]


def test_a_basis_takes_coordinates_of_centered_rows():
    assert ref.on_basis([[3.0, 5.0]], [[0.6, 0.8], [0.8, -0.6]], [2.0, 3.0], 1) == [[pytest.approx(2.2)]]
