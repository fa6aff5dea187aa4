import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from pixelveil.plans import ForwardPlan
from pixelveil.steps import Rounding

HERE = Path(__file__).parent
cases = SimpleNamespace(**runpy.run_path(str(HERE / "step_cases.py")))


def test_halves_go_to_the_even_number_and_the_rest_is_clipped():
    values = np.array([-7.0, -0.5, 0.5, 1.5, 2.5, 2.51, 254.5, 255.5, 400.0]).reshape(1, 1, 9, 1)
    plan = Rounding().plan(material=cases.material_for(1), role="r", shape=(1, 9, 1))
    assert isinstance(plan, ForwardPlan)
    result = plan.apply(values)
    assert result.dtype == np.uint8
    assert result.ravel().tolist() == [0, 0, 0, 2, 2, 3, 254, 255, 255]


def test_bytes_stay_and_there_is_no_key():
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    plan = Rounding().plan(material=cases.material_for(1), role="r", shape=(16, 16, 1))
    np.testing.assert_array_equal(plan.apply(images), images)
    assert Rounding().key_bits(shape=(16, 16, 1)) == 0
