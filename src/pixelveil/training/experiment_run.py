"""Run an experiment cell by cell; whatever is done stays done when it is stopped and started again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from pixelveil.atomic import write_atomic
from pixelveil.data.sets import SetImages, load_set
from pixelveil.errors import UsageError
from pixelveil.machine import commit, machine, versions
from pixelveil.training.experiment import Cell, Experiment
from pixelveil.training.experiment_cells import RUNNERS, Place

__all__ = ["result_folder", "run_experiment"]

Stage = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
_LoadedSet = tuple[tuple[Any, ...], SetImages]


def result_folder(out: Path, *, name: str, quick: bool) -> Path:
    """Return where the results of an experiment lie: quick ones apart, so that they never stand for the others.

    >>> result_folder(Path("results"), name="pcos", quick=True).as_posix()
    'results/pcos.quick'
    """
    return out / (f"{name}.quick" if quick else name)


def run_experiment(
    experiment: Experiment,
    *,
    data: Path,
    out: Path,
    stage: Stage,
    names: tuple[str, ...] = (),
    groups: Path | None = None,
    weights: Path | None = None,
) -> list[dict[str, Any]]:
    """Run the cells that have no result yet.

    ``out`` then holds a folder with one JSON a cell, written when it is done. What is half done lies below it in
    ``.runs``, which git ignores: a cell goes on with its last whole epoch. A cell whose settings changed is run again;
    where only words changed (published figure, source, reason), only they are written.

    Args:
        experiment: What `load_experiment` read.
        data: The data set's file or folder, or the folder above.
        out: Folder for the results of all experiments.
        stage: Shows progress: opens a bar with a title.
        names: Cells; none: all.
        groups: CSV that tells copies of one picture.
        weights: Folder with the files of public weights that cells name; None: that of the data.

    Returns:
        The results in the order of the experiment.

    Raises:
        UsageError: A cell does not exist, or data does not fit.
    """
    folder = result_folder(out, name=experiment.name, quick=experiment.quick)
    folder.mkdir(parents=True, exist_ok=True)
    runs = folder / ".runs"
    runs.mkdir(exist_ok=True)
    write_atomic(runs / ".gitignore", b"*\n")
    results: list[dict[str, Any]] = []
    loaded: _LoadedSet | None = None
    for cell in experiment.select(names):
        path = folder / f"{cell.name}.json"
        done = _finished(path, cell)
        if done is None:
            with stage(cell.name) as advance:
                started = time.perf_counter()
                wanted = (cell.dataset, cell.split, cell.image_size, cell.train_images, cell.test_images, cell.seed)
                if loaded is None or loaded[0] != wanted:
                    loaded = (wanted, _load(cell, data=data, groups=groups))
                place = Place(folder=runs / f"{cell.name}-{cell.digest}", weights=_weights(cell, weights or data))
                figures = RUNNERS[cell.kind](cell, loaded[1], place, advance)
                seconds = max(time.perf_counter() - started, figures.pop("training_seconds", 0.0))
            done = _result(experiment, cell, loaded[1], figures=figures, seconds=seconds)
        done |= _words(cell, done["accuracy"])
        write_atomic(path, (json.dumps(done, indent=1) + "\n").encode())
        results.append(done)
    return results


def _load(cell: Cell, *, data: Path, groups: Path | None) -> SetImages:
    return load_set(
        cell.dataset,
        data=data,
        split=cell.split,
        size=cell.image_size or None,
        train_images=cell.train_images,
        test_images=cell.test_images,
        groups=groups,
        seed=cell.seed,
    )


def _weights(cell: Cell, folder: Path) -> Path | None:
    """Return the file of a cell's first weights, None where it begins with random ones.

    Raises:
        UsageError: The file is not there.
    """
    if not cell.weights:
        return None
    path = (folder if folder.is_dir() else folder.parent) / cell.weights
    if not path.is_file():
        hint = f"in a checkout: python -m benchmarks.public_weights {path.stem} DIR; then --weights DIR"
        raise UsageError(f"cell {cell.name!r} begins with {cell.weights}, which is not in {path.parent}", hint=hint)
    return path


def _finished(path: Path, cell: Cell) -> dict[str, Any] | None:
    """Return the result that is there, if it is one of this cell."""
    if not path.exists():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None  # not ours, or edited by hand: measured anew
    return found if found.get("settings") == cell.facts else None


def _result(
    experiment: Experiment, cell: Cell, images: SetImages, *, figures: dict[str, Any], seconds: float
) -> dict[str, Any]:
    scheme = cell.make_scheme() if cell.kind != "learned" else None
    policy = "none" if scheme is None else scheme.key_policy
    return {
        "experiment": experiment.name,
        "cell": cell.name,
        "quick": experiment.quick,
        "dataset": cell.dataset,
        "split": cell.split,
        "kind": cell.kind,
        "network": cell.network,
        "scheme": cell.scheme or "plain",
        "key_policy": policy,
        **figures,
        "epochs": 0 if cell.kind == "classical" else cell.epochs,
        "seed": cell.seed,
        "seconds": round(seconds, 1),
        "machine": dict(machine()),
        "versions": dict(versions()),
        "commit": commit(),
        "classes": list(images.classes),
        "image_size": images.train.shape[1],
        "split_facts": dict(images.facts),
        "scheme_parameters": {} if scheme is None else scheme.parameters,
        "settings": cell.facts,
    }


def _words(cell: Cell, accuracy: float) -> dict[str, Any]:
    """Return what was published, and how far the measured figure is from it."""
    published = cell.published_accuracy
    return {
        "published_accuracy": published,
        "difference": None if published is None else round(accuracy - published, 2),
        "source": cell.source,
        "reason": cell.reason,
    }
