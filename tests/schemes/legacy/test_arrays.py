"""Material that does not fit is refused with its reason."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("legacy_cases.py"))))
IMAGES, SMALL, public, vit = cases.IMAGES, cases.SMALL, cases.public, cases.vit


@pytest.mark.parametrize(
    ("name", "arrays", "parameters", "message"),
    [
        ("tanaka-le", {"permutation": np.arange(95)}, {}, "integers"),
        ("tanaka-le", {"permutation": np.zeros(96, int)}, {}, "must be a permutation"),
        ("tanaka-le", {"permutation": np.arange(96), "mask": np.full(96, 2)}, {}, "0 to 1"),
        ("tanaka-le", {"permutation": np.arange(96) - 1}, {}, "0 to 2147483647"),
        ("tanaka-le", {"mask": np.zeros(96, int)}, {}, "no array 'permutation'"),
        ("tanaka-le", {"color": np.arange(96)}, {}, "no array 'color'"),
        ("madono-ele", {"permutations": np.tile(np.arange(96), (95, 1)), "block_order": np.arange(96)}, {}, "integers"),
        ("madono-ele", {"permutations": np.tile(np.arange(96), (96, 1))}, {}, "no array 'block_order'"),
        ("smkk", {"mask": np.zeros(32 * 48 * 3, int)}, {}, "no array 'colors'"),
        ("smkk", {"mask": np.zeros(32 * 48 * 3, int), "colors": np.full(32 * 48, 6)}, {}, "0 to 5"),
        ("vit-permutation", {"key_1": np.arange(768), "key_2": np.arange(6)}, {}, "no array 'mask'"),
        ("vit-permutation", {"key_1": np.arange(768), "mask": np.zeros(768, int)}, {}, "no array 'key_2'"),
        (
            "vit-permutation",
            {"key_1": np.arange(768), "key_2": np.arange(6)},
            {"invert": False, "scramble_blocks": False},
            "an array 'key_2'",
        ),
        ("vit-permutation", {"key_1": np.arange(768)}, {"per_block": True}, "no published script"),
    ],
)
def test_material_that_does_not_fit_is_refused(name, arrays, parameters, message):
    with pytest.raises(UsageError, match=message):
        cases.given(name, arrays, **parameters)
