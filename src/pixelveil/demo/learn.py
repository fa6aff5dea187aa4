"""Train the demo's model within a time budget: measure the speed first, then choose the epochs."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from pixelveil.demo.result import ModelFacts
from pixelveil.training.dataset import ArrayImages
from pixelveil.training.loop import TrainSettings, train
from pixelveil.training.models import ModelSpec, load_checkpoint

__all__ = ["TrainingPlan", "plan_training", "train_within", "use_threads"]

_PROBE_BATCHES = 4
_CAUTION = 0.9  # validation and checkpoints take time too
_PATIENCE = 1.25  # times the planned time, after which a machine that became slower is not waited for
_BF16_GAIN = 1.5  # bfloat16 costs some accuracy in so short a training; it must be clearly faster


@dataclass(frozen=True)
class TrainingPlan:
    """How to train in the time that is left.

    Args:
        settings: With epochs and precision chosen.
        threads: Of PyTorch; one is often fastest where other programs use the same cores.
        seconds: When they are over, training is stopped and the best epoch so far is used.
    """

    settings: TrainSettings
    threads: int
    seconds: float


def plan_training(spec: ModelSpec, *, train_set: ArrayImages, seconds: float, settings: TrainSettings) -> TrainingPlan:
    """Measure what is fastest here, and choose as many epochs as the time allows.

    A few batches are trained with one thread, with all threads, and in bfloat16, by the very loop that trains after.

    Args:
        spec: The model.
        train_set: Training images.
        seconds: Time for the whole training; at least one epoch is made however short it is.
        settings: Everything else; its epochs are the most that are wanted.
    """
    few = _PROBE_BATCHES * settings.batch_size
    sample = ArrayImages(train_set.images[:few], labels=train_set.labels[:few])
    everything = torch.get_num_threads()
    speed, threads, precision = _speed(spec, sample, settings, threads=1, limit=60.0), 1, "no"
    # A candidate that takes twice as long as the best one is not waited for.
    limit = 2 * 3 * len(sample) / speed
    if everything > 1 and (found := _speed(spec, sample, settings, threads=everything, limit=limit)) > speed:
        speed, threads = found, everything
    short = replace(settings, precision="bf16")
    if (found := _speed(spec, sample, short, threads=threads, limit=limit)) > _BF16_GAIN * speed:
        speed, precision = found, "bf16"
    epochs = max(1, min(settings.epochs, int(_CAUTION * seconds * speed / len(train_set))))
    return TrainingPlan(
        settings=replace(settings, precision=precision, epochs=epochs),
        threads=threads,
        seconds=_PATIENCE * max(seconds, 0.0),
    )


def train_within(
    spec: ModelSpec,
    *,
    train_set: ArrayImages,
    validation_set: ArrayImages,
    plan: TrainingPlan,
    advance: Callable[[int, int], None] | None = None,
) -> tuple[nn.Module, ModelFacts]:
    """Train from scratch; return the model, in evaluation mode, and how it went.

    Args:
        spec: The model.
        train_set: Images to learn from.
        validation_set: Images that choose the best epoch.
        plan: How to train, and how long; the first epoch is always made.
        advance: Called with the steps done and the steps in all.
    """
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, use_threads(plan.threads):
        best, log = Path(folder) / "best.safetensors", Path(folder) / "log.jsonl"

        def watch(done: int, total: int) -> None:
            if advance is not None:
                advance(done, total)
            if time.perf_counter() - start > plan.seconds and log.exists():
                raise _OutOfTimeError

        with suppress(_OutOfTimeError):  # what a kill leaves behind is whole, so stopping is as good as a kill
            train(
                spec.build(seed=plan.settings.seed),
                spec=spec,
                train_set=train_set,
                validation_set=validation_set,
                settings=plan.settings,
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
        planned_epochs=plan.settings.epochs,
        best_epoch=max(range(len(scores)), key=lambda place: (scores[place], place)) + 1,
        precision=plan.settings.precision,
        threads=plan.threads,
        training_seconds=time.perf_counter() - start,
        images_per_second=float(np.median([entry["images_per_second"] for entry in history])),
        history=tuple(
            {name: entry[name] for name in ("epoch", "train_loss", "validation_accuracy")} for entry in history
        ),
    )
    return model, facts


def _speed(spec: ModelSpec, sample: ArrayImages, settings: TrainSettings, *, threads: int, limit: float) -> float:
    """Return images learned from a second, the slower of two epochs after a first one to warm up; 0 past the limit."""
    start = time.perf_counter()

    def watch(done: int, total: int) -> None:
        del done, total
        if time.perf_counter() - start > limit:
            raise _OutOfTimeError

    with tempfile.TemporaryDirectory() as folder, use_threads(threads), suppress(_OutOfTimeError):
        result = train(
            spec.build(),
            spec=spec,
            train_set=sample,
            validation_set=ArrayImages(sample.images[:1], labels=sample.labels[:1]),
            settings=replace(settings, epochs=3),
            out=Path(folder),
            advance=watch,
        )
        return min(entry["images_per_second"] for entry in result.history[1:])
    return 0.0


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """Let PyTorch use so many threads inside the block.

    Args:
        count: At least one.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _OutOfTimeError(Exception):
    """The time for training is over."""
