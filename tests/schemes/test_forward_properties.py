"""Every scheme that nobody can undo does what it declares; none is left out."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from pixelveil.schemes import SCHEMES

HERE = Path(__file__).parent
forward = SimpleNamespace(**runpy.run_path(str(HERE / "forward_properties.py")))
checks = forward.checks

every_scheme = pytest.mark.parametrize("scheme", forward.forward_schemes(), ids=forward.name_of)


def test_every_scheme_is_tested_as_reversible_as_forward_only_or_as_trained():
    reversible = {scheme.name for scheme in checks.all_schemes()}
    forward_only = {scheme.name for scheme in forward.forward_schemes()}
    trained = set(forward.trained())
    assert reversible | forward_only | trained == set(SCHEMES)
    assert not reversible & forward_only
    for name in trained:
        assert (HERE / f"test_{name.replace('-', '_')}.py").exists()
    covered = {(scheme.name, scheme.key_policy) for scheme in forward.forward_schemes()}
    assert covered == {(name, policy) for name in forward_only for policy in SCHEMES[name].policies}


@every_scheme
def test_declarations(scheme):
    forward.check_declarations(scheme)


@every_scheme
@pytest.mark.parametrize("kind", checks.KINDS, ids=lambda kind: kind.name)
def test_shapes_and_types(scheme, kind):
    for shape in ((24, 24, 3), (32, 16, 1)):
        if forward.takes(scheme, shape):
            forward.check_shapes_and_types(scheme, kind, shape=shape)


@every_scheme
def test_key_policy_is_as_declared(scheme):
    forward.check_key_policy(scheme)


@every_scheme
def test_plans_are_forward_only(scheme):
    forward.check_plan_is_forward_only(scheme)


@every_scheme
@pytest.mark.parametrize("shape", [(24, 24, 3), (33, 47, 1)])
def test_images_are_independent(scheme, shape):
    if forward.takes(scheme, shape):
        forward.check_images_are_independent(scheme, shape=shape)


@every_scheme
def test_chunks_change_nothing(scheme, monkeypatch):
    forward.check_chunks_change_nothing(scheme, monkeypatch)


@every_scheme
def test_tensors_on_an_accelerator(scheme, monkeypatch):
    torch = pytest.importorskip("torch")
    forward.check_tensors_on_an_accelerator(scheme, torch, monkeypatch)


@every_scheme
@pytest.mark.parametrize("shape", [(32, 32, 3), (224, 224, 3), (33, 47, 1), (5, 9, 3), (3, 3, 3), (1, 4, 3), (1, 1, 1)])
def test_any_size_is_taken_or_refused_beforehand(scheme, shape):
    forward.check_size(scheme, shape=shape)


@every_scheme
@pytest.mark.parametrize("shape", [(32, 32, 3), (224, 224, 3)])
def test_the_usual_sizes_are_taken(scheme, shape):
    assert forward.takes(scheme, shape)


@every_scheme
def test_keys_and_clients_matter(scheme):
    forward.check_keys_and_clients_matter(scheme)


@every_scheme
def test_images_are_counted(scheme):
    forward.check_budget(scheme)


@every_scheme
def test_assets(scheme):
    forward.check_asset(scheme)
