import json
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
public = SimpleNamespace(**runpy.run_path(str(REFERENCE / "public_code.py")))

IMAGE = np.random.default_rng(8).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def run(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "pixelveil", *map(str, words)], capture_output=True, text=True, **options
    )


def imported(tmp_path, *words):
    out = tmp_path / "legacy.pvasset"
    return out, run("schemes", "import-key", *words, "--out", out)


def test_from_keys_of_ele_to_encrypted_folder_and_back(tmp_path, monkeypatch):
    """The 64 keys from a file, the order of blocks from seed 30: as the experiments were made."""
    keys = public.ele_keys(64, 96, 1)
    np.savez(tmp_path / "key4.npz", keys=np.stack(keys))
    words = ("madono-ele", "--arrays", tmp_path / "key4.npz", "--seed", 30, "--rng", "python")
    asset, done = imported(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert "This is not a key." in done.stdout
    assert asset.stat().st_mode & 0o777 == 0o600
    (tmp_path / "plain").mkdir()
    Image.fromarray(IMAGE).save(tmp_path / "plain" / "a.png")
    monkeypatch.setenv("PIXELVEIL_PASSPHRASE", "correct horse battery staple")
    key = tmp_path / "k.pvkey"
    options = ("--key", key, "--asset", asset)
    for step in (
        ("keygen", key),
        ("encrypt", tmp_path / "plain", tmp_path / "veiled", "--scheme", "madono-ele", *options),
        ("decrypt", tmp_path / "veiled", tmp_path / "back", *options),
    ):
        done = run(*step)
        assert done.returncode == 0, done.stderr
        assert ("not a key" in done.stderr) == (step[0] == "encrypt")
    order = public.ele_order(64, 30)
    expected = public.ele_scramble(IMAGE[None], keys, order)[0]
    veiled = next((tmp_path / "veiled").rglob("*.png"))
    np.testing.assert_array_equal(np.asarray(Image.open(veiled)), expected)
    np.testing.assert_array_equal(np.asarray(Image.open(next((tmp_path / "back").rglob("*.png")))), IMAGE)
    done = run("decrypt", tmp_path / "veiled", tmp_path / "none", "--key", key)
    assert done.returncode != 0
    assert "--asset" in done.stderr


def test_json_says_why_it_is_not_a_key_and_keeps_the_seed_to_itself(tmp_path):
    words = ("etc-color", "-p", "block_size=4", "--seed", 424242, "--rng", "python", "--channel-bug", "--json")
    asset, done = imported(tmp_path, *words)
    facts = json.loads(done.stdout)
    assert facts["asset"] == str(asset)
    assert facts["settings"] == {
        **{"origin": "seed", "generator": "python", "seed_bits": 32, "legacy_channel_bug": True}
    }
    assert facts["arrays"]["rotate"] == [64]
    assert "2^32 values" in facts["why_not_a_key"]
    assert "424242" not in done.stdout


def test_colors_are_permuted_unless_asked(tmp_path):
    _, done = imported(tmp_path, "smkk", "--seed", 1)
    assert "--channel-bug" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("tanaka-le",), "nothing to import"),
        (("rot13", "--seed", 1), "unknown scheme"),
        (("vit-orthogonal", "--seed", 1), "no public program"),
        (("tanaka-le", "--seed", 1, "--size", "big"), "is not HEIGHTxWIDTH"),
        (("tanaka-le", "--seed", 1, "--size", "0x8"), "is not HEIGHTxWIDTH"),
        (("tanaka-le", "--seed", 1, "--size", "²x8"), "is not HEIGHTxWIDTH"),
        (("smkk", "--seed", 1, "--size", "99999x99999"), "has more than 67,108,864 pixels"),
        (("tanaka-le", "--seed", 1, "--channels", 2), "must be 1 or 3"),
        (("tanaka-le", "--seed", 1, "--rng", "matlab"), "rng must be"),
        (("tanaka-le", "--arrays", "none.npy"), "cannot be read"),
        (("skk", "--seed", 1), "one for all images"),
    ],
)
def test_wrong_wishes_are_refused(tmp_path, words, told):
    out, done = imported(tmp_path, *words)
    assert done.returncode == 2
    assert told in done.stderr
    assert not out.exists()


def test_no_file_is_written_over(tmp_path):
    (tmp_path / "legacy.pvasset").write_text("mine")
    out, done = imported(tmp_path, "tanaka-le", "--seed", 1)
    assert done.returncode == 2
    assert out.read_text() == "mine"
