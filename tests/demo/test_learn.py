"""Epochs follow the time that is left, and the model comes back trained."""

import numpy as np
import pytest

from pixelveil.demo.learn import choose_settings, train_within
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
    chosen = choose_settings(
        SPEC, train_set=IMAGES, seconds=seconds, settings=TrainSettings(epochs=7, batch_size=16, learning_rate=0.5)
    )
    assert chosen.epochs == epochs
    assert chosen.precision in ("no", "bf16")
    assert (chosen.batch_size, chosen.learning_rate) == (16, 0.5)


def test_the_facts_are_of_the_model_that_comes_back():
    model, facts = train_within(
        SPEC,
        train_set=IMAGES,
        validation_set=IMAGES,
        settings=TrainSettings(epochs=4, batch_size=16, learning_rate=3e-3),
        seconds=1000.0,
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
        settings=TrainSettings(epochs=50, batch_size=16),
        seconds=0.0,
        advance=lambda done, total: steps.append((done, total)),
    )
    assert (facts.epochs, facts.planned_epochs, facts.best_epoch) == (1, 50, 1)
    assert len(steps) == 13  # twelve steps of the first epoch, and the one that noticed
    assert not model.training
