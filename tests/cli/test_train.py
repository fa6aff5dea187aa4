"""train, evaluate, predict on plain and encrypted data, as a user calls them."""

import json
import shlex

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from pixelveil.cli import train
from pixelveil.data import encrypt_folder
from pixelveil.errors import IntegrityError, UsageError
from pixelveil.keys import Key, keyfile
from pixelveil.models import encrypt_model, save_model
from pixelveil.schemes import create_scheme
from pixelveil.training.models import ModelSpec, load_checkpoint, save_checkpoint

SIZE = 32
SCHEME = create_scheme("vit-permutation", block_size=16)
TRAIN = "--model vit_tiny_patch16_224 --size 32 --epochs 2 --batch-size 8 --lr 3e-4"


def run(line):
    """Run a command line on an app of these commands; raise the error that the real one would print."""
    app = typer.Typer()
    for command in (train.train, train.evaluate, train.predict):
        app.command()(command)
    result = CliRunner().invoke(app, shlex.split(line))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.setattr(keyfile, "LOG2_N", 10)
    monkeypatch.setenv("PIXELVEIL_PASSPHRASE", "p")
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for group, count in (("train", 20), ("test", 10)):
        for name, level in (("bright", 150), ("dark", 0)):
            place = tmp_path / "plain" / group / name
            place.mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(level, level + 100, (SIZE, SIZE, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.png")


@pytest.fixture
def key(tmp_path):
    key = Key.generate()
    key.save(tmp_path / "k.pvkey", passphrase="p")
    return key


@pytest.fixture
def run_folder(tmp_path):
    """A run with an untrained model, for which answers must be kept, not right."""
    spec = ModelSpec(
        architecture="vit_tiny_patch16_224",
        num_classes=2,
        image_size=SIZE,
        classes=("bright", "dark"),
        architecture_options={"embed_dim": 48, "depth": 1, "num_heads": 2},
    )
    (tmp_path / "run").mkdir()
    save_checkpoint(tmp_path / "run" / "best.safetensors", spec.build(seed=2), spec=spec)
    return tmp_path / "run"


def test_train_then_evaluate_plain():
    answer = json.loads(run(f"train plain {TRAIN} --out run --json"))
    assert answer["checkpoint"] == "run/best.safetensors"
    assert answer["classes"] == ["bright", "dark"]
    assert (answer["training_images"], answer["validation_images"]) == (36, 4)
    assert [entry["epoch"] for entry in answer["history"]] == [1, 2]
    again = json.loads(run(f"train plain {TRAIN} --out run --json"))
    assert again == answer  # finished: nothing is done again
    scores = json.loads(run("evaluate run plain --json"))
    assert scores["images"] == 20
    assert scores["accuracy"] == pytest.approx(100 * np.trace(scores["confusion"]) / 20)
    low, high = scores["interval_95"]
    assert low <= scores["accuracy"] <= high
    assert scores["encrypted_model"] is False
    assert json.loads(run("evaluate run/best.safetensors plain --group train --json"))["images"] == 40
    with pytest.raises(UsageError, match="another settings"):
        run(f"train plain {TRAIN} --seed 1 --out run")


def test_train_on_an_encrypted_folder_without_the_key(key, tmp_path):
    encrypt_folder(tmp_path / "plain", tmp_path / "veiled", scheme=SCHEME, key=key, size=SIZE)
    text = run(f"train veiled {TRAIN.replace('--size 32', '')} --out run")
    assert "run/best.safetensors" in text
    assert "of 4 images" in text
    assert load_checkpoint(tmp_path / "run" / "best.safetensors")[1].image_size == SIZE
    assert json.loads(run("evaluate run veiled --json"))["images"] == 20


def test_an_encrypted_model_scores_on_encrypted_images_as_the_plain_one_on_plain(key, run_folder, tmp_path):
    encrypt_folder(tmp_path / "plain", tmp_path / "veiled", scheme=SCHEME, key=key, size=SIZE)
    model, spec = load_checkpoint(run_folder / "best.safetensors")
    veiled = encrypt_model(model, scheme=SCHEME, key=key, image_size=SIZE, mean=spec.mean, std=spec.std)
    save_model(veiled, tmp_path / "veiled.safetensors", metadata=spec.to_metadata())
    plain = json.loads(run("evaluate run plain --json"))
    encrypted = json.loads(run("evaluate veiled.safetensors veiled --json"))
    assert encrypted["encrypted_model"] is True
    assert encrypted["confusion"] == plain["confusion"]


@pytest.mark.parametrize("scheme", [SCHEME, create_scheme("etc-color", block_size=16)], ids=lambda scheme: scheme.name)
def test_training_goes_on_from_a_model_that_was_adapted_to_the_key(key, run_folder, tmp_path, scheme):
    encrypt_folder(tmp_path / "plain", tmp_path / "veiled", scheme=scheme, key=key, size=SIZE)
    model, spec = load_checkpoint(run_folder / "best.safetensors")
    adapted = encrypt_model(model, scheme=scheme, key=key, image_size=SIZE, mean=spec.mean, std=spec.std)
    save_model(adapted, tmp_path / "adapted.safetensors", metadata=spec.to_metadata())
    line = "train veiled --from adapted.safetensors --epochs 2 --batch-size 8 --lr 3e-4"
    answer = json.loads(run(f"{line} --out tuned --json"))
    assert answer["encrypted_model"] is True
    assert answer["start"] == "adapted.safetensors"
    tuned, again = load_checkpoint(tmp_path / "tuned" / "best.safetensors")
    assert (tuned.pixelveil.fingerprint, tuned.pixelveil.digest) == (key.fingerprint, scheme.digest)
    assert again == spec
    assert json.loads(run("evaluate tuned veiled --json"))["misfit"] == ""
    assert json.loads(run(f"{line} --out tuned --json")) == answer  # finished: nothing is done again


def test_other_classes_than_the_checkpoints_get_a_new_last_layer(run_folder, tmp_path):
    (tmp_path / "plain" / "train" / "dark").rename(tmp_path / "plain" / "train" / "black")
    (tmp_path / "plain" / "test" / "dark").rename(tmp_path / "plain" / "test" / "black")
    run("train plain --from run --epochs 1 --batch-size 8 --out tuned")
    assert load_checkpoint(tmp_path / "tuned" / "best.safetensors")[1].classes == ("black", "bright")


def test_a_start_that_does_not_fit_is_refused(key, run_folder, tmp_path):
    encrypt_folder(tmp_path / "plain", tmp_path / "veiled", scheme=SCHEME, key=key, size=SIZE)
    model, spec = load_checkpoint(run_folder / "best.safetensors")
    adapted = encrypt_model(model, scheme=SCHEME, key=Key.generate(), image_size=SIZE, mean=spec.mean, std=spec.std)
    save_model(adapted, tmp_path / "adapted.safetensors", metadata=spec.to_metadata())
    with pytest.raises(IntegrityError, match="is encrypted with key"):
        run("train veiled --from adapted.safetensors --out tuned")
    with pytest.raises(IntegrityError, match="the images are plain"):
        run("train plain --from adapted.safetensors --out tuned")
    with pytest.raises(UsageError, match="exclude each other"):
        run("train veiled --from run --model vit_tiny_patch16_224 --out tuned")
    with pytest.raises(UsageError, match="images of 48 pixels; the checkpoint takes 32"):
        run("train plain --from run --size 48 --out tuned")
    with pytest.raises(UsageError, match="no checkpoint there"):
        run("train plain --from nowhere --out tuned")


def test_predict_encrypts_here_with_the_models_own_scheme(key, run_folder, tmp_path):
    model, spec = load_checkpoint(run_folder / "best.safetensors")
    veiled = encrypt_model(model, scheme=SCHEME, key=key, image_size=SIZE, mean=spec.mean, std=spec.std)
    save_model(veiled, tmp_path / "veiled.safetensors", metadata=spec.to_metadata())
    images = "plain/test/dark/0.png plain/test/bright/1.png"
    plain = json.loads(run(f"predict run {images} --json"))
    assert plain["encrypted_here"] is False
    encrypted = json.loads(run(f"predict veiled.safetensors {images} --key k.pvkey --json"))
    assert encrypted["encrypted_here"] is True
    for before, after in zip(plain["answers"], encrypted["answers"], strict=True):
        assert before["image"] == after["image"]
        assert [one["class"] for one in before["top"]] == [one["class"] for one in after["top"]]
        for one, other in zip(before["top"], after["top"], strict=True):
            assert one["probability"] == pytest.approx(other["probability"], abs=1e-5)
        assert sum(one["probability"] for one in before["top"]) == pytest.approx(1, abs=1e-5)
    assert Key.load("k.pvkey", passphrase="p").active.used == 2  # counted against the budget
    assert "plain/test/dark/0.png: " in run(f"predict run {images} --top 1")


def test_predict_refuses_a_foreign_key_before_it_spends_budget(key, run_folder, tmp_path):
    model, spec = load_checkpoint(run_folder / "best.safetensors")
    other = Key.generate()
    veiled = encrypt_model(model, scheme=SCHEME, key=other, image_size=SIZE, mean=spec.mean, std=spec.std)
    save_model(veiled, tmp_path / "veiled.safetensors", metadata=spec.to_metadata())
    with pytest.raises(IntegrityError, match=other.fingerprint):
        run("predict veiled.safetensors plain/test/dark/0.png --key k.pvkey")
    assert Key.load("k.pvkey", passphrase="p").active.used == 0


def test_a_plain_model_names_no_scheme(key, run_folder):
    with pytest.raises(UsageError, match="names no scheme"):
        run("predict run plain/test/dark/0.png --key k.pvkey")
    answer = json.loads(
        run("predict run plain/test/dark/0.png --key k.pvkey --scheme vit-permutation -p block_size=16 --json")
    )
    assert answer["encrypted_here"] is True


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train plain --model vit_tini_patch16_224 --size 32 --out run", "unknown model"),
        ("train nowhere --out run", "nowhere"),
        ("evaluate nowhere plain", "no checkpoint"),
        ("train plain --size 32 --out run --precision fp8", "precision"),
    ],
)
def test_wrong_calls(line, message):
    with pytest.raises(UsageError, match=message):
        run(line)


@pytest.mark.parametrize("command", ["train", "evaluate", "predict"])
def test_help_has_an_example(command):
    assert f"pixelveil {command}" in run(f"{command} --help")


def invoke(line):
    """Run a command line; return its result, whatever the exit code."""
    app = typer.Typer()
    for command in (train.train, train.evaluate, train.predict):
        app.command()(command)
    return CliRunner().invoke(app, shlex.split(line))


def test_unreadable_images_are_named_and_left_out(run_folder):
    bad = run_folder.parent / "plain" / "test" / "bright" / "0.png"
    bad.write_bytes(b"no picture")
    result = invoke("evaluate run plain --json")
    assert result.exit_code == 3
    answer = json.loads(result.stdout)
    assert answer["images"] == 19
    assert len(answer["rejected"]) == 1
    assert str(bad.relative_to(run_folder.parent)) in answer["rejected"][0]


def test_unreadable_images_do_not_stop_a_training():
    from pathlib import Path

    Path("plain/train/bright/0.png").write_bytes(b"no picture")
    result = invoke(f"train plain {TRAIN} --epochs 1 --out run --json")
    assert result.exit_code == 3
    answer = json.loads(result.stdout)
    assert answer["training_images"] + answer["validation_images"] == 39
    assert len(answer["rejected"]) == 1


def test_a_model_and_images_of_different_keys_are_told_apart(run_folder, key):
    model, spec = load_checkpoint(run_folder / "best.safetensors")
    options = {"scheme": SCHEME, "image_size": SIZE, "mean": spec.mean, "std": spec.std}
    veiled = encrypt_model(model, key=key, **options)
    save_model(veiled, "veiled.safetensors", metadata=spec.to_metadata())
    encrypt_folder(run_folder.parent / "plain", run_folder.parent / "same", key=key, scheme=SCHEME)
    other = Key.generate()
    encrypt_folder(run_folder.parent / "plain", run_folder.parent / "other", key=other, scheme=SCHEME)
    assert json.loads(run("evaluate veiled.safetensors same --json"))["misfit"] == ""
    misfit = json.loads(run("evaluate veiled.safetensors other --json"))["misfit"]
    assert key.fingerprint in misfit
    assert other.fingerprint in misfit
    assert "plain" in json.loads(run("evaluate veiled.safetensors plain --json"))["misfit"]


def test_predict_leaves_unreadable_files_out(run_folder):
    folder = run_folder.parent / "plain" / "test" / "dark"
    bad = folder / "bad.png"
    bad.write_bytes(b"no picture")
    result = invoke(f"predict run {bad} {folder / '1.png'} --json")
    assert result.exit_code == 3
    answer = json.loads(result.stdout)
    assert [entry["image"] for entry in answer["answers"]] == [str(folder / "1.png")]
    assert len(answer["rejected"]) == 1
    assert invoke(f"predict run {bad} --json").exit_code == 3


def test_predict_encrypts_for_the_client_of_the_model(run_folder, key):
    model, spec = load_checkpoint(run_folder / "best.safetensors")
    options = {"scheme": SCHEME, "image_size": SIZE, "mean": spec.mean, "std": spec.std, "client": "ward-7"}
    save_model(encrypt_model(model, key=key, **options), "veiled.safetensors", metadata=spec.to_metadata())
    image = run_folder.parent / "plain" / "test" / "dark" / "1.png"
    plain = json.loads(run(f"predict run {image} --json"))["answers"]
    veiled = json.loads(run(f"predict veiled.safetensors {image} --key k.pvkey --json"))["answers"]
    assert [entry["class"] for entry in plain[0]["top"]] == [entry["class"] for entry in veiled[0]["top"]]
    for before, after in zip(plain[0]["top"], veiled[0]["top"], strict=True):
        assert after["probability"] == pytest.approx(before["probability"], abs=1e-4)


@pytest.mark.parametrize(
    ("scheme", "adaptation", "moves"),
    [
        (create_scheme("skk"), "invariant", {"flip": True, "pixels": 4}),
        (create_scheme("etc-gray"), "ele", {}),
        (create_scheme("tanaka-le"), "tanaka", {"pixels": 4, "step": 4}),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_auto_finds_the_network_and_the_movements_of_a_scheme(key, tmp_path, scheme, adaptation, moves):
    encrypt_folder(tmp_path / "plain", tmp_path / "veiled", scheme=scheme, key=key, size=SIZE)
    line = "train veiled --network resnet20 --adapt auto --epochs 2 --batch-size 9 --lr 3e-3 --out run --json"
    answer = json.loads(run(line))
    assert (answer["model"], answer["adaptation"], answer["seed"]) == ("resnet20", adaptation, 0)
    assert {name: answer["augmentation"][name] for name in moves} == moves
    assert bool(answer["augmentation"]) == bool(moves)
    again = json.loads(run(line))
    assert again == answer  # the run is finished
    tested = json.loads(run("evaluate run veiled --json"))
    assert tested["images"] == 20
    predicted = json.loads(run(f"predict run plain/test/dark/0.png --key k.pvkey --scheme {scheme.name} --json"))
    assert predicted["answers"][0]["top"][0]["class"] in ("bright", "dark")
    longer = json.loads(run("train veiled --from run --epochs 1 --batch-size 9 --out more --json"))
    assert longer["adaptation"] == adaptation


def test_weights_of_a_file_are_begun_with(tmp_path):
    from safetensors.torch import save_file

    from pixelveil.models.backbones import create_backbone

    public = create_backbone("resnet20", num_classes=10, image_size=SIZE, seed=4)
    save_file(public.state_dict(), tmp_path / "w.safetensors")
    line = "train plain --size 32 --network resnet20 --epochs 1 --batch-size 9 --lr 1e-9 --out run"
    run(f"{line} --weights w.safetensors --augment flip,shift --cutmix 1 --ema 0.5 --optimizer sgd")
    model, spec = load_checkpoint(tmp_path / "run" / "best.safetensors")
    assert spec.mean == (0.485, 0.456, 0.406)
    assert np.allclose(model.layer1[0].conv1.weight.detach(), public.layer1[0].conv1.weight.detach(), atol=1e-4)
    with pytest.raises(UsageError, match="another"):
        run(line)


def test_what_encrypted_images_do_not_bear(key, tmp_path):
    encrypt_folder(tmp_path / "plain", tmp_path / "veiled", scheme=SCHEME, key=key, size=SIZE)
    line = "train veiled --network resnet20 --epochs 1 --out run"
    with pytest.raises(UsageError, match="bear no flip"):
        run(f"{line} --augment flip")
    with pytest.raises(UsageError, match="cutmix of images"):
        run(f"{line} --cutmix 1")
    with pytest.raises(UsageError, match="unknown adaptation"):
        run(f"{line} --adapt tanka")


def test_images_are_encrypted_while_training(key, tmp_path):
    line = "train plain --size 32 --network resnet20 --adapt auto --epochs 1 --batch-size 9 --out run --json"
    own = "--key k.pvkey --scheme etc-gray -p block_size=4 --augment flip,shift"
    answer = json.loads(run(f"{line} {own}"))
    assert (answer["adaptation"], answer["encrypted_here"], answer["image_size"]) == ("ele", True, 32)
    assert answer["augmentation"]["flip"] is True
    assert Key.load("k.pvkey", passphrase="p").active.used == 36 + 4
    encrypt_folder(
        tmp_path / "plain", tmp_path / "veiled", scheme=create_scheme("etc-gray", block_size=4), key=key, size=SIZE
    )
    assert json.loads(run("evaluate run veiled --json"))["images"] == 20
    with pytest.raises(UsageError, match="encrypted already, by etc-gray"):
        run(f"train veiled --network resnet20 --out other {own}")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--key k.pvkey", "need a scheme"),
        ("--scheme tanaka-le", "needs a key"),
        ("--scheme svd-wang -p size=8 --key k.pvkey", "not of squares"),
        ("--scheme madono-ele --key k.pvkey --mixup 1", "mixup of images"),
    ],
)
def test_encryption_while_training_that_cannot_be(key, words, message):
    with pytest.raises(UsageError, match=message):
        run(f"train plain --size 32 --network resnet20 --epochs 1 --out run {words}")
