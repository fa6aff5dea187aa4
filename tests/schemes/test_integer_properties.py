import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("integer_properties.py"))))

every_scheme = pytest.mark.parametrize("scheme", checks.integer_schemes(), ids=checks.name_of)


@every_scheme
def test_folded_values_stay_or_are_declared_not_to(scheme):
    checks.check_fold(scheme)


@every_scheme
def test_plans_are_affine_in_blocks_or_declared_not_to_be(scheme):
    checks.check_affine(scheme)


@every_scheme
def test_jpeg_does_as_much_harm_as_declared(scheme):
    checks.check_jpeg(scheme)


@every_scheme
def test_odd_sizes_are_padded_by_replication(scheme):
    checks.check_padding(scheme)
