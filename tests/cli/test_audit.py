"""The command as a user meets it: exit codes, one line each, and going on after a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.cli.app import main
from pixelveil.cli.audit import duration
from pixelveil.errors import UsageError

SKK = ("--scheme", "skk", "-p", "key-policy=shared", "--attacks", "leading-bit", "--victims", "60", "--budget", "60s")


def pictures(count, *, side=16):
    """Smooth dark pictures: folding them is reading them."""
    small = np.random.default_rng(0).integers(0, 121, (count, side // 2, side // 2, 3), dtype=np.uint8)
    return small.repeat(2, axis=1).repeat(2, axis=2)


@pytest.fixture
def data(tmp_path):
    np.savez(tmp_path / "pictures.npz", x=pictures(240))
    return tmp_path / "pictures.npz"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """The program in this process: what it prints and its exit code."""
    monkeypatch.chdir(tmp_path)

    def start(*words):
        with pytest.raises(SystemExit) as done:
            main(["audit", *map(str, words)])
        told = capsys.readouterr()
        return SimpleNamespace(returncode=done.value.code or 0, stdout=told.out, stderr=told.err)

    return start


def test_an_audit_and_its_report(run, tmp_path, data):
    done = run(*SKK, "--data", data, "--out", "out", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["grade"] == "BROKEN"
    assert answer["report"] == "out/report.html"
    assert [cell["attack"] for cell in answer["cells"]] == ["leading-bit"]
    assert answer["command"].startswith("pixelveil audit --scheme skk -p key-policy=shared --data pictures.npz")
    assert str(tmp_path) not in (tmp_path / "out" / "report.json").read_text()
    told = run(*SKK, "--data", data, "--out", "out")
    assert "skk: BROKEN" in told.stdout
    assert "Report: out/report.html" in told.stdout


def test_a_requirement_that_is_not_met_is_exit_code_5(run, data):
    base = (*SKK, "--data", data, "--out", "out")
    failed = run(*base, "--require", "ciphertext-only: ssim<0.2", "--require", "pairs: ssim<0.2")
    assert failed.returncode == 5
    lines = [line for line in failed.stderr.splitlines() if "ssim<0.2" in line]
    assert len(lines) == 2
    assert lines[0].startswith("failed: ciphertext-only: ssim<0.2: leading-bit: ssim")
    assert "Traceback" not in failed.stderr
    undecided = run(*base, "--require", "gradients: verdict<LEAK", "--json")
    assert undecided.returncode == 5
    assert json.loads(undecided.stdout)["requirements"][0]["outcome"] == "undecided"
    assert "undecided: gradients" in undecided.stderr
    met = run(*base, "--require", "ciphertext-only: ssim<1.5")
    assert met.returncode == 0
    assert "met: ciphertext-only: ssim<1.5" in met.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "needs --scheme, --data and --out"),
        ((*SKK, "--data", "missing", "--out", "o"), "neither a folder"),
        ((*SKK, "--data", ".", "--out", "o", "--require", "nonsense"), "cannot be read"),
        ((*SKK, "--data", ".", "--out", "o", "--budget", "soon"), "is no time"),
        ((*SKK, "--data", ".", "--out", "o", "--attacks", "guessing"), "no attack or game"),
        ((*SKK, "--data", ".", "--out", "o", "--base", "b.safetensors"), "give the model too"),
        (("--scheme", "rot13", "--data", ".", "--out", "o"), "unknown scheme"),
        (("compare", "nowhere", "elsewhere", "--out", "a.html"), "no finished audit"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(run, words, told):
    done = run(*words)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_after_a_kill_the_same_command_goes_on(run, tmp_path, data):
    words = (*SKK[:4], "--attacks", "leading-bit,brute-force", "--victims", "60", "--budget", "6s")
    base = (*words, "--data", str(data), "--out", "out", "--json")
    done, slow = tmp_path / "out" / "cells" / "leading-bit.json", tmp_path / "out" / "cells" / "brute-force.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "pixelveil", "audit", *base],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    try:
        while not (slow.exists() or done.exists()) and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    first = next(path for path in (slow, done) if path.exists())
    content = first.read_bytes()
    assert not (tmp_path / "out" / "report.json").exists()
    again = run(*base)
    assert again.returncode == 0, again.stderr
    assert first.read_bytes() == content
    assert {cell["attack"] for cell in json.loads(again.stdout)["cells"]} == {"leading-bit", "brute-force"}


def test_several_audits_side_by_side(run, tmp_path, data):
    assert run(*SKK, "--data", data, "--out", "one").returncode == 0
    other = ("--scheme", "xor-stream", *SKK[4:])
    assert run(*other, "--data", data, "--out", "two").returncode == 0
    done = run("compare", "one", "two", "--out", "both.html", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["grades"] == {"one": "BROKEN", "two": "NO LEAK FOUND"}
    assert "xor-stream" in (tmp_path / "both.html").read_text()
    assert "one: skk: BROKEN" in run("compare", "one", "two", "--out", "both.html").stdout


def test_the_help_says_that_plain_images_are_shown(run):
    told = " ".join(run("--help").stdout.split())
    assert "shows plain images" in told
    assert "--no-pictures" in told
    assert "Exit code 5" in told


def test_the_users_own_model_and_its_base(run, tmp_path, data):
    torch = pytest.importorskip("torch")
    from pixelveil.training.models import ModelSpec, save_checkpoint

    options = {"patch_size": 8, "embed_dim": 192, "depth": 1, "num_heads": 3}
    spec = ModelSpec(architecture="vit_tiny_patch16_224", num_classes=3, image_size=16, architecture_options=options)
    base, tuned = spec.build(), spec.build()
    tuned.load_state_dict(base.state_dict())
    with torch.no_grad():
        tuned.patch_embed.proj.weight.mul_(1.01)
    for name, model in (("base", base), ("tuned", tuned)):
        save_checkpoint(tmp_path / f"{name}.safetensors", model, spec=spec)
    words = ("--scheme", "vit-permutation", "-p", "block-size=8", "--attacks", "stem-key", "--victims", "60")
    words += ("--data", data, "--model", "tuned.safetensors", "--json")
    known = run(*words, "--out", "known", "--base", "base.safetensors")
    assert known.returncode == 0, known.stderr
    answer = json.loads(known.stdout)
    assert answer["grade"] == "BROKEN"
    assert "--model tuned.safetensors --base base.safetensors" in answer["command"]
    assert {line["access"]: line["status"] for line in answer["threat_models"]}["model"] == "broken"
    assert "own model" in (tmp_path / "known" / "report.html").read_text()
    secret = json.loads(run(*words, "--out", "secret").stdout)
    assert "--base" in secret["cells"][0]["criterion"]


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1h", 3600), ("45", 45), (" 1.5 m ", 90)])
def test_times(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "-3s", "10 days", "0", "1e3"])
def test_what_is_no_time(text):
    with pytest.raises(UsageError):
        duration(text)


def test_a_classifier_of_plain_images_looks_at_reconstructions(run, tmp_path, data):
    models = pytest.importorskip("pixelveil.training.models")
    spec = models.ModelSpec(architecture="test_resnet", num_classes=3, image_size=32)
    (tmp_path / "trained").mkdir()
    models.save_checkpoint(tmp_path / "trained" / "best.safetensors", spec.build(), spec=spec)
    done = run(*SKK, "--data", data, "--out", "out", "--json", "--classifier", tmp_path / "trained")
    assert done.returncode == 0, done.stderr
    cell = json.loads((tmp_path / "out" / "cells" / "leading-bit.json").read_text())
    assert cell["recognition"]["value"] >= cell["recognition_control"]["value"]
    assert cell["lpips"] is None
    assert "--classifier trained " in json.loads(done.stdout)["command"]


def test_weights_that_are_not_there_are_told_before_images_are_read(run, tmp_path):
    for option in ("--classifier", "--lpips-weights"):
        done = run(*SKK, "--data", tmp_path / "nothing.npz", "--out", "out", option, tmp_path / "missing")
        assert done.returncode == 2
        assert "missing" in done.stderr or "perceptual" in done.stderr


def test_without_labels_no_classifier_is_trained(run, data):
    done = run(*SKK, "--data", data, "--out", "out", "--classifier", "public")
    assert done.returncode == 2
    assert "needs labels" in done.stderr
