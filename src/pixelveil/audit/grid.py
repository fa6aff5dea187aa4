"""The grid: all trials on one scheme, within one budget; what is done already is not done again."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from pixelveil import __version__
from pixelveil.attacks.attack import Access, Budget
from pixelveil.attacks.verdict import RULES
from pixelveil.audit.bench import Bench
from pixelveil.audit.cell import Cell, finished_cell, write_cell
from pixelveil.audit.control_store import Control, ControlStore
from pixelveil.audit.extra import ExtraMeasure
from pixelveil.audit.images import AuditImages
from pixelveil.audit.lifetime import LifetimeTrial, series
from pixelveil.audit.limit import time_limit
from pixelveil.audit.pictures import write_pictures
from pixelveil.audit.trial import AttackTrial, Finding, Trial
from pixelveil.errors import OutOfTimeError, PixelveilError, UsageError
from pixelveil.schemes import Scheme

__all__ = ["Grid", "Stage", "unseen"]

Stage = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
"""Shows that a stage runs: a context that gives a function for (done, total)."""

_FORMAT = 1
_PICTURES = ".pictures"

# An attack that does not look at its budget may take so many times its share beyond it, as long as half of the others'
# time is left.
_PATIENCE = 2.0

# Of a cell's time, what its attacks are given; the rest is for scores and intervals.
_FOR_ATTACKS = 0.8

# What an attack may stumble over on unusual images; any other exception is a bug and ends the audit.
_FAILURES = (PixelveilError, MemoryError, np.linalg.LinAlgError, FloatingPointError)


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """Trials on one scheme.

    Args:
        scheme: What is audited.
        images: In their roles.
        trials: Attacks and games.
        lifetime: Whether to measure curves for the attacks that grow with the number of images.
        pictures: Whether to keep pictures.
        seconds: For all cells together.
        least: Seconds that a cell has at least beyond its share: encrypting and scoring take time by themselves.
        seed: Of the attacks' own randomness.
        folder: Of the cells; made if missing.
        controls: Where positive controls are kept.
        extra: Measures that need a file of the user's.
        facts: Machine, commit, versions and command, for the record.
    """

    scheme: Scheme
    images: AuditImages
    trials: Sequence[Trial]
    lifetime: bool = False
    pictures: bool = True
    seconds: float = 600.0
    least: float = 10.0
    seed: int = 0
    folder: Path
    controls: ControlStore = field(default_factory=ControlStore)
    extra: tuple[ExtraMeasure, ...] = ()
    facts: Mapping[str, Any]

    def fill(self, *, stage: Stage | None = None) -> tuple[Cell, ...]:
        """Fill all cells and return them; each is written as soon as it is filled.

        Args:
            stage: Shows progress.

        Raises:
            UsageError: The folder holds cells of another scheme.
        """
        shown = stage or unseen
        self.folder.mkdir(parents=True, exist_ok=True)
        self._check_folder()
        for path in () if self.pictures else self.folder.glob(f"*{_PICTURES}"):  # of attacks that are not asked for too
            path.unlink()
        data = self.images.digest
        clock = Budget(seconds=self.seconds)
        cells: dict[str, Cell] = {}
        waiting: list[Trial] = []

        def admit(trial: Trial) -> None:
            """Take what needs no time; let the rest wait."""
            digest = self._digest(trial, data=data)
            obstacle = trial.obstacle(self.scheme)
            done = finished_cell(self.folder, trial.file, digest=digest)
            pictured = self._pictures(trial).exists()
            if obstacle:
                blank = self._blank(trial, digest=digest)
                cell = replace(blank, verdict="NOT APPLICABLE", criterion=obstacle)
                write_cell(self.folder, cell)
                cells[trial.file] = cell
            elif done is not None and done.applicable and (pictured or not self.pictures or trial.kind != "attack"):
                cells[trial.file] = done
            else:
                waiting.append(trial)

        for trial in self.trials:
            admit(trial)
        later = self._points() if self.lifetime else 0
        self._run(waiting, cells, clock=clock, data=data, stage=shown, later=later)
        if self.lifetime:
            waiting.clear()
            for point in self._lifetime_trials(cells):
                admit(point)
            self._run(waiting, cells, clock=clock, data=data, stage=shown, later=0)
        return tuple(_in_order(cells))

    def _run(
        self, waiting: Sequence[Trial], cells: dict[str, Cell], *, clock: Budget, data: str, stage: Stage, later: int
    ) -> None:
        """Run trials one after the other; time that one leaves goes to those after it."""
        for number, trial in enumerate(waiting):
            share = max(0.0, clock.left) / (len(waiting) - number + later)
            cell = self._blank(trial, digest=self._digest(trial, data=data))
            with stage(f"{number + 1}/{len(waiting)} {trial.file}") as advance:
                started = time.monotonic()
                try:
                    if clock.spent:
                        raise OutOfTimeError("the time was up before it began", hint="run the same command again")
                    patience = max(self.least, min(_PATIENCE * share, (clock.left - share) / 2))
                    with time_limit(share + patience):
                        bench = Bench(
                            scheme=self.scheme,
                            images=self.images,
                            seed=self.seed,
                            controls=self.controls,
                            extra=self.extra,
                        )
                        finding = trial.run(bench, seconds=_FOR_ATTACKS * share, advance=advance)
                    cell = _found(cell, finding)
                    if self.pictures and finding.strips:
                        write_pictures(self._pictures(trial), finding.strips)
                except (*_FAILURES, RuntimeError) as error:
                    if not isinstance(error, _FAILURES) and not _lacks_memory(error):
                        raise
                    cell = replace(cell, criterion="it came to no end", failed=str(error) or type(error).__name__)
                advance(1, 1)
            cell = replace(cell, seconds=round(time.monotonic() - started, 3), seconds_allowed=round(share, 3))
            write_cell(self.folder, cell)
            cells[trial.file] = cell

    def _pictures(self, trial: Trial) -> Path:
        """Return where the pictures of a cell are kept."""
        return self.folder / f"{trial.file}{_PICTURES}"

    def _growing(self) -> list[AttackTrial]:
        """Return the attacks that have a curve on this scheme."""
        return [
            trial
            for trial in self.trials
            if isinstance(trial, AttackTrial) and trial.attack.grows and not trial.obstacle(self.scheme)
        ]

    def _points(self) -> int:
        """Return how many points all curves will have."""
        return sum(len(self._series(trial)) for trial in self._growing())

    def _series(self, trial: AttackTrial) -> list[int]:
        return [number for number in series(len(self.images.encrypted)) if number >= trial.attack.minimum]

    def _lifetime_trials(self, cells: Mapping[str, Cell]) -> Iterator[LifetimeTrial]:
        """Yield the points of all curves whose attack came to an end on all images.

        Large numbers go first: they need one key each, and small ones, which need many, get the time that is left.
        """
        points = [
            (number, trial)
            for trial in self._growing()
            if not cells[trial.file].failed
            for number in self._series(trial)
        ]
        for number, trial in sorted(points, key=lambda point: -point[0]):
            controls = cells[trial.file].controls
            yield LifetimeTrial(
                attack=trial.attack,
                ciphertexts=number,
                positive=_control(controls.get("positive", {})),
                negative=_control(controls.get("negative", {})),
            )

    def _digest(self, trial: Trial, *, data: str) -> str:
        """Return SHA-256 over everything that decides the outcome of a cell, but the keys, which are random."""
        content = {
            "format": _FORMAT,
            "version": __version__,
            "scheme": self.scheme.digest,
            "data": data,
            "trial": trial.file,
            "settings": trial.settings,
            "rules": asdict(RULES),
            "seed": self.seed,
            "seconds": self.seconds,
        }
        if self.extra and trial.kind == "attack":
            content["extra"] = {one.name: one.digest for one in self.extra}
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()

    def _check_folder(self) -> None:
        """Refuse a folder with the cells of another scheme: they would be lost."""
        for path in sorted(self.folder.glob("*.json")):
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
                found = (content["scheme"], content["parameters"])
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if found != (self.scheme.name, json.loads(json.dumps(self.scheme.parameters))):
                raise UsageError(
                    f"{self.folder.parent} holds an audit of {found[0]} with other parameters than asked for",
                    hint="choose another folder: --out",
                )

    def _blank(self, trial: Trial, *, digest: str) -> Cell:
        """Return a cell in which nothing has been found yet."""
        return Cell(
            scheme=self.scheme.name,
            parameters=self.scheme.parameters,
            key_policy=self.scheme.key_policy,
            attack=trial.name,
            kind=trial.kind,
            title=trial.title,
            citation=trial.citation,
            access=trial.access,
            cost=trial.cost,
            verdict="INCONCLUSIVE",
            criterion="",
            images=trial.ciphertexts if isinstance(trial, LifetimeTrial) else 0,
            shape=self.images.shape,
            digest=digest,
            **self.facts,
        )


def _lacks_memory(error: Exception) -> bool:
    """Tell whether PyTorch ran out of memory, which it says with a plain RuntimeError on a processor."""
    return any(words in str(error) for words in ("out of memory", "can't allocate memory"))


def _found(blank: Cell, finding: Finding) -> Cell:
    """Return a cell with what was found."""
    figures: dict[str, Any] = dict(finding.figures)
    return replace(
        blank,
        verdict=finding.verdict,
        criterion=finding.criterion,
        images=finding.images,
        victims=finding.victims,
        public=finding.public,
        pairs=finding.pairs,
        excess=finding.excess,
        gallery=finding.gallery,
        chance=finding.chance,
        controls={"positive": finding.positive.to_json(), "negative": finding.negative.to_json()},
        facts={name: _plain(value) for name, value in finding.facts.items()},
        **figures,
    )


def _plain(value: Any) -> Any:
    """Return a NumPy number as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _control(facts: Mapping[str, Any]) -> Control:
    """Return the control that a cell tells of."""
    rest = {name: value for name, value in facts.items() if name != "passed"}
    return Control(passed=facts.get("passed") is True, facts=rest)


def _in_order(cells: Mapping[str, Cell]) -> list[Cell]:
    """Return cells by what the attacker needs, points of curves last."""
    accesses = get_args(Access)
    return sorted(
        cells.values(),
        key=lambda cell: (cell.kind == "lifetime", accesses.index(cell.access), cell.attack, cell.images),
    )


@contextmanager
def unseen(name: str) -> Iterator[Callable[[int, int], None]]:
    """Show nothing."""
    del name
    yield lambda done, total: None
