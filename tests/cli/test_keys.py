import json
import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest
import typer
from typer.testing import CliRunner

from pixelveil.cli import keys
from pixelveil.errors import KeyFileError, UsageError
from pixelveil.keys import Key, keyfile, read_header

COMMANDS = {"keygen": keys.keygen, "rotate": keys.rotate, "inspect": keys.inspect}


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.setattr(keyfile, "LOG2_N", 10)
    monkeypatch.setenv("PIXELVEIL_PASSPHRASE", "p")
    monkeypatch.chdir(tmp_path)


def run(line):
    """Run a command line on an app of these commands; raise the error that the real one would print."""
    app = typer.Typer()
    for command in COMMANDS.values():
        app.command()(command)
    result = CliRunner().invoke(app, shlex.split(line))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_keygen_makes_a_file_that_opens(tmp_path):
    output = run("keygen clinic.pvkey --budget 50")
    key = Key.load(tmp_path / "clinic.pvkey", passphrase="p")
    assert (key.remaining, len(key.epochs)) == (50, 1)
    for part in ("clinic.pvkey", key.fingerprint, "50 images", "Back up"):
        assert part in output


def test_keygen_has_the_default_budget_and_prints_json():
    answer = json.loads(run("keygen clinic.pvkey --json"))
    record = read_header(Path("clinic.pvkey")).active
    assert answer == {"key": "clinic.pvkey", "fingerprint": record.fingerprint, "epoch": 1, "budget": 10_000}


def test_keygen_reads_the_passphrase_from_a_file(tmp_path):
    (tmp_path / "secret.txt").write_text("from a file\n")
    run("keygen clinic.pvkey --passphrase-file secret.txt")
    assert Key.load("clinic.pvkey", passphrase="from a file").remaining == 10_000


def test_keygen_does_not_overwrite(tmp_path):
    (tmp_path / "clinic.pvkey").write_text("precious")
    with pytest.raises(UsageError, match="exists already"):
        run("keygen clinic.pvkey")
    assert (tmp_path / "clinic.pvkey").read_text() == "precious"


def test_rotate_opens_an_epoch_and_says_what_follows():
    run("keygen clinic.pvkey --budget 50")
    output = run("rotate clinic.pvkey --budget 60")
    old, new = Key.load("clinic.pvkey", passphrase="p").epochs
    assert (old.state, new.state, new.budget) == ("retired", "active", 60)
    for part in (old.fingerprint, new.fingerprint, "model rekey", "Back up"):
        assert part in output


def test_rotate_keeps_the_budget_and_prints_json():
    made = json.loads(run("keygen clinic.pvkey --budget 50 --json"))
    Key.load("clinic.pvkey", passphrase="p").reserve(8)
    answer = json.loads(run("rotate clinic.pvkey --json"))
    new = read_header(Path("clinic.pvkey")).active
    assert answer == {
        "key": "clinic.pvkey",
        "retired": {"epoch": 1, "fingerprint": made["fingerprint"], "used": 50, "budget": 50},
        "active": {"epoch": 2, "fingerprint": new.fingerprint, "budget": 50},
    }


def test_rotate_needs_the_passphrase(monkeypatch):
    run("keygen clinic.pvkey")
    monkeypatch.setenv("PIXELVEIL_PASSPHRASE", "q")
    with pytest.raises(KeyFileError, match="wrong passphrase"):
        run("rotate clinic.pvkey")


def test_inspect_shows_the_header_without_a_passphrase(monkeypatch):
    run("keygen clinic.pvkey --budget 50")
    run("rotate clinic.pvkey")
    monkeypatch.delenv("PIXELVEIL_PASSPHRASE")
    answer = json.loads(run("inspect clinic.pvkey --json"))
    assert (answer["kind"], answer["remaining"]) == ("key file", 50)
    assert [epoch["state"] for epoch in answer["epochs"]] == ["retired", "active"]
    assert answer["fingerprint"] == answer["epochs"][1]["fingerprint"]
    output = run("inspect clinic.pvkey")
    for epoch in answer["epochs"]:
        assert f"number {epoch['number']}  state {epoch['state']}  fingerprint {epoch['fingerprint']}" in output


def test_inspect_dispatches_on_what_the_path_is(tmp_path, monkeypatch):
    for name in ("folder", "model"):
        module = ModuleType(name)
        setattr(module, f"describe_{name}", lambda path, name=name: {"kind": name, "path": str(path)})
        monkeypatch.setitem(sys.modules, "pixelveil.cli.data" if name == "folder" else "pixelveil.cli.model", module)
    (tmp_path / "images").mkdir()
    (tmp_path / "vit.safetensors").touch()
    assert json.loads(run("inspect images --json")) == {"kind": "folder", "path": "images"}
    assert json.loads(run("inspect vit.safetensors --json")) == {"kind": "model", "path": "vit.safetensors"}
    assert run("inspect images") == "kind  folder\npath  images\n"


def test_names_in_a_file_cannot_steer_the_terminal(tmp_path, monkeypatch):
    module = ModuleType("folder")
    setattr(module, "describe_folder", lambda path: {"classes": {"\x1b[2Jcat\n": 1}})  # noqa: B010 - typed as a module
    monkeypatch.setitem(sys.modules, "pixelveil.cli.data", module)
    (tmp_path / "images").mkdir()
    assert run("inspect images") == "classes  \\x1b[2Jcat\\n 1\n"


def test_inspect_refuses_what_it_does_not_know(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(KeyFileError, match="is not a key file"):
        run("inspect notes.txt")
    with pytest.raises(KeyFileError, match="no such key file"):
        run("inspect missing.pvkey")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_the_help_runs(name):
    if name != "keygen":
        run("keygen clinic.pvkey")
    example = next(line.strip() for line in COMMANDS[name].__doc__.splitlines() if "Example: pixelveil " in line)
    assert run(example.removeprefix("Example: pixelveil "))


@pytest.fixture
def measured(monkeypatch):
    from pixelveil.schemes import lifetime

    one = lifetime.Lifetime(scheme="vit-permutation", block=4, attack="statistics-vit", quiet_until=5, leaks_from=10)
    monkeypatch.setattr(lifetime, "lifetimes", lambda: (one,))


@pytest.mark.usefixtures("measured")
def test_a_scheme_gives_the_budget_and_says_why():
    output = run("keygen clinic.pvkey --scheme vit-permutation -p block-size=8")
    assert read_header(Path("clinic.pvkey")).active.budget == 5
    assert "statistics-vit finds something in vit-permutation from 10 images" in output
    assert "key_policy=derived" in output
    answer = json.loads(run("keygen other.pvkey --scheme vit-permutation --json"))
    assert answer["budget"] == 5
    assert "statistics-vit" in answer["why"]


@pytest.mark.usefixtures("measured")
def test_what_the_owner_says_wins():
    output = run("keygen clinic.pvkey --scheme vit-permutation --budget 700")
    assert read_header(Path("clinic.pvkey")).active.budget == 700
    assert "lifetime is 5" in output
    assert "lifetime" not in run("keygen other.pvkey --scheme vit-permutation --budget 5")


@pytest.mark.usefixtures("measured")
def test_rotate_takes_the_budget_of_a_scheme_too():
    run("keygen clinic.pvkey --budget 50")
    assert "statistics-vit" in run("rotate clinic.pvkey --scheme vit-permutation")
    assert read_header(Path("clinic.pvkey")).active.budget == 5
    assert "statistics-vit" in json.loads(run("rotate clinic.pvkey -s vit-permutation --json"))["why"]
    run("rotate clinic.pvkey --scheme vit-permutation --budget 60")
    assert read_header(Path("clinic.pvkey")).active.budget == 60


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize(
    ("options", "said"),
    [("--scheme svd-wang", "no lifetime was measured"), ("-s vit-permutation -p key_policy=derived", "share no key")],
)
def test_without_a_figure_the_default_stays(options, said):
    assert said in run(f"keygen clinic.pvkey {options}")
    assert read_header(Path("clinic.pvkey")).active.budget == 10_000


def test_a_parameter_is_of_a_scheme():
    with pytest.raises(UsageError, match="of a scheme"):
        run("keygen clinic.pvkey -p block-size=8")
    assert not Path("clinic.pvkey").exists()
