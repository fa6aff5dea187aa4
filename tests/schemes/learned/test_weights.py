import numpy as np
import pytest

from pixelveil.errors import IntegrityError
from pixelveil.schemes.learned.weights import as_tensors, check_weights

SHAPES = {"last/kernel": (2, 3), "norm/variance": (2,)}
GOOD = {"last/kernel": np.ones((2, 3), np.float32), "norm/variance": np.array([0, 1], np.float32)}


def test_what_fits_passes():
    check_weights(GOOD, shapes=SHAPES)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"last/kernel": np.ones((3, 2), np.float32)}, r"float32 \(3, 2\), not float32 \(2, 3\)"),
        ({"last/kernel": np.ones((2, 3))}, r"float64 \(2, 3\), not float32"),
        ({"last/kernel": np.full((2, 3), np.nan, np.float32)}, "no training gives"),
        ({"norm/variance": np.array([1, -1], np.float32)}, "no training gives"),
        ({"more": np.ones(1, np.float32)}, "'more' is unknown"),
    ],
)
def test_what_does_not_fit_is_named(changes, message):
    with pytest.raises(IntegrityError, match=message):
        check_weights(GOOD | changes, shapes=SHAPES)


def test_a_missing_array_is_named():
    with pytest.raises(IntegrityError, match="'norm/variance' is missing"):
        check_weights({"last/kernel": GOOD["last/kernel"]}, shapes=SHAPES)


def test_tensors_do_not_share_memory():
    pytest.importorskip("torch")
    array = np.ones(2, np.float32)
    tensors = as_tensors({"a": array})
    tensors["a"][0] = 5
    assert array.tolist() == [1, 1]


def test_networks_of_no_width_are_refused():
    """They have the right shapes, and no convolution runs with them."""
    with pytest.raises(IntegrityError, match="no training gives"):
        check_weights({"first/kernel": np.empty((0, 3), np.float32)}, shapes={"first/kernel": (0, 3)})
