import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.steps import BasisProjection
from pixelveil.steps.basis_projection import fit_basis

HERE = Path(__file__).parent
cases = SimpleNamespace(**runpy.run_path(str(HERE / "step_cases.py")))
matrix = SimpleNamespace(**runpy.run_path(str(HERE.parent / "reference" / "matrix_reference.py")))


def images_with_structure(count, shape, seed=1):
    """Rows that vary mostly along few directions, whose variances lie well apart."""
    generator = np.random.default_rng(seed)
    height, width, channels = shape
    directions = np.random.default_rng(0).normal(size=(4, width)) * np.array([[40.0], [20.0], [10.0], [5.0]])
    values = 120 + np.einsum("nhck,kw->nhwc", generator.normal(size=(count, height, channels, 4)), directions)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", [(8, 12, 3), (5, 7, 1)])
def test_a_basis_is_the_right_singular_vectors_of_centered_rows(shape):
    images = images_with_structure(20, shape)
    fitted = fit_basis(images, components=4)
    for channel in range(shape[2]):
        rows = images[..., channel].reshape(-1, shape[1]).astype(np.float64)
        np.testing.assert_allclose(fitted["mean"][channel], rows.mean(axis=0))
        vectors = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)[2][:4].T
        basis = fitted["basis"][channel]
        np.testing.assert_allclose(np.abs((basis * vectors).sum(axis=0)), 1, atol=1e-6)
        np.testing.assert_allclose(basis.T @ basis, np.eye(4), atol=1e-12)
        assert (np.take_along_axis(basis, np.abs(basis).argmax(axis=0)[None], axis=0) > 0).all()


def test_fewer_components_are_the_first_of_more():
    images = images_with_structure(20, (8, 12, 3))
    few, many = (fit_basis(images, components=components)["basis"] for components in (2, 4))
    np.testing.assert_allclose(many[..., :2], few)


@pytest.mark.parametrize("components", [1, 4])
def test_rows_get_the_coordinates_that_the_reference_gives(components):
    fitted = fit_basis(images_with_structure(20, (8, 12, 3)), components=4)
    images = images_with_structure(2, (5, 12, 3), seed=2).astype(np.float64)
    step = BasisProjection(components=components, **fitted)
    result = step.plan(material=cases.material_for(1), role="r", shape=(5, 12, 3)).apply(images)
    assert result.shape == (2, *step.output_shape((5, 12, 3)))
    for number, channel in np.ndindex(2, 3):
        basis, mean = fitted["basis"][channel].tolist(), fitted["mean"][channel].tolist()
        expected = matrix.on_basis(images[number, ..., channel].tolist(), basis, mean, components)
        np.testing.assert_allclose(result[number, ..., channel], expected, atol=1e-9)


def test_an_image_does_not_depend_on_the_others_of_its_batch():
    images = images_with_structure(5, (33, 20, 3))
    step = BasisProjection(components=3, **fit_basis(images, components=4))
    plan = step.plan(material=cases.material_for(1), role="r", shape=(33, 20, 3))
    together = plan.apply(images)
    for number in range(5):
        np.testing.assert_array_equal(plan.apply(images[number : number + 1])[0], together[number])
    assert plan.apply(images[:0]).shape == (0, 33, 3, 3)
    assert together.dtype == np.float32


def test_images_that_the_basis_does_not_fit_are_refused():
    step = BasisProjection(components=2, **fit_basis(images_with_structure(5, (8, 12, 3)), components=2))
    assert step.output_shape((99, 12, 3)) == (99, 2, 3)
    for shape in ((8, 13, 3), (8, 12, 1)):
        with pytest.raises(UsageError, match="the basis is for images 12 pixels wide of 3 channels, not"):
            step.plan(material=cases.material_for(1), role="r", shape=shape)


def test_a_basis_that_is_only_named_tells_shapes_and_no_more():
    step = BasisProjection(components=2)
    assert step.output_shape((8, 13, 1)) == (8, 2, 1)
    with pytest.raises(UsageError, match="the basis is not at hand"):
        step.plan(material=cases.material_for(1), role="r", shape=(8, 13, 1))


def test_what_makes_no_sense_is_refused():
    fitted = fit_basis(images_with_structure(5, (8, 12, 3)), components=2)
    with pytest.raises(UsageError, match="the basis has 2 components, not 3"):
        BasisProjection(components=3, **fitted)
    with pytest.raises(UsageError, match="components must be positive"):
        BasisProjection(components=0)
    with pytest.raises(UsageError, match="a basis comes with its mean"):
        BasisProjection(components=1, basis=fitted["basis"])
    with pytest.raises(UsageError, match=r"a basis \(C, W, K\) with a mean \(C, W\)"):
        BasisProjection(components=1, basis=fitted["basis"], mean=fitted["mean"][:1])
    for components in (0, 13):
        with pytest.raises(UsageError, match=f"have no {components} components"):
            fit_basis(cases.images_of(5, (8, 12, 3)), components=components)
    with pytest.raises(UsageError, match="1 images of 4x12 pixels have no 4 components"):
        fit_basis(cases.images_of(1, (4, 12, 3)), components=4)
    with pytest.raises(UsageError, match=r"images must be \(n, H, W, C\)"):
        fit_basis(cases.images_of(1, (4, 12, 3))[0], components=1)


def test_neither_basis_nor_mean_is_shown():
    step = BasisProjection(components=2, **fit_basis(images_with_structure(5, (8, 12, 3)), components=2))
    assert repr(step) == "BasisProjection(components=2, name='basis-projection')"
    assert step.key_bits(shape=(8, 12, 3)) == 0
