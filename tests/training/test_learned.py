"""From class folders to a scheme, a classifier for the cloud, and an accuracy of both."""

import json

import numpy as np
import pytest
from PIL import Image

from pixelveil.cli.app import main
from pixelveil.data import encrypt_folder
from pixelveil.errors import UsageError
from pixelveil.keys import Key, keyfile
from pixelveil.schemes import create_scheme
from pixelveil.schemes.asset import Asset
from pixelveil.training.evaluate import accuracy, predict_logits
from pixelveil.training.folders import open_test, open_training
from pixelveil.training.learned import classifier_path, fit_learned, run_folder
from pixelveil.training.models import ModelSpec, load_checkpoint, save_checkpoint

TINY = {"width": 4, "depth": 2, "border": 1, "model": "test_resnet", "classifier_epochs": 2}
I2P = "image-to-perturbation"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Dark and bright images of 16 pixels: 20 of each to learn from, 5 to test."""
    root = tmp_path_factory.mktemp("images")
    random = np.random.default_rng(0)
    for number in range(50):
        name, group = ("dark", "bright")[number % 2], "train" if number < 40 else "test"
        (root / group / name).mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 120, (16, 16, 3)) + 130 * (number % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(root / group / name / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """A checkpoint with random weights, whose classes come in another order than the folder's."""
    path = tmp_path_factory.mktemp("classifier") / "psi.safetensors"
    spec = ModelSpec(architecture="test_resnet", num_classes=3, image_size=16, classes=("dark", "gray", "bright"))
    save_checkpoint(path, spec.build(seed=1), spec=spec)
    return path


def fit(folder, out, *, name=I2P, **options):
    chosen = {"data": folder, "out": out, "epochs": 2, "batch_size": 16, "size": 16, "parameters": TINY} | options
    return fit_learned(name, **chosen)


@pytest.mark.parametrize("name", [I2P, "gan-transform"])
def test_a_scheme_and_its_classifier_come_out(folder, tmp_path, name):
    steps = []
    report = fit(folder, tmp_path / "veil.safetensors", name=name, advance=lambda *step: steps.append(step))
    assert (report.training_images, report.validation_images, report.epochs) == (36, 4, 2)
    assert steps == [(number, 4) for number in range(1, 5)] * 2
    asset = Asset.load(report.asset)
    assert (asset.scheme, asset.kind, asset.digest) == (name, "weights", report.digest)
    settings = asset.settings
    assert (settings["seed"], settings["best_epoch"]) == (0, report.best_epoch)
    assert settings["recipe"]["width"] == 4
    assert settings["transformed_accuracy"] == report.transformed_accuracy
    assert str(tmp_path) not in json.dumps(dict(settings))
    scheme = create_scheme(name, asset=asset)
    assert report.classifier == classifier_path(report.asset) == tmp_path / "veil-classifier.safetensors"
    model, spec = load_checkpoint(report.classifier)
    assert spec.classes == ("bright", "dark")
    held = open_training(folder, size=16).validation
    plain = held.read(range(len(held)))
    for images, expected in (
        (plain, report.plain_accuracy),
        (scheme.encrypt(plain).images, report.transformed_accuracy),
    ):
        assert accuracy(predict_logits(model, images, mean=spec.mean, std=spec.std), held.labels) == expected
    encrypt_folder(folder, tmp_path / "veiled", key=Key.generate(budget=1), scheme=scheme)
    assert len(open_test(tmp_path / "veiled", spec=spec)) == 10


def test_a_given_classifier_is_kept_and_its_order_of_classes_counts(folder, classifier, tmp_path):
    report = fit(folder, tmp_path / "a", parameters=TINY | {"classifier": str(classifier)}, size=None)
    given, kept = load_checkpoint(classifier)[0].state_dict(), load_checkpoint(report.classifier)[0].state_dict()
    assert all((given[name] == kept[name]).all() for name in given)
    assert not (run_folder(report.asset) / "classifier").exists()
    model, spec = load_checkpoint(classifier)
    held = open_training(folder, size=16).validation
    order = np.array([spec.classes.index(name) for name in ("bright", "dark")])
    logits = predict_logits(model, held, mean=spec.mean, std=spec.std)
    assert report.plain_accuracy == accuracy(logits, order[held.labels])


def test_a_killed_fit_goes_on_and_a_finished_one_gives_the_same(folder, tmp_path):
    whole = fit(folder, tmp_path / "whole")
    for killed_at in (3, 7):
        seen = []

        def kill(done, total, seen=seen, killed_at=killed_at):
            seen.append((done, total))
            if len(seen) == killed_at:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fit(folder, tmp_path / f"cut{killed_at}", advance=kill)
        assert not (tmp_path / f"cut{killed_at}").exists()
        assert fit(folder, tmp_path / f"cut{killed_at}").digest == whole.digest
    steps = []
    assert fit(folder, tmp_path / "whole", advance=lambda *step: steps.append(step)).digest == whole.digest
    assert steps == []
    with pytest.raises(UsageError, match="holds a run with another"):
        fit(folder, tmp_path / "whole", epochs=1)
    again = fit(folder, tmp_path / "whole", resume=False, advance=lambda *step: steps.append(step))
    assert len(steps) == 8
    assert again.digest == whole.digest
    assert fit(folder, tmp_path / "other", seed=1).digest != whole.digest


def test_the_limit_counts_training_images(folder, tmp_path):
    report = fit(folder, tmp_path / "a", limit=18, epochs=1)
    assert (report.training_images, report.validation_images) == (18, 2)


@pytest.mark.parametrize("perceptual", ["classifier", "random"])
def test_other_features(folder, classifier, tmp_path, perceptual):
    parameters = TINY | {"classifier": str(classifier), "perceptual": perceptual}
    report = fit(folder, tmp_path / "a", parameters=parameters, epochs=1)
    assert Asset.load(report.asset).settings["recipe"]["perceptual"] == perceptual


def test_what_does_not_fit_is_refused(folder, classifier, tmp_path):
    out = tmp_path / "a"
    with pytest.raises(UsageError, match="the classifier takes images of 16 pixels, not 24"):
        fit(folder, out, parameters=TINY | {"classifier": str(classifier)}, size=24)
    with pytest.raises(UsageError, match="no checkpoint there"):
        fit(folder, out, parameters=TINY | {"classifier": str(tmp_path / "none")})
    with pytest.raises(UsageError, match="skk has no network to train"):
        fit(folder, out, name="skk")
    spec = ModelSpec(architecture="test_resnet", num_classes=2, image_size=16, classes=("dark", "light"))
    save_checkpoint(tmp_path / "psi", spec.build(), spec=spec)
    with pytest.raises(UsageError, match="class 'bright' is none of the classifier's"):
        fit(folder, out, parameters=TINY | {"classifier": str(tmp_path / "psi")})
    scheme = create_scheme("skk", key_policy="ephemeral")
    encrypt_folder(folder, tmp_path / "encrypted", key=Key.generate(budget=50), scheme=scheme)
    with pytest.raises(UsageError, match="is encrypted"):
        fit(tmp_path / "encrypted", out)
    assert not out.exists()


def test_the_command_line_trains_encrypts_and_evaluates(folder, classifier, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(keyfile, "LOG2_N", 10)
    monkeypatch.setenv("PIXELVEIL_PASSPHRASE", "p")

    def run(*words):
        with pytest.raises(SystemExit) as done:
            main([str(word) for word in words])
        printed = capsys.readouterr()
        assert not done.value.code, printed.err
        return printed.out

    out, veiled = tmp_path / "veil.safetensors", tmp_path / "veiled"
    parameters = [f"-p{name}={value}" for name, value in (TINY | {"classifier": classifier}).items()]
    options = ("--data", folder, "--out", out, "--epochs", 1, "--batch-size", 16, "--json")
    report = json.loads(run("schemes", "fit", I2P, *options, *parameters))
    assert report["digest"] == Asset.load(out).digest
    run("keygen", tmp_path / "k.pvkey")
    run("encrypt", folder, veiled, "--key", tmp_path / "k.pvkey", "--scheme", I2P, "--asset", out)
    told = json.loads(run("evaluate", report["classifier"], veiled, "--json"))
    assert told["images"] == 10
