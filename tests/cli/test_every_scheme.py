"""Every scheme of the catalogue runs from the command line on images of any size, and none is a special case there."""

import json
import runpy
import shlex
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from pixelveil.cli.app import build_app
from pixelveil.data import decode_image, open_images
from pixelveil.keys import Key, keyfile
from pixelveil.schemes import SCHEMES, create_scheme

SIZES = {"32x32": (32, 32), "224x224": (224, 224), "odd": (37, 53)}

# Blocks of schemes for small images are small; NeuraCrypt's default is two thousand values a patch.
PARAMETERS = {"neuracrypt": "-p hidden=64", "image-to-perturbation": "", "svd-popescu": "-p components=8"}
IMAGES = 12


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    monkeypatch.setattr(keyfile, "LOG2_N", 10)
    monkeypatch.setenv("PIXELVEIL_PASSPHRASE", "p")
    monkeypatch.chdir(tmp_path)
    Key.generate(budget=1000).save(tmp_path / "clinic.pvkey", passphrase="p")
    return tmp_path


def images(folder, height, width, count):
    """Slopes with noise on them, of two classes."""
    for number in range(count):
        path = folder / ("healthy", "ill")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        slope = np.add.outer(np.arange(height) * 2, np.arange(width))[..., None] % 200
        noise = np.random.default_rng(number).integers(0, 56, (height, width, 3))
        Image.fromarray((slope + noise).astype(np.uint8)).save(path)


def run(line):
    result = CliRunner().invoke(build_app(), shlex.split(line))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def asset_option(name, *, height, width):
    """Make the scheme's asset as a user would, or take a small trained network."""
    kind = SCHEMES[name]
    if not kind.needs_asset:
        return ""
    if "weights" in kind.asset_kinds:
        cases = Path(__file__).parents[1] / "schemes" / "learned_cases.py"
        SimpleNamespace(**runpy.run_path(str(cases))).asset_of(name).save(Path("asset"))
    else:
        images(Path("others"), height, width, 24)
        run(f"schemes fit {name} --data others --out asset {PARAMETERS.get(name, '')}")
    return "--asset asset"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", sorted(SCHEMES))
def test_it_runs(name, size, workplace):
    if "weights" in SCHEMES[name].asset_kinds:
        pytest.importorskip("torch")
    height, width = SIZES[size]
    images(workplace / "scans", height, width, IMAGES if height < 100 else 3)
    asset = asset_option(name, height=height, width=width)
    scheme = create_scheme(name)
    storage = "png" if scheme.output_dtype == "uint8" else "npy"
    options = f"--key clinic.pvkey --scheme {name} {PARAMETERS.get(name, '')} {asset} --format {storage} --json"
    report = json.loads(run(f"encrypt scans out {options}"))
    encrypted = open_images(workplace / "out")
    assert report["images"] == len(encrypted) > 0
    assert report["rejected"] == 0
    expected = create_scheme(name, **json.loads(run("inspect out --json"))["parameters"]).encrypted_shape(
        (height, width, 3)
    )
    assert encrypted.read([0]).shape[1:] == expected
    run("verify out --key clinic.pvkey")
    if scheme.reversible and scheme.key_policy in ("shared", "derived"):
        run("decrypt out again --key clinic.pvkey")
        for path in (workplace / "scans").rglob("*.png"):
            back = decode_image(workplace / "again" / path.relative_to(workplace / "scans"))
            np.testing.assert_array_equal(back, decode_image(path))
