"""The public names of every package and how they are called, locked in api_surface.json.

A change here is a change for users: write it down in CHANGELOG.md, then rewrite the file with

    UPDATE_API_SURFACE=1 python -m pytest tests/test_api_surface.py
"""

import importlib
import inspect
import json
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCK = Path(__file__).with_name("api_surface.json")
PACKAGES = [
    "pixelveil",
    *sorted(f"pixelveil.{p.parent.name}" for p in (ROOT / "src" / "pixelveil").glob("*/__init__.py")),
]
MODULES = ["pixelveil.errors", "pixelveil.atomic", "pixelveil.transforms", "pixelveil.plans.torch_twin"]
UPDATE = bool(os.environ.get("UPDATE_API_SURFACE"))


def signature_of(thing):
    """How a function or class is called, without the types (mypy checks those)."""
    try:
        signature = inspect.signature(thing)
    except ValueError:
        return "as its base class"
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=plain, return_annotation=inspect.Signature.empty))


def surface_of(thing):
    """What a public name is, and what it offers."""
    if inspect.isclass(thing):
        members = {
            name: _member(inspect.getattr_static(thing, name))
            for name in sorted(dir(thing))
            if not name.startswith("_") and _is_ours(thing, name)
        }
        return {"class": signature_of(thing), **members}
    if inspect.isfunction(thing):
        return signature_of(thing)
    if inspect.ismodule(thing):
        return "module"
    return type(thing).__name__


def _is_ours(kind, name):
    """Whether a member is defined in this package, not in a base class of a library."""
    owner = next(base for base in kind.__mro__ if name in vars(base))
    return owner.__module__.startswith("pixelveil")


def _member(member):
    if isinstance(member, classmethod | staticmethod):
        return signature_of(member.__func__)
    if isinstance(member, property):
        return "property"
    return signature_of(member) if inspect.isfunction(member) else "attribute"


def surface(name):
    module = importlib.import_module(name)
    return {public: surface_of(getattr(module, public)) for public in getattr(module, "__all__", ())}


@pytest.fixture(scope="module")
def locked():
    return json.loads(LOCK.read_text(encoding="utf-8")) if LOCK.exists() else {}


@pytest.mark.parametrize("name", [*PACKAGES, *MODULES])
def test_public_names_and_their_arguments_are_as_locked(name, locked):
    for needed in ("torchvision", "timm", "accelerate", "jinja2"):
        pytest.importorskip(needed)
    found = surface(name)
    if UPDATE:
        return
    expected = locked.get(name, {})
    changes = [f"  gone: {public}" for public in expected if public not in found]
    changes += [f"  new: {public}" for public in found if public not in expected]
    changes += [
        f"  {public}: was {expected[public]}, is {found[public]}"
        for public in found
        if public in expected and found[public] != expected[public]
    ]
    remedy = (
        "meant? Then write it in CHANGELOG.md and run: UPDATE_API_SURFACE=1 python -m pytest tests/test_api_surface.py"
    )
    assert not changes, f"\n{name} changed for its users:\n" + "\n".join(changes) + f"\n{remedy}"


def test_the_lock_names_every_package(locked):
    if UPDATE:
        found = {name: surface(name) for name in [*PACKAGES, *MODULES]}
        LOCK.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        return
    assert sorted(locked) == sorted([*PACKAGES, *MODULES])


@pytest.mark.parametrize("name", PACKAGES)
def test_public_names_are_there_and_listed_once(name):
    module = importlib.import_module(name)
    names = list(getattr(module, "__all__", ()))
    assert len(set(names)) == len(names)
    for public in names:
        assert hasattr(module, public)
