"""The demo from start to end: read, train, encrypt, compare, report."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.atomic import write_atomic
from pixelveil.demo.folder import folder_data
from pixelveil.demo.gallery import fold_gallery, scheme_gallery
from pixelveil.demo.learn import plan_training, train_within, use_threads
from pixelveil.demo.measure import measure_scheme
from pixelveil.demo.report import render
from pixelveil.demo.result import DemoResult
from pixelveil.demo.samples import DemoData, digits_data, photographs
from pixelveil.errors import UsageError
from pixelveil.keys import Key
from pixelveil.machine import commit, machine, versions
from pixelveil.models import PROTECTION
from pixelveil.schemes import create_scheme
from pixelveil.training.augment import Augmentation
from pixelveil.training.evaluate import accuracy, confusion_matrix, predict_logits, wilson_interval
from pixelveil.training.loop import TrainSettings
from pixelveil.training.models import ModelSpec

__all__ = ["DEMO_SCHEMES", "Recipe", "Stage", "run_demo"]

DEMO_SCHEMES = ("vit-permutation", "vit-orthogonal")
"""Schemes that a vision transformer absorbs exactly."""

Stage = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
"""Shows that a stage runs: a context that gives a function for (done, total)."""

_AFTER_TRAINING = 25.0  # seconds that measuring and the report take on two cores


@dataclass(frozen=True)
class Recipe:
    """Which model is trained, and how.

    Args:
        image_size: Side of the images, in pixels.
        options: Of timm's vision transformer.
        settings: Its epochs are the most that are wanted.
        seconds: Time for the whole demo, unless told otherwise.
    """

    image_size: int
    options: dict[str, Any]
    settings: TrainSettings
    seconds: float


_POOLED = {"class_token": False, "global_pool": "avg"}  # learns faster than a class token from so few images
_MOVES = Augmentation(flip=True, shift=0.05)

DIGITS = Recipe(
    image_size=32,
    options={"patch_size": 8, "embed_dim": 96, "depth": 4, "num_heads": 4, **_POOLED},
    settings=TrainSettings(epochs=30, batch_size=32, learning_rate=1e-3, augmentation=replace(_MOVES, flip=False)),
    seconds=120.0,
)
FOLDER = Recipe(
    image_size=64,
    options={"patch_size": 16, "embed_dim": 96, "depth": 4, "num_heads": 4, **_POOLED},
    settings=TrainSettings(epochs=80, batch_size=32, learning_rate=1e-3, label_smoothing=0.05, augmentation=_MOVES),
    seconds=300.0,
)


def run_demo(
    *,
    out: Path,
    data: Path | None = None,
    scheme: str = DEMO_SCHEMES[0],
    seconds: float | None = None,
    recipe: Recipe | None = None,
    stage: Stage | None = None,
) -> DemoResult:
    """Do the whole job once and write ``report.html`` and ``result.json``.

    Args:
        out: Folder for both; made if missing.
        data: Class folders of plain images; embedded images if not given.
        scheme: The scheme whose figures come first; the other one is measured too.
        seconds: About how long it may take.
        recipe: Model and training; chosen by the data if not given.
        stage: Shows progress.

    Raises:
        UsageError: The scheme is none of ``DEMO_SCHEMES``, or the data do not suffice.
        VerificationError: An encrypted model does not answer as the plain one; this must not happen.
    """
    if scheme not in DEMO_SCHEMES:
        raise UsageError(f"the demo cannot show {scheme!r}", hint=f"one of: {', '.join(DEMO_SCHEMES)}")
    chosen = recipe or (DIGITS if data is None else FOLDER)
    clock = _Clock(stage)
    out.mkdir(parents=True, exist_ok=True)
    with clock("read images") as advance:
        images = digits_data(size=chosen.image_size) if data is None else _folder(data, chosen, advance)
        advance(1, 1)
    spec = _spec(chosen, images)
    with clock("choose epochs") as advance:
        left = (seconds or chosen.seconds) - clock.elapsed - _AFTER_TRAINING
        plan = plan_training(spec, train_set=images.training, seconds=left, settings=chosen.settings)
        advance(1, 1)
    with clock("train", detail=f"{plan.settings.epochs} epochs") as advance:
        model, model_facts = train_within(
            spec, train_set=images.training, validation_set=images.validation, plan=plan, advance=advance
        )
    names = (scheme, *(name for name in DEMO_SCHEMES if name != scheme))
    speed_batch = [photograph.pixels for photograph in photographs()]
    measured = []
    for name in names:
        with clock(f"encrypt and compare: {name}") as advance, use_threads(plan.threads):
            entry = measure_scheme(
                name, model=model, spec=spec, test=images.test, photographs=speed_batch, advance=advance
            )
            measured.append(entry)
    with clock("report") as advance:
        logits = predict_logits(model, images.test.images, mean=spec.mean, std=spec.std)
        right = int(np.count_nonzero(logits.argmax(axis=1) == images.test.labels))
        facts = images.facts
        if images.given_test is not None:
            given = predict_logits(model, images.given_test, mean=spec.mean, std=spec.std)
            facts = replace(facts, given_test_accuracy=accuracy(given, images.given_test.labels))
        galleries = [  # fewer pictures of the second scheme: noise does not compress
            scheme_gallery(create_scheme(name), photographs=images.shown[:count])
            for name, count in zip(names, (3, 2), strict=True)
        ]
        result = DemoResult(
            data=facts,
            model=model_facts,
            schemes=tuple(measured),
            plain_interval=wilson_interval(right, len(images.test)),
            chance=100 * float(np.bincount(images.test.labels).max()) / len(images.test),
            confusion=tuple(tuple(row) for row in confusion_matrix(logits, images.test.labels).tolist()),
            machine=machine(),
            versions=versions(),
            commit=commit(),
            seconds=clock.elapsed,
            stages=clock.stages,
            report=str(out / "report.html"),
        )
        page = render(
            result,
            galleries=galleries,
            fold=fold_gallery(photographs=_for_fold(images)),
            samples=_samples(images, scheme=scheme, block_size=chosen.options["patch_size"]),
            protection=PROTECTION,
        )
        write_atomic(out / "report.html", page.encode())
        advance(1, 1)
    result = replace(result, seconds=clock.elapsed, stages=clock.stages)
    write_atomic(out / "result.json", (json.dumps(result.to_json(), indent=2) + "\n").encode())
    return result


class _Clock:
    """Runs stages and remembers how long each took."""

    def __init__(self, stage: Stage | None) -> None:
        self._stage = stage or _unseen
        self._start = time.perf_counter()
        self.stages: dict[str, float] = {}

    @property
    def elapsed(self) -> float:
        """Seconds since the demo began."""
        return time.perf_counter() - self._start

    @contextmanager
    def __call__(self, name: str, *, detail: str = "") -> Iterator[Callable[[int, int], None]]:
        """Run the block as one stage."""
        start = time.perf_counter()
        with self._stage(f"{name} {detail}".strip()) as advance:
            yield advance
        self.stages[name] = time.perf_counter() - start


@contextmanager
def _unseen(name: str) -> Iterator[Callable[[int, int], None]]:
    """Show nothing."""
    del name
    yield lambda done, total: None


def _folder(folder: Path, recipe: Recipe, advance: Callable[[int, int], None]) -> DemoData:
    """Read the user's images."""
    return folder_data(folder, size=recipe.image_size, advance=advance)


def _spec(recipe: Recipe, images: DemoData) -> ModelSpec:
    """Describe the model; images are normalized by the training images' own mean and deviation."""
    pixels = images.training.images.astype(np.float32) / 255
    mean, std = pixels.mean(axis=(0, 1, 2)), pixels.std(axis=(0, 1, 2))
    return ModelSpec(
        architecture="vit_tiny_patch16_224",
        num_classes=len(images.facts.classes),
        image_size=recipe.image_size,
        classes=images.facts.classes,
        mean=tuple(round(float(value), 4) for value in mean),
        std=tuple(round(max(float(value), 0.01), 4) for value in std),
        architecture_options=recipe.options,
    )


def _for_fold(images: DemoData) -> list[Any]:
    """Return pictures on which the fold is easily seen, from the embedded photographs."""
    wanted = {"cat", "coffee"}
    return [photograph for photograph in photographs() if photograph.title in wanted] or list(images.shown[:2])


def _samples(images: DemoData, *, scheme: str, block_size: int) -> list[tuple[str, NDArray[np.uint8], NDArray[Any]]]:
    """Return a test image of each of up to eight classes, plain and encrypted, at the model's own size."""
    labels = images.test.labels
    places = [int(np.flatnonzero(labels == label)[0]) for label in np.unique(labels)[:8]]
    plain = images.test.images[places]
    encrypted = create_scheme(scheme, block_size=block_size).encrypt(plain, key=Key.generate()).images
    names = [images.facts.classes[labels[place]] for place in places]
    return list(zip(names, plain, encrypted, strict=True))
