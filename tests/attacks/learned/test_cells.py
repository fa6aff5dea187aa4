import numpy as np
import pytest

from pixelveil.attacks.learned.cells import Cells, cells_of
from pixelveil.schemes import create_scheme, list_schemes


@pytest.mark.parametrize("name", list_schemes())
@pytest.mark.parametrize("shape", [(32, 32, 3), (30, 48, 1)])
def test_cells_make_up_the_ciphertext_and_the_image(name, shape):
    scheme = create_scheme(name)
    cells = cells_of(scheme, shape)
    assert cells.image_shape == scheme.laid_out_shape(shape)
    assert cells.count * cells.lanes == np.prod(scheme.encrypted_shape(shape))


def test_parts_are_blocks_in_their_order():
    cells = Cells(rows=2, columns=3, taken=(4, 4, 1), given=(4, 4, 1))
    images = np.arange(8 * 12, dtype=np.float32).reshape(1, 8, 12, 1)
    np.testing.assert_array_equal(cells.split_encrypted(images)[0, 4].reshape(4, 4), images[0, 4:, 4:8, 0])
    np.testing.assert_array_equal(cells.join_plain(cells.split_plain(images)), images)


def test_a_grid_that_reads_images():
    cells = cells_of(create_scheme("neuracrypt"), (32, 32, 3))
    assert (cells.taken, cells.given) == ((1, 1, 2048), (16, 16, 3))
    assert cells.of_images().taken == (16, 16, 3)
