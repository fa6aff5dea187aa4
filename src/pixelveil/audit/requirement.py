"""Requirements of an audit, such as ``ciphertext-only: ssim<0.2``: met, not met, or not decided, which is not met."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast, get_args

from pixelveil.attacks.attack import Access
from pixelveil.attacks.verdict import Verdict
from pixelveil.audit.cell import Cell
from pixelveil.audit.summary import CAN_USE, counts
from pixelveil.errors import UsageError

__all__ = ["Answer", "Measure", "Requirement", "answer", "parse_requirement"]

Measure = Literal["ssim", "edges", "information", "reidentification", "verdict"]

Outcome = Literal["met", "failed", "undecided"]

_FIELDS = {
    "ssim": "ssim",
    "edges": "edge_correlation",
    "information": "information",
    "reidentification": "reidentification",
}
_FORM = re.compile(r"\s*(?P<access>[a-z -]+?)\s*:\s*(?P<measure>[a-z]+)\s*<\s*(?P<limit>[A-Za-z0-9. ]+?)\s*")
_ALIASES = {"ciphertext-only": "ciphertexts"}
_EXAMPLE = 'write it as "ciphertext-only: ssim<0.2" or "any: verdict<SERIOUS"'


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """An upper limit on what attackers with some access may find.

    Args:
        access: Who; None: anybody.
        measure: Of what.
        limit: That must not be reached: a figure, or the place of a verdict among the six.
        text: As it was written.
    """

    access: Access | None
    measure: Measure
    limit: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the audit says to a requirement.

    Args:
        requirement: As it was written.
        outcome: "met", "failed" or "undecided".
        reason: In one line.
    """

    requirement: str
    outcome: Outcome
    reason: str


def parse_requirement(text: str) -> Requirement:
    """Read a requirement.

    Args:
        text: ``ACCESS: measure<limit``. Access is one of ciphertexts (or ciphertext-only), public images, pairs,
            oracle, model, client, gradients, any; the measure one of ssim, edges, information, reidentification,
            verdict.

    Raises:
        UsageError: It is none.

    >>> parse_requirement("ciphertext-only: ssim<0.2").limit
    0.2
    >>> parse_requirement("any: verdict<SERIOUS").access is None
    True
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise UsageError(f"requirement {text!r} cannot be read", hint=_EXAMPLE)
    who = _ALIASES.get(found["access"], found["access"])
    if who != "any" and who not in get_args(Access):
        raise UsageError(f"requirement {text!r}: no access {who!r}", hint=f"any, {', '.join(get_args(Access))}")
    if found["measure"] not in get_args(Measure):
        raise UsageError(
            f"requirement {text!r}: no measure {found['measure']!r}", hint=f"one of: {', '.join(get_args(Measure))}"
        )
    return Requirement(
        access=None if who == "any" else cast(Access, who),
        measure=cast(Measure, found["measure"]),
        limit=_limit(found["limit"], measure=found["measure"], requirement=text),
        text=text.strip(),
    )


def answer(requirement: Requirement, cells: Iterable[Cell]) -> Answer:
    """Say whether cells meet a requirement; who has more access can also run the attacks of who has less.

    A figure meets its limit only with the upper end of its interval. What is not decided is not met.

    Args:
        requirement: The limit.
        cells: All that were filled; points of curves and reference points do not count here.
    """
    usable = get_args(Access) if requirement.access is None else CAN_USE[requirement.access]
    counted = [cell for cell in cells if counts(cell) and cell.access in usable and cell.applicable]

    def answered(outcome: Outcome, reason: str) -> Answer:
        return Answer(requirement=requirement.text, outcome=outcome, reason=reason)

    judged = [(cell, *_compare(requirement, cell)) for cell in counted]
    wanted: tuple[Outcome, ...] = ("failed", "undecided")
    for outcome in wanted:
        for cell, found, reason in judged:
            if found == outcome:
                return answered(outcome, f"{cell.attack}: {reason}")
    if not any(requirement.access in (None, cell.access) and found == "met" for cell, found, _ in judged):
        return answered("undecided", "no attack with this access gave such a figure; that is no resistance")
    return answered("met", ", ".join(f"{cell.attack}: {reason}" for cell, found, reason in judged if found == "met"))


def _compare(requirement: Requirement, cell: Cell) -> tuple[Outcome | Literal["silent"], str]:
    """Return what one cell says to a requirement; silent where it has no such figure."""
    if not cell.conclusive:
        return "undecided", cell.failed or cell.criterion
    if requirement.measure == "verdict":
        over = get_args(Verdict).index(cell.verdict) >= requirement.limit
        return ("failed" if over else "met"), cell.verdict
    figure = cell.figure(_FIELDS[requirement.measure])
    if figure is None:
        return "silent", ""
    told = f"{requirement.measure} {figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
    if figure.value >= requirement.limit:
        return "failed", told
    return ("met" if figure.high < requirement.limit else "undecided"), told


def _limit(text: str, *, measure: str, requirement: str) -> float:
    """Return a limit as a number: a figure, or the place of a verdict."""
    if measure == "verdict":
        if text not in get_args(Verdict):
            raise UsageError(f"requirement {requirement!r}: no verdict {text!r}", hint=", ".join(get_args(Verdict)))
        return float(get_args(Verdict).index(text))
    if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", text):
        raise UsageError(f"requirement {requirement!r}: {text!r} is no number", hint=_EXAMPLE)
    return float(text)
