"""What an audit found, as plain data: the summary that the report shows and that other audits are compared with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pixelveil.attacks.verdict import Verdict
from pixelveil.audit.cell import Cell, cell_from_json
from pixelveil.audit.lifetime import Curve, curves
from pixelveil.audit.requirement import Answer
from pixelveil.audit.summary import Line, grade, lines
from pixelveil.errors import IntegrityError, UsageError

__all__ = ["REPORT", "Audit", "read_audit"]

REPORT = "report.json"

_FORMAT = "pixelveil-audit/v1"


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The whole of an audit.

    Args:
        scheme: Name, title, parameters, digest, key policy, key space, what it protects and exposes.
        data: Sizes of the roles, shape, digest, copies that were set aside.
        cells: Of the grid, points of curves among them.
        appearance: Statistics of ciphertexts; advice only.
        warnings: What was too few for what.
        answers: To the requirements.
        settings: Budget in seconds, seed, rules.
        command: That made it.
        seconds: That this run took; less than the cells say where they are from earlier runs.
        machine: What it ran on.
        versions: Of Python and packages.
        commit: Of the package's repository, where there is one.
    """

    scheme: Mapping[str, Any]
    data: Mapping[str, Any]
    cells: Sequence[Cell] = field(repr=False)
    appearance: Sequence[Mapping[str, Any]] = ()
    warnings: Sequence[str] = ()
    answers: Sequence[Answer] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    seconds: float = 0.0
    machine: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""

    @cached_property
    def grade(self) -> Verdict:
        """The worst applicable cell."""
        return grade(self.cells)

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """What is known of each kind of attacker."""
        return lines(self.cells)

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """What attacks read by the number of images under one key."""
        return curves(self.cells)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            "format": _FORMAT,
            "grade": self.grade,
            "threat_models": [asdict(line) for line in self.lines],
            "lifetime": [
                {
                    "attack": curve.attack,
                    "quiet_until": curve.quiet_until,
                    "leaks_from": curve.leaks_from,
                    "broken_from": curve.broken_from,
                    "advice": curve.advice,
                }
                for curve in self.curves
            ],
            "requirements": [asdict(one) for one in self.answers],
            "scheme": dict(self.scheme),
            "data": dict(self.data),
            "warnings": list(self.warnings),
            "appearance": [dict(row) for row in self.appearance],
            "settings": dict(self.settings),
            "command": self.command,
            "seconds": self.seconds,
            "machine": dict(self.machine),
            "versions": dict(self.versions),
            "commit": self.commit,
            "cells": [cell.to_json() for cell in self.cells],
        }


def read_audit(folder: Path) -> Audit:
    """Read the summary that an audit left in its folder.

    Args:
        folder: The ``--out`` of the audit.

    Raises:
        UsageError: There is none.
        IntegrityError: It is damaged or of another version.
    """
    path = folder / REPORT
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{folder}: holds no finished audit", hint="run: pixelveil audit --out FOLDER") from error
    except ValueError as error:
        raise IntegrityError(f"{path}: is damaged", hint="run the audit again") from error
    try:
        if content["format"] != _FORMAT:
            raise ValueError("another format")
        return Audit(
            scheme=content["scheme"],
            data=content["data"],
            cells=[cell_from_json(one, source=str(path)) for one in content["cells"]],
            appearance=content["appearance"],
            warnings=content["warnings"],
            answers=[Answer(**one) for one in content["requirements"]],
            settings=content["settings"],
            command=content["command"],
            seconds=content["seconds"],
            machine=content["machine"],
            versions=content["versions"],
            commit=content["commit"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"{path}: is no audit of this version", hint="run the audit again") from error
