"""Rows of the table of claims: an attack or a game with both controls, as the audit runs them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.crops import crops
from pixelveil import create_scheme
from pixelveil.attacks import create_attack
from pixelveil.attacks.games import create_game, list_games
from pixelveil.attacks.intervals import Interval
from pixelveil.audit.bench import Bench
from pixelveil.audit.game_trial import GameTrial
from pixelveil.audit.images import AuditImages
from pixelveil.audit.trial import AttackTrial

__all__ = ["SECRET", "images_of", "interval", "measured"]

Row = dict[str, Any]

SECRET, PUBLIC = ("astronaut", "coffee", "chelsea"), ("china", "flower", "rocket")


def images_of(data: Path | None, *, victims: int = 200, others: int = 1000) -> AuditImages:
    """Return images of 32x32 in four roles: of CIFAR-10 where its file is given, else crops of photographs.

    Args:
        data: An .npz file of CIFAR-10.
        victims: That are to be read; half as many more are seen encrypted.
        others: Public images, and half as many known pairs; of other photographs than the victims.
    """
    seen = victims + victims // 2
    if data is None:
        secret = crops(SECRET, seen)
        others_found = crops(PUBLIC, others + others // 2, seed=1)
    else:
        with np.load(data, allow_pickle=False) as content:
            secret, others_found = content["x_test"][:seen], content["x_train"][: others + others // 2]
    return AuditImages(
        victims=secret[:victims], helpers=secret[victims:], public=others_found[:others], pairs=others_found[others:]
    )


def interval(found: Interval | None) -> Row | None:
    """Return an interval as JSON values, ends that are not finite as null."""
    if found is None:
        return None
    return {name: round(value, 4) if np.isfinite(value) else None for name, value in asdict(found).items()}


def measured(
    name: str, scheme: str, parameters: Mapping[str, Any], *, images: AuditImages, seconds: float = 90, keep: int = 0
) -> Row:
    """Return one row: the attack or game, its controls, its figures with intervals and the verdict.

    Args:
        name: Of an attack or a game of the catalogue.
        scheme: Name.
        parameters: Of the scheme, beside its defaults.
        images: In their roles.
        seconds: For the attack and both controls.
        keep: Known pairs at most; 0: all.
    """
    made = create_scheme(scheme, **parameters)
    shown = images if not keep else _with_pairs(images, images.pairs[:keep])
    trial = GameTrial(game=create_game(name)) if name in list_games() else AttackTrial(attack=create_attack(name))
    row: Row = {"attack": name, "access": trial.access, "scheme": scheme, "parameters": dict(parameters)}
    if obstacle := trial.obstacle(made):
        return {**row, "verdict": "NOT APPLICABLE", "criterion": obstacle}
    start = time.perf_counter()
    found = trial.run(Bench(scheme=made, images=shown), seconds=seconds)
    return {
        **row,
        "images": found.images,
        "victims": found.victims,
        "public": found.public,
        "pairs": found.pairs,
        **{field: interval(figure) for field, figure in found.figures.items()},
        "gallery": found.gallery,
        "verdict": found.verdict,
        "criterion": found.criterion,
        "controls": {"positive": found.positive.to_json(), "negative": found.negative.to_json()},
        "seconds": round(time.perf_counter() - start, 1),
    }


def _with_pairs(images: AuditImages, pairs: NDArray[np.uint8]) -> AuditImages:
    return AuditImages(victims=images.victims, helpers=images.helpers, public=images.public, pairs=pairs)
