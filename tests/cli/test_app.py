"""The program as a user meets it: exit codes, one line an error, no traceback."""

import subprocess
import sys

import pytest

from pixelveil import __version__
from pixelveil.cli import app


def run(*words):
    return subprocess.run([sys.executable, "-m", "pixelveil", *words], capture_output=True, text=True, check=False)


def test_version():
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"pixelveil {__version__}\n")


def test_help_names_every_command():
    done = run("--help")
    assert done.returncode == 0
    for command in ("keygen", "inspect", "rotate", "encrypt", "decrypt", "verify", "train", "evaluate", "predict"):
        assert command in done.stdout
    for group in ("model", "schemes", "demo"):
        assert group in done.stdout


@pytest.mark.parametrize("words", [["no-such-command"], ["keygen"], ["encrypt", "--no-such-option"]])
def test_wrong_usage_is_exit_code_2_without_traceback(words):
    done = run(*words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "bug" not in done.stderr


def test_errors_are_one_line_and_a_hint(tmp_path):
    done = run("inspect", str(tmp_path / "nothing"))
    assert done.returncode in (2, 3, 4)
    first, *rest = done.stderr.strip().splitlines()
    assert first.startswith("pixelveil: ")
    assert all(line.startswith("hint: ") for line in rest)


def test_debug_shows_the_traceback(tmp_path):
    done = run("schemes", "show", "rot13", "--debug")
    assert done.returncode
    assert "UsageError" in done.stderr
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (OSError(28, "No space left on device", "out/x"), 3, "pixelveil: out/x: No space left on device"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ZeroDivisionError("division by zero"), 1, "this is a bug"),
    ],
)
def test_what_goes_wrong_outside_our_errors_has_a_line_too(monkeypatch, capsys, error, code, text):
    def broken():
        def command(args):
            raise error

        return command

    monkeypatch.setattr(app, "build_app", broken)
    with pytest.raises(SystemExit) as done:
        app.main(["anything"])
    assert done.value.code == code
    assert text in capsys.readouterr().err
