import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelveil.schemes.layout import laid_out_shape, lay_back, lay_out

shapes = st.tuples(st.integers(1, 19), st.integers(1, 19), st.sampled_from([1, 3]))
planes = st.sampled_from(["interleaved", "side by side"])


@given(shape=shapes, block=st.integers(1, 8), planes=planes, count=st.integers(0, 3))
def test_it_is_undone_exactly(shape, block, planes, count):
    images = np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)
    laid = lay_out(images, block=block, planes=planes)
    assert laid.shape == (count, *laid_out_shape(shape, block=block, planes=planes))
    np.testing.assert_array_equal(lay_back(laid, shape=shape, planes=planes), images)


@given(shape=shapes, block=st.integers(1, 8))
def test_planes_stand_side_by_side(shape, block):
    """The picture of channel c is the c-th third of the width."""
    images = np.random.default_rng(1).integers(0, 256, (2, *shape), dtype=np.uint8)
    padded = lay_out(images, block=block, planes="interleaved")
    laid = lay_out(images, block=block, planes="side by side")[..., 0]
    np.testing.assert_array_equal(laid, np.concatenate([padded[..., c] for c in range(shape[2])], axis=2))


def test_padding_repeats_the_edge():
    images = np.arange(6, dtype=np.uint8).reshape(1, 2, 3, 1)
    expected = [[0, 1, 2, 2], [3, 4, 5, 5], [3, 4, 5, 5], [3, 4, 5, 5]]
    assert lay_out(images, block=4, planes="interleaved")[0, ..., 0].tolist() == expected


@pytest.mark.parametrize("planes", ["interleaved", "side by side"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_tensors_are_laid_out_as_arrays_are(planes, dtype):
    torch = pytest.importorskip("torch")
    images = np.random.default_rng(2).integers(0, 256, (2, 5, 7, 3)).astype(dtype)
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2)
    laid = lay_out(tensor, block=4, planes=planes)
    expected = lay_out(images, block=4, planes=planes)
    np.testing.assert_array_equal(laid.permute(0, 2, 3, 1).numpy(), expected)
    assert laid.dtype == tensor.dtype
    assert torch.equal(lay_back(laid, shape=(5, 7, 3), planes=planes), tensor)
