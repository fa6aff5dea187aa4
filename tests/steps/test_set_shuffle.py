import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from pixelveil.steps.set_shuffle import SetShuffle

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("step_cases.py"))))


def test_each_image_keeps_its_rows_in_an_order_of_its_own():
    images = np.repeat(np.random.default_rng(0).normal(size=(1, 6, 7, 5)).astype(np.float32), 4, axis=0)
    plan = SetShuffle().plan(material=cases.material_for(1), role="r", shape=(6, 7, 5))
    made, again = plan.apply(images), plan.apply(images)
    assert made.dtype == np.float32
    rows = sorted(map(tuple, images[0].reshape(-1, 5)))
    assert all(sorted(map(tuple, one.reshape(-1, 5))) == rows for one in (*made, *again))
    assert len({one.tobytes() for one in (*made, *again, images[0])}) == 9


def test_a_row_goes_anywhere():
    """One of three places, 3,000 times: five standard deviations."""
    images = np.repeat(np.arange(3.0).reshape(1, 1, 3, 1), 3000, axis=0)
    made = SetShuffle().plan(material=cases.material_for(1), role="r", shape=(1, 3, 1)).apply(images)
    counts = [(made[:, 0, place, 0] == 0).sum() for place in range(3)]
    assert max(abs(count - 1000) for count in counts) < 5 * np.sqrt(3000 * 2 / 9)
    assert SetShuffle().key_bits(shape=(1, 3, 1)) == 0
