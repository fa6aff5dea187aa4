import json

import numpy as np
import pytest

from pixelveil.cli.app import main

TEXT = """
title = "Small"
[defaults]
dataset = "cifar10"
network = "random-forest"
kind = "classical"
[[cell]]
name = "plain"
published_accuracy = 90.5
source = "nobody"
[[cell]]
name = "etc"
scheme = "etc-color"
"""


@pytest.fixture
def folder(tmp_path):
    pytest.importorskip("sklearn")
    labels = np.arange(40) % 2
    images = np.random.default_rng(0).integers(0, 120, (40, 16, 16, 3), dtype=np.uint8)
    images += (labels * 120).astype(np.uint8)[:, None, None, None]
    np.savez(tmp_path / "cifar10.npz", x_train=images[:30], y_train=labels[:30], x_test=images[30:], y_test=labels[30:])
    (tmp_path / "small.toml").write_text(TEXT)
    return tmp_path


def call(*words):
    with pytest.raises(SystemExit) as done:
        main(["experiment", *map(str, words)])
    return done.value.code or 0


def test_run_and_table_show_published_and_measured(folder, capsys):
    where = ["--data", folder, "--out", folder / "out"]
    assert call("run", folder / "small.toml", *where) == 0
    shown = capsys.readouterr().out
    assert "90.50" in shown
    assert "etc" in shown
    assert call("run", folder / "small.toml", *where, "--cells", "etc", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [cell["cell"] for cell in found["cells"]] == ["etc"]
    assert call("table", folder / "small.toml", "--out", folder / "out", "--markdown") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert "90.50" in lines[2]
    assert call("table", folder / "small.toml", "--out", folder / "out") == 0
    assert "difference" in capsys.readouterr().out


def test_mistakes_are_one_line_with_a_remedy(folder, capsys):
    assert call("run", folder / "small.toml", "--data", folder, "--out", folder / "out", "--cells", "x") == 2
    assert "it has: plain, etc" in capsys.readouterr().err
    assert call("table", folder / "small.toml", "--out", folder / "out") == 2
    assert "no results yet" in capsys.readouterr().err
    assert call("run", folder / "small.toml", "--data", folder / "nowhere") == 2
    assert "there is no CIFAR-10" in capsys.readouterr().err
    assert call("fetch", "brain-mri", folder) == 2
    assert "kaggle.com" in capsys.readouterr().err
