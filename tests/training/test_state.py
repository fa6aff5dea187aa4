"""The state of a run is one file that brings weights, optimizer and progress back."""

import json

import pytest
import torch
from safetensors import safe_open
from torch import nn

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.training.state import load_state, save_state


def stepped():
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.ones(4, 3)).square().sum().backward()
        optimizer.step()
    return model, optimizer


def test_everything_comes_back(tmp_path):
    model, optimizer = stepped()
    save_state(tmp_path / "s", model=model, optimizer=optimizer, run={"a": (1, 2)}, progress={"epoch": 3})
    fresh = nn.Linear(3, 2)
    other = torch.optim.AdamW(fresh.parameters())
    assert load_state(tmp_path / "s", model=fresh, optimizer=other, run={"a": (1, 2)}) == {"epoch": 3}
    for left, right in zip(model.parameters(), fresh.parameters(), strict=True):
        assert torch.equal(left, right)
    before, after = optimizer.state_dict()["state"], other.state_dict()["state"]
    assert before.keys() == after.keys() == {0, 1}
    for index, entry in before.items():
        assert entry.keys() == after[index].keys() == {"step", "exp_avg", "exp_avg_sq"}
        assert all(torch.equal(entry[name], after[index][name]) for name in entry)


def test_nothing_is_pickled(tmp_path):
    model, optimizer = stepped()
    save_state(tmp_path / "s", model=model, optimizer=optimizer, run={}, progress={"epoch": 1})
    with safe_open(tmp_path / "s", framework="pt") as file:
        assert json.loads(file.metadata()["progress"]) == {"epoch": 1}


def test_a_run_that_has_not_begun(tmp_path):
    model, optimizer = stepped()
    assert load_state(tmp_path / "s", model=model, optimizer=optimizer, run={}) is None


def test_another_run_is_refused_by_name(tmp_path):
    model, optimizer = stepped()
    save_state(tmp_path / "s", model=model, optimizer=optimizer, run={"data": 1, "settings": 2}, progress={})
    with pytest.raises(UsageError, match="another data"):
        load_state(tmp_path / "s", model=model, optimizer=optimizer, run={"data": 3, "settings": 2})


def test_a_file_of_another_kind(tmp_path):
    from safetensors.torch import save_file

    model, optimizer = stepped()
    save_file({"x": torch.zeros(1)}, tmp_path / "s")
    with pytest.raises(IntegrityError):
        load_state(tmp_path / "s", model=model, optimizer=optimizer, run={})
