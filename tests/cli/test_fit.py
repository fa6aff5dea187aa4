import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from pixelveil.cli import data, fit
from pixelveil.cli.schemes import build_app
from pixelveil.data import open_images
from pixelveil.errors import UsageError
from pixelveil.keys import Key, keyfile
from pixelveil.schemes import create_scheme
from pixelveil.schemes.asset import Asset


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    """A folder "faces" with twelve images of one person and four of another."""
    monkeypatch.chdir(tmp_path)
    for number in range(16):
        path = tmp_path / "faces" / ("anna" if number < 12 else "bert") / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 256, (20, 16, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
    return tmp_path


def run(line, *, code=0):
    result = CliRunner().invoke(build_app(), shlex.split(line))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def test_a_pool_is_made_and_used(workplace):
    told = json.loads(run("fit pixel-block-mixing --data faces/anna --out anna.pool --json").stdout)
    asset = Asset.load(workplace / "anna.pool")
    assert told == {
        "asset": "anna.pool",
        "scheme": "pixel-block-mixing",
        "kind": "pool",
        "digest": asset.digest,
        "images": 12,
        "image_size": [20, 16],
        "rejected": [],
    }
    assert (workplace / "anna.pool").stat().st_mode & 0o777 == 0o600
    np.testing.assert_array_equal(asset.arrays["images"], open_images(workplace / "faces" / "anna").read(range(12)))
    images = asset.arrays["images"][:2]
    assert create_scheme("pixel-block-mixing", asset=asset).encrypt(images).images.shape == images.shape


def test_the_folder_command_takes_what_was_made(workplace, monkeypatch):
    monkeypatch.setattr(keyfile, "LOG2_N", 10)
    monkeypatch.setenv("PIXELVEIL_PASSPHRASE", "p")
    Key.generate().save(workplace / "k", passphrase="p")
    for name, storage in (("pixel-block-mixing", "jpeg"), ("instahide", "npy")):
        run(f"fit {name} --data faces --out {name}.pool --size 16")
        encrypt(f"faces {name} --key k --scheme {name} --asset {name}.pool --size 16 --format {storage}")
        hidden = open_images(workplace / name)
        assert hidden.read(range(16)).shape == (16, 16, 16, 3)
        assert sorted(np.bincount(hidden.labels)) == [4, 12]


def encrypt(line):
    app = typer.Typer()
    app.command()(data.encrypt)
    result = CliRunner().invoke(app, shlex.split(line))
    assert result.exit_code == 0, result.output


def test_images_are_chosen_evenly_and_scaled():
    run("fit instahide --data faces --out some --limit 4 --size 8")
    images = Asset.load(Path("some")).arrays["images"]
    expected = open_images(Path("faces"), size=8).read([0, 4, 8, 12])
    np.testing.assert_array_equal(images, expected)


def test_bad_files_are_named_and_left_out(workplace):
    (workplace / "faces" / "anna" / "broken.png").write_bytes(b"no image")
    result = run("fit instahide --data faces --out some", code=3)
    assert "left out" in result.output
    assert "broken.png" in result.output
    assert len(Asset.load(workplace / "some").arrays["images"]) == 16


def test_a_basis_is_never_overwritten(workplace):
    run("fit svd-popescu --data faces --out basis -p components=4")
    before = (workplace / "basis").read_bytes()
    with pytest.raises(UsageError, match="basis: exists"):
        run("fit svd-popescu --data faces --out basis -p components=5")
    assert (workplace / "basis").read_bytes() == before


def test_more_images_than_the_memory_holds_are_refused_at_the_first(workplace, monkeypatch):
    monkeypatch.setattr(fit, "_MOST_BYTES", 16 * 20 * 16 * 3)
    run("fit instahide --data faces --out enough")
    monkeypatch.setattr(fit, "_MOST_BYTES", 16 * 20 * 16 * 3 - 1)
    with pytest.raises(UsageError, match="16 images of 20x16 are more than an asset can hold"):
        run("fit instahide --data faces --out more")
    run("fit instahide --data faces --out more --limit 15")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("fit rot13 --data faces --out x", "unknown scheme 'rot13'"),
        ("fit skk --data faces --out x", "skk needs no asset"),
        ("fit svd-popescu --data faces --out x -p variant=per_image", "needs no asset"),
        ("fit pixel-block-mixing --data faces/bert --out x", "at least 10 images, not 4"),
        ("fit pixel-block-mixing --data faces --out x -p donor=3", "no parameter 'donor'"),
        ("fit pixel-block-mixing --data faces --out x --epochs 3", "no network to train"),
        ("fit instahide --data faces --out x -p mixed=6 -p public=4", "one folder does not tell"),
        ("fit instahide --data nowhere --out x", "nowhere"),
        ("fit instahide --data empty --out x", "no images that can be read"),
        ("fit instahide --data odd --out x", "is 5x6, not 20x16 as the others"),
        ("fit instahide --data hidden --out x", "is encrypted"),
    ],
)
def test_what_cannot_be_is_refused(workplace, line, message):
    for folder in ("empty", "odd", "hidden"):
        (workplace / folder).mkdir()
    (workplace / "hidden" / "manifest.jsonl").touch()
    Image.open(workplace / "faces" / "anna" / "00.png").save(workplace / "odd" / "0.png")
    Image.new("RGB", (6, 5)).save(workplace / "odd" / "1.png")
    with pytest.raises(UsageError, match=message):
        run(line)
    assert not (workplace / "x").exists()


def test_networks_are_trained_elsewhere_with_what_was_asked_for(workplace, monkeypatch):
    learned = pytest.importorskip("pixelveil.training.learned")
    asked = {}

    def train(name, **options):
        asked.update(options, name=name)
        return learned.LearnedReport(
            asset=workplace / "w",
            digest="d",
            classifier=workplace / "c",
            training_images=9,
            validation_images=1,
            epochs=2,
            best_epoch=1,
            plain_accuracy=90.0,
            transformed_accuracy=80.0,
            history=({"loss": 1.0},),
            rejected=("bad.png: cut off",),
        )

    monkeypatch.setattr(learned, "fit_learned", train)
    line = "fit gan-transform --data faces --out w --epochs 2 --batch-size 8 --limit 5 --no-resume -p width=4 --size 8"
    told = run(line, code=3)
    assert "80.0 % transformed" in told.output
    assert "left out: bad.png" in told.output
    assert asked.pop("advance")
    assert {label: str(value) if label in ("data", "out") else value for label, value in asked.items()} == {
        "name": "gan-transform",
        "data": "faces",
        "out": "w",
        "size": 8,
        "parameters": {"width": 4},
        "limit": 5,
        "epochs": 2,
        "batch_size": 8,
        "seed": 0,
        "resume": False,
    }
    facts = json.loads(run(line + " --json", code=3).stdout)
    assert (facts["kind"], facts["digest"], facts["asset"]) == ("weights", "d", str(workplace / "w"))


def test_the_limit_of_images_holds(monkeypatch):
    monkeypatch.setattr(fit, "_MOST_IMAGES", 7)
    assert "7 images" in run("fit instahide --data faces --out some").stdout


def test_a_whitening_is_made_of_public_images_where_one_is_possible(workplace):
    told = json.loads(run("fit vit-orthogonal --data faces --out white -p block-size=4 --json").stdout)
    asset = Asset.load(workplace / "white")
    assert (told["kind"], told["digest"], told["images"]) == ("basis", asset.digest, 16)
    assert asset.arrays["matrix"].shape == (48, 48)
    with pytest.raises(UsageError, match="vit-permutation needs no asset"):
        run("fit vit-permutation --data faces --out other")
