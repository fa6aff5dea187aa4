"""Train the demo's model within a time budget: measure the speed first, then choose the epochs."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import nn

from pixelveil.demo.result import ModelFacts
from pixelveil.training.dataset import ArrayImages
from pixelveil.training.loop import TrainSettings, train
from pixelveil.training.models import ModelSpec, load_checkpoint

__all__ = ["choose_settings", "train_within"]

_PROBE_BATCHES = 6
_CAUTION = 0.9  # validation and checkpoints take time too


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
    epochs = int(_CAUTION * seconds * speeds[precision] / len(train_set))
    return replace(settings, precision=precision, epochs=max(1, min(settings.epochs, epochs)))


def train_within(
    spec: ModelSpec,
    *,
    train_set: ArrayImages,
    validation_set: ArrayImages,
    settings: TrainSettings,
    seconds: float,
    advance: Callable[[int, int], None] | None = None,
) -> tuple[nn.Module, ModelFacts]:
    """Train from scratch; return the model, in evaluation mode, and how it went.

    Args:
        spec: The model.
        train_set: Images to learn from.
        validation_set: Images that choose the best epoch.
        settings: How to train.
        seconds: When they are over, training is stopped and the best epoch so far is used.
        advance: Called with the steps done and the steps in all.
    """
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        best, log = Path(folder) / "best.safetensors", Path(folder) / "log.jsonl"

        def watch(done: int, total: int) -> None:
            if advance is not None:
                advance(done, total)
            if time.perf_counter() - start > seconds and log.exists():
                raise _OutOfTimeError

        # What a kill leaves behind is whole, so stopping is as good as a kill.
        with suppress(_OutOfTimeError):
            train(
                spec.build(seed=settings.seed),
                spec=spec,
                train_set=train_set,
                validation_set=validation_set,
                settings=settings,
                out=Path(folder),
                advance=watch,
            )
        model, _ = load_checkpoint(best)
        history = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    scores = [entry["validation_accuracy"] for entry in history]
    facts = ModelFacts(
        architecture=spec.architecture,
        options=dict(spec.architecture_options),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        epochs=len(history),
        planned_epochs=settings.epochs,
        best_epoch=max(range(len(scores)), key=lambda place: (scores[place], place)) + 1,
        precision=settings.precision,
        training_seconds=time.perf_counter() - start,
        images_per_second=float(np.median([entry["images_per_second"] for entry in history])),
        history=tuple(
            {name: entry[name] for name in ("epoch", "train_loss", "validation_accuracy")} for entry in history
        ),
    )
    return model, facts


class _OutOfTimeError(Exception):
    """The time for training is over."""
