import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.steps import OrthogonalMixing

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("step_cases.py"))))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_each_block_is_multiplied_by_the_matrix_of_its_image(count, channels):
    shape = (8, 12, channels)
    lanes = 16 * channels
    images = cases.images_of(count, shape).astype(np.float64)
    matrices = cases.stream_of("r", count).orthogonal(lanes)
    plan = OrthogonalMixing(block_size=4).plan(material=cases.material_for(count), role="r", shape=shape)
    for image, hidden, matrix in zip(images, plan.apply(images), matrices, strict=True):
        mixed = [(matrix @ block.reshape(lanes)).reshape(block.shape) for block in cases.blocks_of(image, 4)]
        np.testing.assert_allclose(hidden, cases.image_of(np.stack(mixed), shape), atol=1e-9)


def test_lengths_and_distances_stay():
    images = cases.images_of(2, (8, 8, 3)).astype(np.float64)
    hidden = (
        OrthogonalMixing(block_size=4).plan(material=cases.material_for(1), role="r", shape=(8, 8, 3)).apply(images)
    )
    assert np.linalg.norm(hidden) == pytest.approx(np.linalg.norm(images))
    assert np.linalg.norm(hidden[0] - hidden[1]) == pytest.approx(np.linalg.norm(images[0] - images[1]))


def test_key_space_is_that_of_the_key():
    for size in (4, 16):
        assert OrthogonalMixing(block_size=size).key_bits(shape=(32, 32, 3)) == 256
