"""An audit from start to end: read the images, fill the grid, sum up, report."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pixelveil.atomic import write_atomic
from pixelveil.attacks.catalogue import ATTACKS, create_attack, list_attacks
from pixelveil.attacks.games import create_game, list_games
from pixelveil.attacks.stem.catalogue import MODEL_ATTACKS
from pixelveil.attacks.verdict import RULES
from pixelveil.audit.appearance import appearance
from pixelveil.audit.bench import Bench
from pixelveil.audit.control_store import ControlStore
from pixelveil.audit.extra import ExtraMeasure, public_recognition
from pixelveil.audit.game_trial import GameTrial
from pixelveil.audit.grid import Grid, Stage, unseen
from pixelveil.audit.images import AuditImages, divide, read_images
from pixelveil.audit.model_trial import ModelTrial, create_model_attack
from pixelveil.audit.models import MADE, Models
from pixelveil.audit.pictures import read_pictures
from pixelveil.audit.report import check_templates, render
from pixelveil.audit.requirement import Requirement, answer
from pixelveil.audit.result import REPORT, Audit
from pixelveil.audit.trial import AttackTrial, Trial
from pixelveil.errors import UsageError
from pixelveil.machine import commit, machine, versions
from pixelveil.schemes import Scheme

__all__ = ["ON_REAL_MODELS", "AuditSettings", "all_trials", "run_audit"]

_LEARNED = "pixelveil.attacks.learned."
_OWN = "The user's own model, with {base}, was encrypted for the audit."


ON_REAL_MODELS = ("gradient-inversion", "model-inversion", "structured-positions")
"""Attacks that the small model of an audit says nothing about: they run on the user's own, or where asked for."""


@dataclass(frozen=True, kw_only=True)
class AuditSettings:
    """What is asked of an audit.

    Args:
        attacks: Names of attacks and games; all where empty.
        images: How many images are read at most.
        victims: How many of them are to be read by attackers, at most.
        size: Side in pixels that the images of a folder are brought to; None: 64, and arrays keep theirs.
        seconds: For all attacks together.
        seed: Of the choice of images and of the attacks' own randomness; it protects nothing.
        lifetime: Whether to measure how long a key lasts.
        pictures: Whether the report shows plain images beside what attackers make of them.
        requirements: That the scheme has to meet.
        public_classifier: Whether a classifier trained on labeled public images looks at reconstructions.
        controls: Folder of positive controls, which several audits may share; None: beside the cells.
        command: For the record.
    """

    attacks: tuple[str, ...] = ()
    images: int = 2000
    victims: int = 200
    size: int | None = None
    seconds: float = 600.0
    seed: int = 0
    lifetime: bool = False
    pictures: bool = True
    requirements: tuple[Requirement, ...] = ()
    public_classifier: bool = False
    controls: Path | None = None
    command: str = ""

    def __post_init__(self) -> None:
        for name in ("images", "victims", "seconds"):
            if getattr(self, name) <= 0:
                raise UsageError(f"{name} must be positive, not {getattr(self, name)}")


def all_trials(names: Sequence[str] = (), *, labeled: bool = False, models: Models | None = None) -> tuple[Trial, ...]:
    """Return the trials of a grid: attacks on images, attacks on models, games, and last those without an end.

    What trains or searches as long as it has time gets what the others leave.

    Args:
        names: Of attacks and games; all where empty, without models but `ON_REAL_MODELS`.
        labeled: Whether the images have labels.
        models: The user's own; None: small ones are made where they are needed.

    Raises:
        UsageError: There is none of a name.
    """
    known = (*list_attacks(), *sorted(MODEL_ATTACKS), *list_games())
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"there is no attack or game {unknown[0]!r}", hint=f"one of: {', '.join(known)}")
    games = list_games()

    def trial(name: str) -> Trial:
        if name in games:
            return GameTrial(game=create_game(name), labeled=labeled)
        if name in MODEL_ATTACKS:
            return ModelTrial(attack=create_model_attack(name), models=models)
        return AttackTrial(attack=create_attack(name))

    default = [name for name in known if models is not None or name not in ON_REAL_MODELS]
    return tuple(trial(name) for name in sorted(names or default, key=_endless))


def _endless(name: str) -> bool:
    """Return whether an attack uses all the time that it is given."""
    return name == "brute-force" or (name in ATTACKS and ATTACKS[name].__module__.startswith(_LEARNED))


def run_audit(
    scheme: Scheme,
    *,
    data: Path,
    out: Path,
    settings: AuditSettings | None = None,
    trials: Sequence[Trial] | None = None,
    stage: Stage | None = None,
    extra: Sequence[ExtraMeasure] = (),
    models: Models | None = None,
) -> Audit:
    """Attack a scheme on images and write ``report.html``, ``report.json`` and one JSON file a cell.

    The same call again goes on where an earlier one was stopped; cells that failed are tried again.

    Args:
        scheme: What is audited, with its asset where it needs one. Keys are made for the audit and thrown away.
        data: A folder of plain images, or an .npz file.
        out: Folder for the results; made if missing.
        settings: What is asked.
        trials: In place of those of the catalogue.
        stage: Shows progress.
        extra: Measures of reconstructions that need a file of the user's.
        models: The user's own model, which is encrypted for the audit, and its public base.

    Raises:
        UsageError: The images do not suffice or do not fit the scheme, or ``out`` holds an audit of another scheme.
        MissingExtraError: The report cannot be made, for jinja2 is not installed.
    """
    wanted, shown, started = settings or AuditSettings(), stage or unseen, time.monotonic()
    check_templates()
    all_trials(wanted.attacks)  # a wrong name is told before images are read
    with shown("read images") as advance:
        read = read_images(data, count=wanted.images, size=wanted.size, seed=wanted.seed, advance=advance)
        images = divide(read, victims=wanted.victims, seed=wanted.seed)
        advance(1, 1)
    measures = (*extra, *([public_recognition(images)] if wanted.public_classifier else []))
    for one in measures:  # images that it cannot measure are told before any attack runs
        one.figure(images.victims[:1], images.victims[:1])
    labeled = images.labels is not None
    if models is not None and images.shape[:2] != models.image_size:
        raise UsageError(
            "the model reads images of {}x{}, not of {}x{}".format(*models.image_size, *images.shape[:2]),
            hint=f"--size {models.image_size[0]}",
        )
    planned = all_trials(wanted.attacks, labeled=labeled, models=models) if trials is None else tuple(trials)
    bench = Bench(scheme=scheme, images=images, seed=wanted.seed)
    statistics = appearance(bench)
    facts: dict[str, Any] = {"machine": dict(machine()), "commit": commit(), "versions": dict(versions())}
    facts["command"] = wanted.command
    cells = Grid(
        scheme=scheme,
        images=images,
        trials=planned,
        lifetime=wanted.lifetime,
        pictures=wanted.pictures,
        seconds=wanted.seconds,
        seed=wanted.seed,
        folder=out / "cells",
        controls=ControlStore(folder=wanted.controls or out / "controls"),
        extra=measures,
        facts=facts,
    ).fill(stage=shown)
    audit = Audit(
        scheme=_scheme_facts(scheme, images=images),
        data=images.facts,
        cells=cells,
        appearance=statistics,
        warnings=images.warnings,
        answers=[answer(one, cells) for one in wanted.requirements],
        settings={
            "seconds": wanted.seconds,
            "seed": wanted.seed,
            "rules": asdict(RULES),
            "model": MADE
            if models is None
            else _OWN.format(base="no base" if models.base is None else "a public base"),
        },
        seconds=round(time.monotonic() - started, 1),
        **facts,
    )
    rows = {cell.name: read_pictures(out / "cells" / f"{cell.name}.pictures") for cell in cells if wanted.pictures}
    write_atomic(out / REPORT, (json.dumps(audit.to_json(), indent=2, allow_nan=False) + "\n").encode())
    page = render(audit, pictures={name: found for name, found in rows.items() if found})
    write_atomic(out / "report.html", page.encode(), mode=0o600 if wanted.pictures else 0o644)
    return audit


def _scheme_facts(scheme: Scheme, *, images: AuditImages) -> Mapping[str, Any]:
    """Return what the report says of the scheme itself, as JSON values."""
    facts = {
        "name": scheme.name,
        "title": scheme.title,
        "citation": scheme.citation,
        "parameters": scheme.parameters,
        "digest": scheme.digest,
        "key_policy": scheme.key_policy,
        "steps": [step.name for step in scheme.steps_for(scheme.laid_out_shape(images.shape))],
        "key_bits": scheme.key_bits(images.shape),
        "protects": scheme.protects,
        "exposes": scheme.exposes,
        "known_attacks": list(scheme.known_attacks),
        "legacy": "",
    }
    if scheme.legacy and scheme.bound is not None:
        from pixelveil.schemes.legacy.material import why_not_a_key

        facts["legacy"] = why_not_a_key(scheme.bound)
    return facts
