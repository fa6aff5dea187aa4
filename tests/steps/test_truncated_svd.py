import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.steps import TruncatedSvd
from pixelveil.steps.truncated_svd import peak_signs

HERE = Path(__file__).parent
cases = SimpleNamespace(**runpy.run_path(str(HERE / "step_cases.py")))
matrix = SimpleNamespace(**runpy.run_path(str(HERE.parent / "reference" / "matrix_reference.py")))


def applied(images, **parameters):
    step = TruncatedSvd(**parameters)
    result = step.plan(material=cases.material_for(1), role="r", shape=images.shape[1:]).apply(images)
    assert result.shape[1:] == step.output_shape(images.shape[1:])
    return result


@pytest.mark.parametrize("factor", ["left", "image"])
@pytest.mark.parametrize("components", [0, 1, 3, 9])
@pytest.mark.parametrize("shape", [(6, 5, 3), (4, 7, 1), (1, 3, 3)])
def test_it_is_the_decomposition_of_the_reference(factor, components, shape):
    images = cases.images_of(2, shape)
    result = applied(images.astype(np.float64), components=components, factor=factor)
    for image, found in zip(images, result, strict=True):
        for channel in range(shape[2]):
            expected = matrix.truncate(image[..., channel].astype(float).tolist(), components, factor)
            np.testing.assert_allclose(found[..., channel], expected, atol=1e-9)


@pytest.mark.parametrize("shape", [(32, 32, 3), (33, 47, 1), (224, 224, 3)])
def test_all_components_keep_the_image_and_the_left_factor_its_products_of_rows(shape):
    """``U S (U S)^T = X X^T``: the known weakness of the left factor."""
    images = cases.images_of(1, shape)
    np.testing.assert_allclose(applied(images, components=0, factor="image"), images, atol=1e-3)
    left, plain = applied(images / 1.0, components=0)[0, ..., 0], images[0, ..., 0].astype(np.float64)
    np.testing.assert_allclose(left @ left.T, plain @ plain.T, rtol=1e-9)


def test_columns_fall_in_length_and_their_peaks_are_positive():
    left = applied(cases.images_of(3, (20, 30, 3)) / 1.0, components=8)
    lengths = np.linalg.norm(left, axis=1)
    assert (np.diff(lengths, axis=1) <= 0).all()
    peaks = np.take_along_axis(left, np.abs(left).argmax(axis=1)[:, None], axis=1)
    assert (peaks > 0).all()
    assert peak_signs(np.array([[-2.0, 1.0], [2.0, -0.5]])).tolist() == [[-1.0, 1.0]]


def test_an_image_does_not_depend_on_the_others_of_its_batch():
    images = cases.images_of(5, (33, 20, 3))
    together = applied(images, components=8)
    for number in range(5):
        np.testing.assert_array_equal(applied(images[number : number + 1], components=8)[0], together[number])
    assert applied(images[:0], components=8).shape == (0, 33, 8, 3)
    assert together.dtype == np.float32


def test_what_makes_no_sense_is_refused():
    with pytest.raises(UsageError, match="components must be positive, or 0 for all, not -1"):
        TruncatedSvd(components=-1)
    with pytest.raises(UsageError, match="factor must be 'left' or 'image', not 'right'"):
        TruncatedSvd(components=1, factor="right")
    assert TruncatedSvd(components=4).key_bits(shape=(8, 8, 3)) == 0
