"""Training does what the loss says, leaves the judges alone, and resumes exactly (SCHEMES.md, acceptance test 10)."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.training.dataset import ArrayImages
from pixelveil.training.learned_features import Judge, frozen
from pixelveil.training.learned_loop import (
    Losses,
    _set_gradients,
    flipped_and_cropped,
    losses,
    painter_for,
    train_network,
)
from pixelveil.training.learned_recipe import RECIPES

PERTURBATION = replace(
    RECIPES["image-to-perturbation"],
    width=4,
    depth=2,
    feature_weight=0.05,
    learning_rate=0.05,
    epochs=8,
    batch_size=16,
    border=1,
)
GAN = replace(RECIPES["gan-transform"], width=4, depth=1, epochs=3, batch_size=16, border=1, pixel_weight=0.1)
HALF = (0.5, 0.5, 0.5)


class Halves(nn.Module):
    """A classifier of which half is brighter, with a normalization layer that would move if it were trained."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.weight = nn.Parameter(torch.tensor([3.0, -3.0]))

    def forward(self, images):
        rows = self.norm(images).mean(dim=(1, 3))
        return (rows[:, :4].mean(dim=1) - rows[:, 4:].mean(dim=1))[:, None] * self.weight


def judge_of():
    generator = torch.Generator().manual_seed(0)
    features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
    nn.init.normal_(features[0].weight, std=0.3, generator=generator)
    return Judge(frozen(Halves()), frozen(features), mean=HALF, std=HALF)


def half_bright(count, *, seed):
    """Ramps, bright at the top or at the bottom, of random color and height."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    ramp = np.linspace(1, -1, 8)[:, None, None] * np.where(labels, -1, 1)[:, None, None, None]
    images = random.uniform(90, 160, (count, 1, 1, 3)) + random.uniform(30, 80, (count, 1, 1, 1)) * ramp
    return ArrayImages(np.broadcast_to(images, (count, 8, 8, 3)).astype(np.uint8), labels=labels)


TRAINING, VALIDATION = half_bright(48, seed=0), half_bright(20, seed=1)


def run(out, *, recipe=PERTURBATION, judge=None, advance=None, seed=3, facts=None):
    return train_network(
        judge=judge or judge_of(),
        train_set=TRAINING,
        validation_set=VALIDATION,
        recipe=recipe,
        run=facts or {},
        out=out,
        seed=seed,
        advance=advance,
    )


def tensors_of(source):
    images = torch.from_numpy(source.images).permute(0, 3, 1, 2).float() / 255
    return images, torch.from_numpy(source.labels)


def test_cross_entropy_falls_while_features_move_away(tmp_path):
    judge = judge_of()
    networks = nn.ModuleDict({"network": painter_for(PERTURBATION, seed=3)}).train()
    before = losses(*tensors_of(TRAINING), networks=networks, judge=judge, recipe=PERTURBATION)
    result = run(tmp_path, judge=judge, recipe=replace(PERTURBATION, epochs=16, batch_size=8, feature_weight=0.5))
    last = result.history[-1]
    assert last["training_cross_entropy"] < 0.1 * float(before.cross_entropy.detach())
    assert last["training_feature_error"] > 2 * float(before.feature_error.detach())
    assert last["validation_right"] > 0.9
    assert last["validation_total"] == pytest.approx(
        last["validation_cross_entropy"] - 0.5 * last["validation_feature_error"], abs=1e-5
    )


@pytest.mark.parametrize("recipe", [PERTURBATION, GAN], ids=["perturbation", "gan"])
def test_no_gradient_reaches_the_judges(tmp_path, recipe):
    judge = judge_of()
    frozen_parts = nn.ModuleList([judge.classifier, judge.features])
    before = {name: tensor.clone() for name, tensor in frozen_parts.state_dict().items()}
    run(tmp_path, judge=judge, recipe=replace(recipe, epochs=1))
    assert all(weight.grad is None and not weight.requires_grad for weight in frozen_parts.parameters())
    assert not any(module.training for module in frozen_parts[0].modules())
    for name, tensor in frozen_parts.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_the_loss_is_the_papers():
    judge, (images, labels) = judge_of(), tensors_of(TRAINING)
    recipe = replace(PERTURBATION, pixel_weight=0.3)
    networks = nn.ModuleDict({"network": painter_for(recipe, seed=0)}).eval()
    with torch.no_grad():
        parts = losses(images, labels, networks=networks, judge=judge, recipe=recipe)
        made = networks["network"](images)
        logits = judge.classifier((made - 0.5) / 0.5)
        entropy = (logits.logsumexp(dim=1) - logits[torch.arange(len(labels)), labels]).mean()
        shift = (judge.features((made - 0.5) / 0.5) - judge.features((images - 0.5) / 0.5)).square().mean()
        pixels = (made - images).square().mean()
    torch.testing.assert_close(parts.cross_entropy, entropy)
    torch.testing.assert_close(parts.feature_error, shift)
    torch.testing.assert_close(parts.pixel_error, pixels)
    torch.testing.assert_close(parts.total, entropy - 0.05 * shift - 0.3 * pixels)
    assert parts.opponent == 0


def test_each_side_of_the_game_gets_the_gradient_of_its_own_loss():
    judge, (images, labels) = judge_of(), tensors_of(TRAINING)
    networks = nn.ModuleDict({"network": painter_for(GAN, seed=0), "opponent": painter_for(GAN, seed=1)}).train()
    parts = losses(images, labels, networks=networks, judge=judge, recipe=GAN)
    _set_gradients(networks, parts)
    opposed = networks["opponent"](networks["network"](images).detach())
    alone = torch.autograd.grad((opposed - images).square().mean(), list(networks["opponent"].parameters()))
    for weight, gradient in zip(networks["opponent"].parameters(), alone, strict=True):
        torch.testing.assert_close(weight.grad, gradient)
    whole = losses(images, labels, networks=networks, judge=judge, recipe=GAN).total
    for weight, gradient in zip(
        networks["network"].parameters(),
        torch.autograd.grad(whole, list(networks["network"].parameters())),
        strict=True,
    ):
        torch.testing.assert_close(weight.grad, gradient)


def test_the_opponent_learns_to_go_back(tmp_path):
    result = run(tmp_path, recipe=replace(GAN, epochs=12, batch_size=8, pixel_weight=0.0, learning_rate=5e-3))
    errors = [entry["training_opponent"] for entry in result.history]
    assert errors[-1] < 0.65 * errors[0]
    assert result.epoch == 12


@pytest.mark.parametrize("recipe", [PERTURBATION, GAN], ids=["perturbation", "gan"])
@pytest.mark.parametrize("killed_at", [1, 4])
def test_a_killed_run_ends_like_one_that_was_not(tmp_path, recipe, killed_at):
    recipe = replace(recipe, epochs=2)

    def kill(done, total):
        assert total == 6
        if done == killed_at:
            raise KeyboardInterrupt

    whole = run(tmp_path / "whole", recipe=recipe)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", recipe=recipe, advance=kill)
    cut = run(tmp_path / "cut", recipe=recipe)
    assert (cut.history, cut.epoch) == (whole.history, whole.epoch)
    for name in ("state.safetensors", "best.safetensors"):
        first, second = load_file(tmp_path / "whole" / name), load_file(tmp_path / "cut" / name)
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first)


def test_the_best_epoch_on_the_validation_images_is_kept(tmp_path):
    result = run(tmp_path, recipe=replace(PERTURBATION, epochs=4, learning_rate=0.5))
    totals = [entry["validation_total"] for entry in result.history]
    assert totals[result.epoch - 1] == min(totals)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert tuple(log) == result.history
    networks = nn.ModuleDict({"network": result.painter})
    with torch.no_grad():
        parts = losses(*tensors_of(VALIDATION), networks=networks, judge=judge_of(), recipe=PERTURBATION)
    assert float(parts.total) == pytest.approx(min(totals), abs=1e-5)
    assert not result.painter.training


def test_a_finished_run_does_nothing_and_another_is_refused(tmp_path):
    recipe = replace(PERTURBATION, epochs=1)
    first = run(tmp_path, recipe=recipe)
    steps = []
    assert run(tmp_path, recipe=recipe, advance=lambda *done: steps.append(done)).history == first.history
    assert steps == []
    for changes in ({"recipe": replace(recipe, width=5)}, {"seed": 4}, {"facts": {"classifier": "x"}}):
        with pytest.raises(UsageError, match="holds a run with another"):
            run(tmp_path, **({"recipe": recipe} | changes))
    state = tmp_path / "state.safetensors"
    state.write_bytes(state.read_bytes()[:100])
    with pytest.raises(IntegrityError):
        run(tmp_path, recipe=recipe)


def test_first_weights_are_pytorchs_and_cyclegans():
    unet, generator = painter_for(RECIPES["image-to-perturbation"], seed=0), painter_for(GAN, seed=0)
    weights = unet.arrays()
    kernel = weights["down1/0/kernel"]
    bound = 1 / np.sqrt(64 * 9)
    assert np.abs(kernel).max() <= bound
    assert kernel.std() == pytest.approx(bound / np.sqrt(3), rel=0.02)
    assert np.all(weights["down1/0/scale"] == 1)
    assert np.all(weights["down1/0/mean"] == 0)
    assert generator.arrays()["block0/0/kernel"].std() == pytest.approx(0.02, rel=0.1)
    assert np.all(generator.arrays()["first/bias"] == 0)
    assert {name for name, _ in unet.named_buffers()} == {n for n in weights if n.endswith(("/mean", "/variance"))}


def test_windows_lie_within_the_border():
    images = torch.arange(1.0, 26).reshape(1, 1, 5, 5).repeat(64, 1, 1, 1)
    generator = torch.Generator().manual_seed(0)
    cut = flipped_and_cropped(images, border=2, flip=True, generator=generator)
    padded = torch.nn.functional.pad(images[0, 0], (2,) * 4)
    windows = [padded[y : y + 5, x : x + 5] for y in range(5) for x in range(5)]
    mirrored = torch.nn.functional.pad(images[0, 0].flip(1), (2,) * 4)
    windows += [mirrored[y : y + 5, x : x + 5] for y in range(5) for x in range(5)]
    found = [next(place for place, window in enumerate(windows) if torch.equal(window, one[0])) for one in cut]
    assert len(set(found)) > 25
    assert {place >= 25 for place in found} == {True, False}
    assert torch.equal(flipped_and_cropped(images, border=0, flip=False, generator=generator), images)


def test_too_few_images(tmp_path):
    one = ArrayImages(TRAINING.images[:1], labels=[0])
    for sets in ({"train_set": one, "validation_set": VALIDATION}, {"train_set": TRAINING, "validation_set": one}):
        short = {**sets}
        if short["validation_set"] is one:
            short["validation_set"] = ArrayImages(TRAINING.images[:0])
        with pytest.raises(UsageError, match="at least two training images and one validation image"):
            train_network(judge=judge_of(), recipe=PERTURBATION, run={}, out=tmp_path, **short)


def test_the_history_has_every_part(tmp_path):
    entry = run(tmp_path, recipe=replace(GAN, epochs=1)).history[0]
    expected = {f"{kind}_{name}" for kind in ("training", "validation") for name in Losses._fields}
    assert entry.keys() == expected | {"epoch"}
