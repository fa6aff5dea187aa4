"""Positive controls that were run already: none of them depends on the scheme that is audited."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pixelveil import __version__
from pixelveil.atomic import write_atomic

__all__ = ["Control", "ControlStore", "Question", "time_of"]

_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Control:
    """Whether a control did what it must.

    Args:
        passed: It did.
        facts: What that rests on, as JSON values.
    """

    passed: bool
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"passed": self.passed, **self.facts}


@dataclass(frozen=True, kw_only=True)
class Question:
    """What decides the outcome of a positive control.

    Args:
        name: Of the attack or game.
        settings: Of it and of what it must break, as JSON values.
        data: Digest of the images.
        seed: Of the attack's own randomness.
    """

    name: str
    settings: Mapping[str, Any]
    data: str
    seed: int

    def digest(self, *, seconds: float) -> str:
        """Return SHA-256 over it, the time that the control has, and the version.

        Args:
            seconds: As `time_of` gives it.
        """
        content = {"format": _FORMAT, "version": __version__, "seconds": seconds, **vars(self)}
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def time_of(seconds: float) -> float:
    """Return the time of a positive control: the half-integer power of two below an attack's.

    So that audits with slightly other times share it, and that it never had more time than the attack itself.

    Args:
        seconds: That the attack has at least.

    >>> round(time_of(7.3), 2), time_of(4.0), time_of(0.0)
    (5.66, 4.0, 0.0)
    """
    return 2.0 ** (math.floor(2 * math.log2(seconds)) / 2) if seconds > 0 else 0.0


@dataclass(frozen=True, kw_only=True)
class ControlStore:
    """A folder of positive controls, one JSON file each; several audits, even at the same time, may share it.

    Args:
        folder: Made when it is needed; None: nothing is kept.
    """

    folder: Path | None = None

    def answer(self, question: Question, *, seconds: float, run: Callable[[float], Control]) -> tuple[Control, float]:
        """Return the control, kept from before or run now, and the time that is left for the attack and its noise each.

        Args:
            question: What decides its outcome.
            seconds: For all three.
            run: Runs the control within the seconds that it is given.
        """
        allowed, started = time_of(seconds / 3), time.monotonic()
        digest = question.digest(seconds=allowed)
        control = self._find(question.name, digest=digest)
        if control is None:
            control = run(allowed)
            control = replace(control, facts={**control.facts, "seconds": allowed})
            if control.passed:  # one that failed, perhaps on a busy machine, is tried again
                self._keep(question.name, control, digest=digest)
        return control, max(0.0, seconds - (time.monotonic() - started)) / 2

    def _path(self, name: str, *, digest: str) -> Path | None:
        return None if self.folder is None else self.folder / f"{name}-{digest[:16]}.json"

    def _find(self, name: str, *, digest: str) -> Control | None:
        """Return a control that was kept; None where there is none, or its file is damaged."""
        if (path := self._path(name, digest=digest)) is None:
            return None
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            found = Control(passed=content["passed"] is True, facts=dict(content["facts"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if content.get("digest") == digest else None

    def _keep(self, name: str, control: Control, *, digest: str) -> None:
        if (path := self._path(name, digest=digest)) is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        facts = {name: None if value != value else value for name, value in control.facts.items()}  # JSON has no NaN
        content = {"digest": digest, "passed": control.passed, "facts": facts}
        write_atomic(path, (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())
