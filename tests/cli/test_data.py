import json
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from pixelveil.cli import data
from pixelveil.data import decode_image
from pixelveil.errors import BudgetError, IntegrityError, KeyFileError, UsageError
from pixelveil.keys import Key, keyfile
from pixelveil.schemes.asset import Asset

SCHEME = "--scheme vit-permutation -p block_size=4"


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    """A folder with twelve images of two classes in "scans" and a key file."""
    monkeypatch.setattr(keyfile, "LOG2_N", 10)
    monkeypatch.setenv("PIXELVEIL_PASSPHRASE", "p")
    monkeypatch.chdir(tmp_path)
    Key.generate(budget=100).save(tmp_path / "clinic.pvkey", passphrase="p")
    for number in range(12):
        path = tmp_path / "scans" / ("healthy", "ill")[number % 2] / f"JaneDoe{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 256, (20, 16, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
    return tmp_path


def run(line, *, code=0):
    """Run a command line on an app of these commands; raise the error that the real one would print."""
    app = typer.Typer()
    for command in (data.encrypt, data.decrypt, data.verify):
        app.command()(command)
    result = CliRunner().invoke(app, shlex.split(line))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def test_the_whole_way(workplace):
    out = run(f"encrypt scans out --key clinic.pvkey {SCHEME} --format npy --shard-size 5 --workers 2")
    assert "out: 12 images encrypted" in out.stdout
    assert (
        "out: 12 images already complete"
        in run(f"encrypt scans out --key clinic.pvkey {SCHEME} --format npy --shard-size 5").stdout
    )
    assert run("verify out --key clinic.pvkey").stdout == "out: 0 faults; digests and key were checked\n"
    assert run("verify out --no-key").stdout == "out: 0 faults; digests were checked\n"
    assert "again: 12 images decrypted" in run("decrypt out again --key clinic.pvkey").stdout
    for path in (workplace / "scans").rglob("*.png"):
        back = workplace / "again" / path.relative_to(workplace / "scans")
        assert np.array_equal(decode_image(back), decode_image(path))


def test_json_is_all_there_is_on_standard_output(workplace):
    report = json.loads(run(f"encrypt scans out --key clinic.pvkey {SCHEME} --size 8 --json").stdout)
    key = Key.load("clinic.pvkey", passphrase="p")
    assert report == {
        "out": "out",
        "images": 12,
        "finished_before": 0,
        "rejected": 0,
        "rejected_file": None,
        "other_files": 0,
        "scheme": "vit-permutation",
        "key_policy": "shared",
        "fingerprint": key.fingerprint,
        "remaining": 88,
    }
    assert key.remaining == 88
    assert json.loads(run("verify out --key clinic.pvkey --json").stdout) == {
        "folder": "out",
        "checked": "digests and key",
        "faults": [],
    }
    answer = json.loads(run("decrypt out back --key clinic.pvkey --pseudonyms --json").stdout)
    assert answer == {"folder": "out", "destination": "back", "images": 12, "loss": ""}
    assert not list((workplace / "back").rglob("*Jane*"))


def test_bad_files_end_with_code_3_after_the_rest_is_done(workplace):
    (workplace / "scans" / "ill" / "broken.png").write_bytes(b"text")
    (workplace / "scans" / "notes.txt").touch()
    result = run(f"encrypt scans out --key clinic.pvkey {SCHEME} --rejected bad.jsonl", code=3)
    assert "12 images encrypted" in result.stdout
    assert "1 other files left out" in result.stdout
    assert "1 files could not be encrypted; they are listed in bad.jsonl" in result.stderr
    assert json.loads((workplace / "bad.jsonl").read_text())["path"] == "ill/broken.png"
    assert run("verify out --key clinic.pvkey").exit_code == 0


def test_too_many_images_under_one_key_are_said_so(workplace):
    shared = run(f"encrypt scans out --key clinic.pvkey {SCHEME}")
    assert shared.stderr.count("note: 12 images are encrypted under one key") == 1
    derived = run(
        "encrypt scans out2 --key clinic.pvkey --scheme vit-orthogonal -p key_policy=derived -f npy --size 16"
    )
    assert "note:" not in derived.stderr


@pytest.mark.parametrize(("budget", "notes"), [(11, 1), (12, 0)])
def test_more_images_than_the_measured_lifetime_are_said_so(workplace, monkeypatch, budget, notes):
    from pixelveil.schemes import lifetime

    one = lifetime.Lifetime(
        scheme="vit-permutation", block=4, attack="statistics-vit", quiet_until=budget, leaks_from=20
    )
    monkeypatch.setattr(lifetime, "lifetimes", lambda: (one,))
    said = run(f"encrypt scans out --key clinic.pvkey {SCHEME}").stderr
    assert said.count(f"more than the {budget} of its measured lifetime: statistics-vit") == notes
    assert said.count("note:") == 1


def test_what_is_read_from_one_image_is_said_so(workplace):
    """A key for each image does not help against an attack that needs one image."""
    said = run("encrypt scans out --key clinic.pvkey --scheme skk").stderr
    assert said.count("note: known attacks read skk from a single image, without any key") == 1


def test_broken_schemes_are_called_broken(workplace):
    said = run("encrypt scans out --key clinic.pvkey --scheme neuracrypt -p hidden=8 -f npy --size 32").stderr
    assert "note: neuracrypt was broken in public" in said


def test_classes_can_be_hidden(workplace):
    run(f"encrypt scans out --key clinic.pvkey {SCHEME} --hide-classes")
    assert "healthy" not in (workplace / "out" / "manifest.jsonl").read_text()
    assert len([path for path in (workplace / "out").iterdir() if path.is_dir()]) == 2


def test_faults_are_one_line_each_and_end_with_code_4(workplace):
    run(f"encrypt scans out --key clinic.pvkey {SCHEME}")
    first, second = sorted((workplace / "out").rglob("*.png"))[:2]
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError) as caught:
        run("verify out --no-key")
    assert caught.value.exit_code == 4
    app = typer.Typer()
    app.command()(data.verify)
    result = CliRunner().invoke(app, ["out", "--key", "clinic.pvkey", "--json"])
    faults = json.loads(result.stdout)["faults"]
    assert len(faults) == 2
    assert result.stderr.splitlines()[-2:] == faults
    with pytest.raises(IntegrityError, match=first.name):
        run("decrypt out back --key clinic.pvkey")
    assert not (workplace / "back").exists()


def test_wrong_usage_is_refused(workplace, monkeypatch):
    run(f"encrypt scans out --key clinic.pvkey {SCHEME}")
    for line in ("verify out", "verify out --no-key --key clinic.pvkey"):
        with pytest.raises(UsageError, match="either --key or --no-key"):
            run(line)
    with pytest.raises(UsageError, match="unknown scheme"):
        run("encrypt scans out2 --key clinic.pvkey --scheme rot13")
    with pytest.raises(UsageError, match="unknown format"):
        run(f"encrypt scans out2 --key clinic.pvkey {SCHEME} --format zip")
    with pytest.raises(UsageError, match="another storage"):
        run(f"encrypt scans out --key clinic.pvkey {SCHEME} --format wds")
    Key.generate(budget=11).save("small.pvkey", passphrase="p")
    with pytest.raises(BudgetError, match="may encrypt 11 more"):
        run(f"encrypt scans out2 --key small.pvkey {SCHEME}")
    monkeypatch.setenv("PIXELVEIL_PASSPHRASE", "wrong")
    with pytest.raises(KeyFileError):
        run("decrypt out back --key clinic.pvkey")


def test_floats_are_stored_as_asked_and_what_that_costs_is_said(workplace):
    floats = "--scheme vit-orthogonal -p block_size=4"
    with pytest.raises(UsageError, match="--dtype scaled8"):
        run(f"encrypt scans out --key clinic.pvkey {floats}")
    run(f"encrypt scans out --key clinic.pvkey {floats} --dtype scaled8")
    assert data.describe_folder(workplace / "out")["dtype"] == "scaled8"
    assert "were rounded to 8 bits; these are near the originals" in run("decrypt out back --key clinic.pvkey").stdout
    answer = json.loads(run("decrypt out again --key clinic.pvkey --json").stdout)
    assert answer["loss"] == "were rounded to 8 bits"
    with pytest.raises(UsageError, match="omit --dtype"):
        run(f"encrypt scans out2 --key clinic.pvkey {SCHEME} --dtype float16")


def test_jpeg_is_refused_with_the_reason_of_the_scheme(workplace):
    with pytest.raises(UsageError, match=r"vit-permutation does not survive JPEG: .*use --format png"):
        run(f"encrypt scans out --key clinic.pvkey {SCHEME} --format jpeg")
    with pytest.raises(UsageError, match="belongs to --format jpeg"):
        run(f"encrypt scans out --key clinic.pvkey {SCHEME} --quality 90")
    assert not (workplace / "out").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--scheme etc-color --quality 80 --subsampling 4:2:0", "JPEG (quality 80, 4:2:0)"),
        ("--scheme etc-gray", "JPEG (quality 90, grayscale)"),
        ("--scheme vit-compressible", "JPEG (quality 90, 4:4:4)"),
    ],
)
def test_what_survives_jpeg_is_written_as_jpeg(workplace, options, told):
    run(f"encrypt scans out --key clinic.pvkey {options} --format jpeg")
    assert len(list((workplace / "out").rglob("*.jpg"))) == 12
    run("verify out --key clinic.pvkey")
    assert told in run("decrypt out back --key clinic.pvkey").stdout
    for path in (workplace / "scans").rglob("*.png"):
        assert decode_image(workplace / "back" / path.relative_to(workplace / "scans")).shape == (20, 16, 3)


def test_an_asset_must_be_one_that_the_scheme_takes(workplace):
    with pytest.raises(UsageError, match="cannot be read"):
        run(f"encrypt scans out --key clinic.pvkey {SCHEME} --asset nothing.pvasset")
    Asset(scheme="other", kind="basis", arrays={"basis": np.eye(2)}).save(workplace / "some.pvasset")
    with pytest.raises(UsageError, match="vit-permutation cannot use a basis asset of other"):
        run(f"encrypt scans out --key clinic.pvkey {SCHEME} --asset some.pvasset")
    run(f"encrypt scans out --key clinic.pvkey {SCHEME}")
    with pytest.raises(UsageError, match="without an asset"):
        run("decrypt out back --key clinic.pvkey --asset some.pvasset")


def test_inspect_reads_a_folder_without_a_key(workplace):
    run(f"encrypt scans out --key clinic.pvkey {SCHEME}")
    (workplace / "clinic.pvkey").unlink()
    assert data.describe_folder(workplace / "out")["images"] == 12


@pytest.mark.parametrize("command", [data.encrypt, data.decrypt, data.verify], ids=lambda command: command.__name__)
def test_the_example_of_the_help_runs(command, workplace):
    shutil.copytree(workplace / "scans", workplace / "scans-plain")
    run(f"encrypt scans-plain scans-encrypted --key clinic.pvkey {SCHEME}")
    if command is data.encrypt:
        shutil.rmtree(workplace / "scans-encrypted")
    (example,) = (line for line in command.__doc__.splitlines() if "Example: pixelveil " in line)
    run(example.split("Example: pixelveil ")[1])


def test_folders_need_no_pytorch():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import pixelveil.cli.data, pixelveil.data\n"
        "assert not any(name.partition('.')[0] in ('torchvision', 'timm', 'transformers') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
