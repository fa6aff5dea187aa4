"""Images a second of `pixelveil train` against a plain PyTorch loop: same network, images, order and precision."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.timing import on_cores, time_in_turn
from pixelveil.training.augment import Augmentation
from pixelveil.training.dataset import ArrayImages
from pixelveil.training.loop import TrainSettings, train
from pixelveil.training.models import ModelSpec

__all__ = ["run"]

IMAGES, VALIDATION, BATCH, EPOCHS, ROUNDS = 3840, 64, 128, 1, 2
NETWORKS = {"resnet20": 32}
PRECISIONS = ("bf16", "no")


def run() -> dict[str, Any]:
    """Return images a second of both loops, by network and precision, and the share that ours reaches.

    Ours counts as a whole: first preparations, a validation of few images, checkpoint and state at the end. The plain
    loop has the images in memory as ours has, normalizes them batch by batch, and writes nothing.
    """
    results: dict[str, Any] = {"images": IMAGES, "batch": BATCH, "epochs": EPOCHS}
    for cores in (1, 2):
        threads = torch.get_num_threads()
        with on_cores(cores) as had:
            torch.set_num_threads(had)
            for name, side in NETWORKS.items():
                for precision in PRECISIONS:
                    found = _compare(name, side=side, precision=precision)
                    results[f"{name}, {side} pixels, {precision}, {had} core{'s' * (had > 1)}"] = found
        torch.set_num_threads(threads)
    return results


def _compare(name: str, *, side: int, precision: str) -> dict[str, float]:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (IMAGES, side, side, 3), dtype=np.uint8)
    labels = random.integers(0, 10, IMAGES)
    classes = tuple(str(number) for number in range(10))
    spec = ModelSpec(architecture=name, num_classes=10, image_size=side, classes=classes)
    source = ArrayImages(pixels, labels=labels)
    few = ArrayImages(pixels[:VALIDATION], labels=labels[:VALIDATION])
    settings = TrainSettings(
        epochs=EPOCHS,
        batch_size=BATCH,
        learning_rate=0.01,
        optimizer="sgd",
        precision=precision,
        channels_last=True,
        augmentation=Augmentation(),
    )

    def ours() -> None:
        with tempfile.TemporaryDirectory() as folder:
            train(
                spec.build(seed=0),
                spec=spec,
                train_set=source,
                validation_set=few,
                settings=settings,
                out=Path(folder),
            )

    seconds = time_in_turn(
        {"plain": lambda: _plain(spec.build(seed=0), pixels, labels, precision=precision), "ours": ours}, rounds=ROUNDS
    )
    work = IMAGES * EPOCHS
    shares = [a / b for a, b in zip(seconds["plain"], seconds["ours"], strict=True)]
    return {
        **{f"{loop}_images_per_second": round(work / statistics.median(times), 1) for loop, times in seconds.items()},
        "share_of_plain": round(statistics.median(shares), 3),
    }


def _plain(model: nn.Module, pixels: np.ndarray, labels: np.ndarray, *, precision: str) -> None:
    """Train as a tutorial does."""
    model = model.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.05)
    images, targets = torch.from_numpy(pixels), torch.from_numpy(labels)
    for _ in range(EPOCHS):
        order = torch.randperm(len(images))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            batch = images[chosen].permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
            batch = batch.contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
                logits = model(batch)
            loss = functional.cross_entropy(logits.float(), targets[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
