"""Epochs follow the time that is left, and the model comes back trained."""

import numpy as np
import pytest
import torch

from pixelveil.demo import learn
from pixelveil.demo.learn import TrainingPlan, plan_training, train_within
from pixelveil.training.dataset import ArrayImages
from pixelveil.training.evaluate import accuracy, predict_logits
from pixelveil.training.loop import TrainSettings
from pixelveil.training.models import ModelSpec

SPEC = ModelSpec(
    architecture="vit_tiny_patch16_224",
    num_classes=2,
    image_size=16,
    classes=("dark", "bright"),
    architecture_options={"patch_size": 8, "embed_dim": 16, "depth": 1, "num_heads": 2},
)
LABELS = np.arange(200) % 2
IMAGES = ArrayImages(
    (np.random.default_rng(0).integers(0, 100, (200, 16, 16, 3)) + 150 * LABELS[:, None, None, None]).astype(np.uint8),
    labels=LABELS,
)


@pytest.mark.parametrize(("seconds", "epochs"), [(-5.0, 1), (1e6, 7)])
def test_epochs_are_at_least_one_and_at_most_what_is_wanted(seconds, epochs):
    before = torch.get_num_threads()
    plan = plan_training(
        SPEC, train_set=IMAGES, seconds=seconds, settings=TrainSettings(epochs=7, batch_size=16, learning_rate=0.5)
    )
    assert plan.settings.epochs == epochs
    assert plan.settings.precision in ("no", "bf16")
    assert plan.threads in (1, before)
    assert torch.get_num_threads() == before
    assert plan.seconds >= max(seconds, 0)
    assert (plan.settings.batch_size, plan.settings.learning_rate) == (16, 0.5)


@pytest.mark.parametrize(
    ("speeds", "threads", "precision", "epochs"),
    [
        ({(1, "no"): 100.0, (4, "no"): 250.0, (4, "bf16"): 300.0}, 4, "no", 11),
        ({(1, "no"): 100.0, (4, "no"): 10.0, (1, "bf16"): 160.0}, 1, "bf16", 7),
        ({(1, "no"): 100.0, (4, "no"): 0.0, (1, "bf16"): 0.0}, 1, "no", 4),
    ],
)
def test_the_fastest_way_is_taken_and_bfloat16_must_be_much_faster(monkeypatch, speeds, threads, precision, epochs):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    monkeypatch.setattr(
        learn, "_speed", lambda spec, sample, settings, *, threads, limit: speeds[threads, settings.precision]
    )
    plan = plan_training(SPEC, train_set=IMAGES, seconds=10.0, settings=TrainSettings(epochs=99, batch_size=16))
    assert (plan.threads, plan.settings.precision, plan.settings.epochs) == (threads, precision, epochs)
    assert plan.seconds == 12.5


def test_a_slow_candidate_is_not_waited_for():
    settings = TrainSettings(batch_size=16)
    assert learn._speed(SPEC, IMAGES, settings, threads=1, limit=0.0) == 0
    assert learn._speed(SPEC, IMAGES, settings, threads=1, limit=100.0) > 0


def test_the_facts_are_of_the_model_that_comes_back():
    settings = TrainSettings(epochs=4, batch_size=16, learning_rate=3e-3)
    model, facts = train_within(
        SPEC,
        train_set=IMAGES,
        validation_set=IMAGES,
        plan=TrainingPlan(settings=settings, threads=1, seconds=1000.0),
    )
    assert not model.training
    assert facts.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert [entry["epoch"] for entry in facts.history] == [1, 2, 3, 4]
    score = accuracy(predict_logits(model, IMAGES, mean=SPEC.mean, std=SPEC.std), LABELS)
    assert score == facts.history[facts.best_epoch - 1]["validation_accuracy"] == 100
    assert facts.epochs == facts.planned_epochs == 4


def test_a_slow_machine_is_not_waited_for_but_one_epoch_is_made():
    steps = []
    model, facts = train_within(
        SPEC,
        train_set=IMAGES,
        validation_set=IMAGES,
        plan=TrainingPlan(settings=TrainSettings(epochs=50, batch_size=16), threads=1, seconds=0.0),
        advance=lambda done, total: steps.append((done, total)),
    )
    assert (facts.epochs, facts.planned_epochs, facts.best_epoch) == (1, 50, 1)
    assert len(steps) == 13  # twelve steps of the first epoch, and the one that noticed
    assert not model.training
