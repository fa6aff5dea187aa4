"""The command of the demo prints a table or JSON, and hands its options on."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pixelveil.cli import demo
from pixelveil.demo import job
from pixelveil.demo.job import Recipe, run_demo
from pixelveil.errors import UsageError
from pixelveil.training.loop import TrainSettings

TINY = Recipe(
    image_size=16,
    options={"patch_size": 8, "embed_dim": 16, "depth": 1, "num_heads": 2},
    settings=TrainSettings(epochs=1, batch_size=64),
    seconds=1.0,
)


def run(*words):
    app = typer.Typer()
    app.command()(demo.demo)
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(job, "DIGITS", TINY)


def test_json_is_all_there_is_on_standard_output(tiny):
    result = run("--out", "report", "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["report"] == "report/report.html"
    assert Path("report/report.html").is_file()
    assert json.loads(Path("report/result.json").read_text()) == answer
    assert answer["predictions_equal"] == "450 of 450"
    assert "train" in result.stderr


def test_the_table_and_the_report_are_shown(tiny):
    result = run("--scheme", "vit-orthogonal")
    assert result.exit_code == 0, result.output
    assert "Report: demo-report/report.html" in result.stdout
    assert "450 of 450" in result.stdout
    assert "not from a server" in result.stdout


def test_options_are_handed_on(monkeypatch):
    seen = {}

    def stop(**options):
        seen.update(options)
        raise UsageError("enough")

    monkeypatch.setattr(job, "run_demo", stop)
    result = run("--data", "scans", "--out", "o", "--scheme", "vit-orthogonal", "--seconds", "42")
    assert isinstance(result.exception, UsageError)
    assert seen.pop("stage") is not None
    assert seen == {"data": Path("scans"), "out": Path("o"), "scheme": "vit-orthogonal", "seconds": 42.0}
    assert run_demo is not stop


def test_help_has_an_example():
    assert "pixelveil demo --data" in run("--help").stdout
