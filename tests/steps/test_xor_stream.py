import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.steps import XorStream

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("step_cases.py"))))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("shape", [(5, 7, 3), (1, 1, 1), (16, 16, 1)])
def test_every_value_is_xored_with_its_byte(count, shape):
    images = cases.images_of(count, shape)
    stream = cases.stream_of("r", count).bytes(int(np.prod(shape))).reshape(count, *shape)
    plan = XorStream().plan(material=cases.material_for(count), role="r", shape=shape)
    np.testing.assert_array_equal(plan.apply(images), images ^ stream)
    np.testing.assert_array_equal(plan.invert().apply(plan.apply(images)), images)
    assert XorStream().key_bits(shape=shape) == 256


def test_it_is_no_affine_map_of_blocks():
    plan = XorStream().plan(material=cases.material_for(1), role="r", shape=(4, 4, 3))
    with pytest.raises(UsageError):
        plan.to_affine()
    with pytest.raises(UsageError, match="1 or 3 channels"):
        XorStream().key_bits(shape=(4, 4, 2))
