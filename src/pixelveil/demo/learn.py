"""Train the demo's model within a time budget: measure the speed first, then choose the epochs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import nn

from pixelveil.demo.result import ModelFacts
from pixelveil.training.dataset import ArrayImages
from pixelveil.training.loop import TrainSettings, train
from pixelveil.training.models import ModelSpec

__all__ = ["choose_settings", "train_within"]

_PROBE_BATCHES = 6


def choose_settings(
    spec: ModelSpec, *, train_set: ArrayImages, seconds: float, settings: TrainSettings
) -> TrainSettings:
    """Return the settings with the faster precision and as many epochs as the time allows.

    Six batches are trained in float32 and in bfloat16 with the very loop that trains afterwards.

    Args:
        spec: The model.
        train_set: Training images.
        seconds: Time for the whole training.
        settings: Everything else; its epochs are the most that are wanted.
    """
    batch = settings.batch_size
    few = ArrayImages(train_set.images[: _PROBE_BATCHES * batch], labels=train_set.labels[: _PROBE_BATCHES * batch])
    speeds = {}
    for precision in ("no", "bf16"):
        with tempfile.TemporaryDirectory() as folder:
            probe = replace(settings, epochs=2, precision=precision)
            result = train(
                spec.build(),
                spec=spec,
                train_set=few,
                validation_set=ArrayImages(few.images[:batch], labels=few.labels[:batch]),
                settings=probe,
                out=Path(folder),
            )
        speeds[precision] = result.history[1]["images_per_second"]  # the first epoch warms up
    # bfloat16 costs some accuracy in so short a training; it must be clearly faster.
    precision = "bf16" if speeds["bf16"] > 1.2 * speeds["no"] else "no"
    epochs = int(seconds * speeds[precision] / len(train_set))
    return replace(settings, precision=precision, epochs=max(1, min(settings.epochs, epochs)))


def train_within(
    spec: ModelSpec,
    *,
    train_set: ArrayImages,
    validation_set: ArrayImages,
    settings: TrainSettings,
    advance: Callable[[int, int], None] | None = None,
) -> tuple[nn.Module, ModelFacts]:
    """Train from scratch; return the model, in evaluation mode, and how it went.

    Args:
        spec: The model.
        train_set: Images to learn from.
        validation_set: Images that choose the best epoch.
        settings: How to train.
        advance: Called with the steps done and the steps in all.
    """
    model = spec.build(seed=settings.seed)
    with tempfile.TemporaryDirectory() as folder:
        result = train(
            model,
            spec=spec,
            train_set=train_set,
            validation_set=validation_set,
            settings=settings,
            out=Path(folder),
            advance=advance,
        )
    facts = ModelFacts(
        architecture=spec.architecture,
        options=dict(spec.architecture_options),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        epochs=settings.epochs,
        best_epoch=result.best_epoch,
        precision=settings.precision,
        training_seconds=sum(entry["seconds"] for entry in result.history),
        images_per_second=float(np.median([entry["images_per_second"] for entry in result.history])),
        history=tuple(
            {name: entry[name] for name in ("epoch", "train_loss", "validation_accuracy")} for entry in result.history
        ),
    )
    return model.eval(), facts
