"""The loop learns, resumes exactly, and refuses to mix runs."""

import json
import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.keys import Key
from pixelveil.models import encrypt_model
from pixelveil.schemes import create_scheme
from pixelveil.training.augment import Augmentation
from pixelveil.training.dataset import ArrayImages
from pixelveil.training.evaluate import accuracy, predict_logits
from pixelveil.training.loop import TrainSettings, _float32_stem, _loss, learning_rate_at, train
from pixelveil.training.models import ModelSpec, load_checkpoint

SPEC = ModelSpec(
    architecture="vit_tiny_patch16_224",
    num_classes=2,
    image_size=16,
    classes=("dark", "bright"),
    architecture_options={"patch_size": 8, "embed_dim": 16, "depth": 1, "num_heads": 2, "drop_rate": 0.1},
)


def dark_and_bright(count, *, seed):
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = random.integers(0, 120, (count, 16, 16, 3)) + 130 * labels[:, None, None, None]
    return ArrayImages(images.astype(np.uint8), labels=labels)


TRAINING, VALIDATION = dark_and_bright(40, seed=0), dark_and_bright(16, seed=1)
SETTINGS = TrainSettings(
    epochs=3, batch_size=16, learning_rate=3e-3, seed=5, augmentation=Augmentation(flip=True, shift=0.1)
)


def run(out, *, settings=SETTINGS, advance=None):
    model = SPEC.build(seed=settings.seed)
    result = train(
        model,
        spec=SPEC,
        train_set=TRAINING,
        validation_set=VALIDATION,
        settings=settings,
        out=out,
        advance=advance,
    )
    return model, result


def test_it_learns_and_leaves_the_best_weights(tmp_path):
    model, result = run(tmp_path)
    assert result.best_accuracy == 100
    loaded, spec = load_checkpoint(result.checkpoint)
    assert spec == SPEC
    for name, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name])
    logits = predict_logits(loaded, VALIDATION, mean=spec.mean, std=spec.std)
    assert accuracy(logits, VALIDATION.labels) == result.best_accuracy
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [entry["epoch"] for entry in log] == [1, 2, 3]
    scores = [entry["validation_accuracy"] for entry in log]
    assert result.best_epoch == max(place for place, score in enumerate(scores, start=1) if score == max(scores))


@pytest.mark.parametrize("killed_at", [1, 3, 5])
def test_a_killed_run_ends_like_one_that_was_not(tmp_path, killed_at):
    run(tmp_path / "whole")

    def kill(done, total):
        assert total == 6
        if done == killed_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", advance=kill)
    run(tmp_path / "cut")
    for name in ("state.safetensors", "best.safetensors"):
        whole, cut = load_file(tmp_path / "whole" / name), load_file(tmp_path / "cut" / name)
        assert whole.keys() == cut.keys()
        assert all(torch.equal(whole[key], cut[key]) for key in whole)
    assert any(name.startswith("optimizer.0.exp_avg") for name in load_file(tmp_path / "cut" / "state.safetensors"))


def test_a_finished_run_does_nothing(tmp_path):
    _, first = run(tmp_path)
    steps = []
    _, second = run(tmp_path, advance=lambda done, total: steps.append(done))
    assert steps == []
    assert second == first


def test_the_seed_decides(tmp_path):
    a, _ = run(tmp_path / "a")
    b, _ = run(tmp_path / "b", settings=TrainSettings(epochs=3, batch_size=16, learning_rate=3e-3, seed=6))
    assert not torch.equal(a.head.weight, b.head.weight)


def test_another_setting_is_another_run(tmp_path):
    run(tmp_path)
    with pytest.raises(UsageError, match="another settings") as caught:
        run(tmp_path, settings=TrainSettings(epochs=4))
    assert "--out" in caught.value.hint


def test_a_torn_state_is_told(tmp_path):
    run(tmp_path)
    state = tmp_path / "state.safetensors"
    state.write_bytes(state.read_bytes()[:200])
    with pytest.raises(IntegrityError, match=r"state\.safetensors"):
        run(tmp_path)


def test_bfloat16_trains_and_the_stem_stays_float32(tmp_path):
    _, result = run(tmp_path, settings=TrainSettings(epochs=4, batch_size=16, learning_rate=3e-3, precision="bf16"))
    assert result.best_accuracy > 80
    model = SPEC.build()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert model.patch_embed.proj(torch.zeros(1, 3, 16, 16)).dtype == torch.bfloat16
        with _float32_stem(model):
            assert model.patch_embed.proj(torch.zeros(1, 3, 16, 16)).dtype == torch.float32
            assert model.head(torch.zeros(1, 16)).dtype == torch.bfloat16
    assert "forward" not in vars(model.patch_embed.proj)


def adapted(scheme, key):
    """The model of seed 5 under a key, and the images under the same."""
    model = encrypt_model(SPEC.build(seed=5), scheme=scheme, key=key, image_size=16, mean=SPEC.mean, std=SPEC.std)
    images = scheme.encrypt(TRAINING.images, key=key).images
    return model, ArrayImages(images, labels=TRAINING.labels)


@pytest.mark.parametrize("name", ["vit-permutation", "etc-color"])
def test_a_model_adapted_to_a_key_learns_from_encrypted_images_as_the_plain_one_from_plain(tmp_path, name):
    """AdamW does not see signed permutations, so the losses are the same; the checkpoint is encrypted."""
    scheme, key = create_scheme(name, block_size=8), Key.generate()
    settings = TrainSettings(epochs=2, batch_size=16, seed=5)
    losses = []
    for model, images in ((SPEC.build(seed=5), TRAINING), adapted(scheme, key)):
        out = tmp_path / type(model.patch_embed.proj).__name__ / str(len(losses))
        result = train(
            model, spec=SPEC, train_set=images, validation_set=images, settings=settings, out=out, origin=str(out)
        )
        losses.append([entry["train_loss"] for entry in result.history])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    tuned, spec = load_checkpoint(result.checkpoint)
    assert spec == SPEC
    assert tuned.pixelveil.fingerprint == key.fingerprint
    assert all(torch.equal(tensor, model.state_dict()[label]) for label, tensor in tuned.state_dict().items())


def test_other_first_weights_are_another_run(tmp_path):
    train_set, settings = TRAINING, TrainSettings(epochs=1, batch_size=16)
    parts = {"spec": SPEC, "train_set": train_set, "validation_set": VALIDATION, "settings": settings, "out": tmp_path}
    train(SPEC.build(), origin="a", **parts)
    with pytest.raises(UsageError, match="another origin"):
        train(SPEC.build(), origin="b", **parts)


def test_an_embedding_by_position_stays_float32_too():
    model, _ = adapted(create_scheme("etc-color", block_size=8), Key.generate())
    with torch.autocast("cpu", dtype=torch.bfloat16), _float32_stem(model):
        assert model.patch_embed.proj(torch.zeros(1, 3, 16, 16)).dtype == torch.float32
        assert model.blocks[0].attn.qkv(torch.zeros(1, 16)).dtype == torch.bfloat16


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"precision": "fp8"}, {"warmup": 1.0}, {"learning_rate": 0.0}, {"batch_size": 0}]
)
def test_impossible_settings(wrong):
    with pytest.raises(UsageError):
        TrainSettings(**wrong)


def test_an_empty_set(tmp_path):
    nothing = ArrayImages(np.zeros((0, 16, 16, 3), np.uint8))
    with pytest.raises(UsageError, match="at least one"):
        train(SPEC.build(), spec=SPEC, train_set=nothing, validation_set=VALIDATION, settings=SETTINGS, out=tmp_path)


def test_the_schedule_rises_then_falls():
    settings = TrainSettings(learning_rate=2.0, warmup=0.25)
    rates = [learning_rate_at(step, steps=40, settings=settings) for step in range(40)]
    assert rates.index(max(rates)) == 9
    assert max(rates) == 2.0
    assert rates[:10] == sorted(rates[:10])
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[-1] < 0.02
    assert math.isclose(learning_rate_at(0, steps=1, settings=settings), 0.0, abs_tol=1e-9)


EVERYTHING = TrainSettings(
    epochs=3,
    batch_size=16,
    learning_rate=0.02,
    seed=5,
    optimizer="sgd",
    schedule="step",
    weight_decay=5e-4,
    label_smoothing=0.1,
    mixup=0.2,
    cutmix=1.0,
    ema=0.9,
    channels_last=True,
    augmentation=Augmentation(flip=True, pixels=2),
)
SMALL = ModelSpec(
    architecture="resnet20",
    num_classes=2,
    image_size=16,
    classes=("dark", "bright"),
    architecture_options={"depth": 8},
    adaptation="ele",
    adaptation_options={"block_size": 8},
)


def run_everything(out, *, settings=EVERYTHING, advance=None):
    return train(
        SMALL.build(seed=settings.seed),
        spec=SMALL,
        train_set=TRAINING,
        validation_set=VALIDATION,
        settings=settings,
        out=out,
        advance=advance,
    )


@pytest.mark.parametrize("killed_at", [2, 5])
def test_a_killed_run_with_everything_switched_on_ends_like_one_that_was_not(tmp_path, killed_at):
    run_everything(tmp_path / "whole")

    def kill(done, total):
        if done == killed_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_everything(tmp_path / "cut", advance=kill)
    run_everything(tmp_path / "cut")
    for name in ("state.safetensors", "best.safetensors"):
        whole, cut = load_file(tmp_path / "whole" / name), load_file(tmp_path / "cut" / name)
        assert whole.keys() == cut.keys()
        assert all(torch.equal(whole[key], cut[key]) for key in whole)
    assert any(name.startswith("model.average.") for name in whole_state(tmp_path))
    assert any(name.endswith("momentum_buffer") for name in whole_state(tmp_path))


def whole_state(folder):
    return load_file(folder / "whole" / "state.safetensors").keys()


def test_the_average_is_what_is_kept(tmp_path):
    result = run_everything(tmp_path)
    state, best = load_file(tmp_path / "state.safetensors"), load_file(result.checkpoint)
    if result.best_epoch == EVERYTHING.epochs:
        assert all(torch.equal(best[name], state[f"model.average.{name}"]) for name in best)
        assert not all(torch.equal(best[name], state[f"model.model.{name}"]) for name in best)
    loaded, spec = load_checkpoint(result.checkpoint)
    assert spec == SMALL
    logits = predict_logits(loaded, VALIDATION, mean=spec.mean, std=spec.std)
    assert accuracy(logits, VALIDATION.labels) == result.best_accuracy


def test_the_adaptations_own_loss_counts(tmp_path, monkeypatch):
    settings = TrainSettings(epochs=1, batch_size=16, seed=5)
    with_it = run_everything(tmp_path / "a", settings=settings).history[0]["train_loss"]
    monkeypatch.setattr("pixelveil.training.loop.auxiliary_modules", lambda model: ())
    without = run_everything(tmp_path / "b", settings=settings).history[0]["train_loss"]
    assert with_it > without


def test_patience_ends_a_run_and_a_rerun_does_nothing(tmp_path):
    """Labels that images do not show: the accuracy soon stops to grow."""
    settings = TrainSettings(epochs=30, batch_size=16, learning_rate=1e-6, patience=2)
    flat = ArrayImages(np.zeros((16, 16, 16, 3), np.uint8), labels=np.arange(16) % 2)
    blank = ArrayImages(flat.images[:3], labels=[0, 0, 1])
    scores = iter([50.0, 60.0, 55.0, 40.0, 99.0])

    def go(out, advance=None):
        return train(
            SPEC.build(), spec=SPEC, train_set=flat, validation_set=blank, settings=settings, out=out, advance=advance
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pixelveil.training.loop.accuracy", lambda logits, labels: next(scores))
        result = go(tmp_path)
    assert (len(result.history), result.best_epoch, result.best_accuracy) == (4, 2, 60.0)
    steps = []
    assert go(tmp_path, advance=lambda done, total: steps.append(done)) == result
    assert steps == []


def test_the_settings_and_the_seed_are_written_down(tmp_path):
    run(tmp_path)
    written = json.loads((tmp_path / "run.json").read_text())
    assert written["settings"]["seed"] == SETTINGS.seed
    assert written["model"]["architecture"] == SPEC.architecture


def test_steps_of_the_learning_rate():
    settings = TrainSettings(learning_rate=1.0, warmup=0.1, schedule="step", milestones=(0.5, 0.75))
    rates = [learning_rate_at(step, steps=40, settings=settings) for step in range(40)]
    assert rates[3:20] == [1.0] * 17
    assert rates[20:30] == [pytest.approx(0.1)] * 10
    assert rates[30:] == [pytest.approx(0.01)] * 10


def test_mixed_images_have_both_labels():
    logits, labels, partner = torch.randn(4, 3), torch.tensor([0, 1, 2, 0]), torch.tensor([1, 0, 3, 2])
    settings = TrainSettings(label_smoothing=0.1)
    mixed = 0.3 * torch.nn.functional.one_hot(labels, 3) + 0.7 * torch.nn.functional.one_hot(labels[partner], 3)
    expected = torch.nn.functional.cross_entropy(logits, mixed, label_smoothing=0.1)
    assert torch.allclose(_loss(logits, labels, partner=partner, share=0.3, settings=settings), expected)


def test_the_sub_networks_of_positions_stay_float32():
    model = SMALL.build()
    with torch.autocast("cpu", dtype=torch.bfloat16), _float32_stem(model):
        assert model.adaptation.blocks(torch.zeros(1, 4, 192)).dtype == torch.float32
        assert model.backbone.conv1(torch.zeros(1, 16, 16, 16)).dtype == torch.bfloat16


@pytest.mark.parametrize(
    "wrong",
    [{"optimizer": "lion"}, {"schedule": "none"}, {"ema": 1.0}, {"mixup": -1.0}, {"patience": -1}],
)
def test_more_impossible_settings(wrong):
    with pytest.raises(UsageError):
        TrainSettings(**wrong)
