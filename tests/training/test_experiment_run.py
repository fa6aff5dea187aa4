import json
from contextlib import contextmanager

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.training import loop
from pixelveil.training.experiment import load_experiment
from pixelveil.training.experiment_run import run_experiment

TEXT = """
title = "Small"
[defaults]
dataset = "cifar10"
network = "resnet20"
epochs = 3
validation = 0.25
[defaults.recipe]
batch_size = 8
learning_rate = 1e-2
[[cell]]
name = "plain"
published_accuracy = 90
source = "nobody"
[[cell]]
name = "skk"
scheme = "skk"
key_policy = "ephemeral"
[quick]
epochs = 1
"""
# What says when and where, and not what.
OUTSIDE = {"seconds", "machine", "versions", "commit"}


@contextmanager
def silent(title):
    yield lambda done, total: None


@pytest.fixture
def npz(tmp_path):
    random = np.random.default_rng(0)
    labels = np.arange(48) % 2
    images = (
        random.integers(0, 120, (48, 16, 16, 3), dtype=np.uint8) + (labels * 120).astype(np.uint8)[:, None, None, None]
    )
    np.savez(tmp_path / "cifar10.npz", x_train=images[:32], y_train=labels[:32], x_test=images[32:], y_test=labels[32:])
    return tmp_path


def experiment(tmp_path, text=TEXT, **options):
    (tmp_path / "small.toml").write_text(text)
    return load_experiment(tmp_path / "small.toml", **options)


def figures(result):
    return {name: value for name, value in result.items() if name not in OUTSIDE}


def test_a_run_that_was_killed_ends_as_one_that_was_not(npz, monkeypatch):
    small = experiment(npz)
    whole = run_experiment(small, data=npz, out=npz / "whole", stage=silent)
    run_epoch, calls = loop._run_epoch, []

    def killed_in_the_second_cell(*args, **options):
        calls.append(options["epoch"])
        if len(calls) == 5:
            raise KeyboardInterrupt
        return run_epoch(*args, **options)

    monkeypatch.setattr(loop, "_run_epoch", killed_in_the_second_cell)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(small, data=npz, out=npz / "killed", stage=silent)
    assert sorted(path.name for path in (npz / "killed" / "small").glob("*.json")) == ["plain.json"]
    resumed = run_experiment(small, data=npz, out=npz / "killed", stage=silent)
    assert calls == [1, 2, 3, 1, 2, 2, 3]
    assert [figures(one) for one in resumed] == [figures(one) for one in whole]
    for one in resumed:
        stored = json.loads((npz / "killed" / "small" / f"{one['cell']}.json").read_text())
        assert stored == one


def test_a_result_says_all_that_was_asked_for(npz):
    (found,) = run_experiment(experiment(npz, quick=True), data=npz, out=npz / "out", stage=silent, names=("skk",))
    wanted = "experiment dataset network adaptation scheme key_policy accuracy published_accuracy source epochs seed"
    wanted += " seconds machine commit settings interval_95 split_facts confusion curve quick versions"
    assert set(wanted.split()) <= found.keys()
    assert (found["scheme"], found["key_policy"], found["adaptation"]) == ("skk", "ephemeral", "invariant")
    assert found["published_accuracy"] is None
    assert found["quick"] is True
    assert found["split_facts"]["train_images"] == 32
    folder = npz / "out" / "small.quick"
    assert [path.name for path in folder.glob("*.json")] == ["skk.json"]
    assert (folder / ".runs" / ".gitignore").read_text() == "*\n"
    text = (folder / "skk.json").read_text()
    assert str(npz) not in text


def test_a_finished_cell_is_left_alone_and_words_are_kept_up(npz, monkeypatch):
    out = npz / "out"
    (first,) = run_experiment(experiment(npz, quick=True), data=npz, out=out, stage=silent, names=("plain",))
    assert first["difference"] == round(first["accuracy"] - 90, 2)
    monkeypatch.setattr("pixelveil.training.experiment_run.RUNNERS", {})
    again = experiment(npz, TEXT.replace("90", "80").replace("nobody", "somebody"), quick=True)
    (second,) = run_experiment(again, data=npz, out=out, stage=silent, names=("plain",))
    assert (second["published_accuracy"], second["source"]) == (80, "somebody")
    assert second["difference"] == round(second["accuracy"] - 80, 2)
    assert second["seconds"] == first["seconds"]


@pytest.mark.parametrize("spoiled", ["other settings", "no JSON"])
def test_a_cell_with_other_settings_or_damage_is_measured_anew(npz, spoiled):
    out = npz / "out"
    path = out / "small.quick" / "plain.json"
    run_experiment(experiment(npz, quick=True), data=npz, out=out, stage=silent, names=("plain",))
    path.write_text("{" if spoiled == "no JSON" else path.read_text().replace('"accuracy"', '"guess"'))
    text = TEXT if spoiled == "no JSON" else TEXT.replace("1e-2", "2e-2")
    (found,) = run_experiment(experiment(npz, text, quick=True), data=npz, out=out, stage=silent, names=("plain",))
    assert "accuracy" in found
    assert found["settings"]["recipe"]["learning_rate"] == (1e-2 if spoiled == "no JSON" else 2e-2)


def test_weights_that_are_not_there_are_named(tmp_path, npz):
    text = TEXT.replace('network = "resnet20"', 'network = "resnet20"\nweights = "resnet20.safetensors"')
    with pytest.raises(UsageError, match=r"'plain' begins with resnet20\.safetensors, which is not in"):
        run_experiment(experiment(tmp_path, text), data=npz, out=tmp_path / "results", stage=silent)
