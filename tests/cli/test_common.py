"""What all commands share: passphrases, scheme options, results, errors."""

import json

import numpy as np
import pytest

from pixelveil.cli import common
from pixelveil.errors import IntegrityError, UsageError
from pixelveil.schemes.asset import Asset


@pytest.fixture(autouse=True)
def no_passphrase(monkeypatch):
    monkeypatch.delenv(common.PASSPHRASE_VARIABLE, raising=False)


def test_a_passphrase_file_comes_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv(common.PASSPHRASE_VARIABLE, "from the environment")
    assert common.read_passphrase(file=None) == "from the environment"
    file = tmp_path / "passphrase"
    file.write_text("first line\nsecond line\n")
    assert common.read_passphrase(file=file) == "first line"


def test_a_passphrase_file_that_others_can_read_is_told(tmp_path, capsys):
    file = tmp_path / "passphrase"
    file.write_text("hush")
    file.chmod(0o600)
    common.read_passphrase(file=file)
    assert capsys.readouterr().err == ""
    file.chmod(0o644)
    common.read_passphrase(file=file)
    told = capsys.readouterr().err
    assert f"chmod 600 {file}" in told
    assert "hush" not in told


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_passphrase_must_be_there(tmp_path, content):
    file = tmp_path / "passphrase"
    file.write_bytes(content)
    with pytest.raises(UsageError):
        common.read_passphrase(file=file)
    with pytest.raises(UsageError):
        common.read_passphrase(file=tmp_path / "nothing")


def test_without_a_terminal_the_remedy_is_named():
    with pytest.raises(UsageError, match="--passphrase-file"):
        common.read_passphrase(file=None)


def test_scheme_parameters_are_json_or_text():
    assert common.scheme_from("vit-permutation", ["block-size=8", "invert=false"]).parameters["block_size"] == 8
    assert common.scheme_from("skk", ["shuffle=none"]).parameters["shuffle"] == "none"
    endless = ("block_size=1" + "0" * 400, "block_size=" + "[" * 100_000, "block_size=" + "1" * 5000)
    for wrong in ("block_size", "=8", "block_size=big", "sides=4", "asset=0", *endless):
        with pytest.raises(UsageError):
            common.scheme_from("vit-permutation", [wrong])


def test_a_scheme_is_bound_to_its_asset(tmp_path):
    Asset(scheme="skk", kind="weights", arrays={"weights": np.eye(2)}).save(tmp_path / "weights")
    with pytest.raises(UsageError, match="skk cannot use a weights asset of skk"):
        common.scheme_from("skk", None, asset=tmp_path / "weights")
    (tmp_path / "weights").write_bytes(b"no asset")
    with pytest.raises(IntegrityError, match="is not an asset file"):
        common.scheme_from("skk", None, asset=tmp_path / "weights")


def test_results_are_one_json_object_or_text(capsys):
    common.emit({"a": 1}, as_json=True, text=lambda: print("never"))
    assert json.loads(capsys.readouterr().out) == {"a": 1}
    common.emit({"a": 1}, as_json=False, text=lambda: print("as text"))
    assert capsys.readouterr().out == "as text\n"


def test_an_error_is_a_line_and_a_hint_on_standard_error(capsys):
    assert common.report_error(IntegrityError("it was altered", hint="get it again")) == 4
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "pixelveil: it was altered\nhint: get it again\n"


def test_progress_writes_nothing_to_standard_output(capsys):
    with common.progress("working") as advance:
        advance(1, 2)
    assert capsys.readouterr().out == ""
