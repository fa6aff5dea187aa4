"""Several audits side by side, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import get_args

from pixelveil.attacks.attack import Access
from pixelveil.audit.cell import Cell
from pixelveil.audit.report import KEY_SPACE, render_template
from pixelveil.audit.result import Audit
from pixelveil.audit.summary import ACCESS_WORDS
from pixelveil.errors import UsageError

__all__ = ["AttackRow", "attack_rows", "differences", "render_comparison"]


@dataclass(frozen=True, kw_only=True)
class AttackRow:
    """One attack on all schemes.

    Args:
        attack: Its name.
        access: What it needs.
        cells: One for each audit; None where it did not run.
        noise: The highest SSIM that it has on noise, the reference; None where it has none.
    """

    attack: str
    access: Access
    cells: tuple[Cell | None, ...] = field(repr=False)
    noise: float | None


def attack_rows(audits: Sequence[Audit]) -> tuple[AttackRow, ...]:
    """Return a row for each attack of any of the audits, by what it needs.

    Args:
        audits: In the order of the columns.
    """
    by_audit = [{cell.attack: cell for cell in audit.cells if cell.kind != "lifetime"} for audit in audits]
    accesses = get_args(Access)
    found = {name: cell.access for cells in by_audit for name, cell in cells.items()}
    rows = []
    for name in sorted(found, key=lambda name: (accesses.index(found[name]), name)):
        cells = tuple(one.get(name) for one in by_audit)
        floors = [cell.ssim_control.value for cell in cells if cell is not None and cell.ssim_control is not None]
        rows.append(AttackRow(attack=name, access=found[name], cells=cells, noise=max(floors) if floors else None))
    return tuple(rows)


def differences(audits: Sequence[Audit]) -> list[str]:
    """Say in what the audits differ beside the scheme, so that figures are not compared that cannot be.

    Args:
        audits: Any.
    """
    found = []
    if len({audit.data["digest"] for audit in audits}) > 1:
        found.append("The audits were made on different images: figures of two columns cannot be compared.")
    if len({audit.settings["seconds"] for audit in audits}) > 1:
        found.append("The attacks had different times: a column with less may look better than it is.")
    if len({audit.versions.get("pixelveil") for audit in audits}) > 1:
        found.append("The audits were made by different versions.")
    return found


def render_comparison(audits: Sequence[Audit]) -> str:
    """Return the page.

    Args:
        audits: Two or more.

    Raises:
        UsageError: There are fewer.
        MissingExtraError: jinja2 is not installed.
    """
    if len(audits) < 2:
        raise UsageError(f"{len(audits)} audits cannot be compared", hint="give two or more folders")
    return render_template(
        "compare.html.j2",
        {
            "audits": audits,
            "names": [_name(audit, audits) for audit in audits],
            "warnings": differences(audits),
            "threat_models": [
                (access, [audit.lines[place] for audit in audits]) for place, access in enumerate(get_args(Access))
            ],
            "rows": attack_rows(audits),
            "access_words": ACCESS_WORDS,
            "key_space": KEY_SPACE,
        },
    )


def _name(audit: Audit, audits: Sequence[Audit]) -> str:
    """Return the name of a column; the key policy too where two columns have one scheme."""
    name = str(audit.scheme["name"])
    same = [one for one in audits if one.scheme["name"] == name]
    return name if len(same) == 1 else f"{name} ({audit.scheme['key_policy']}, {audit.scheme['digest'][:6]})"
