"""Write the page of all committed audits: ``python -m pages.audits``; every word and figure is from their JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.audit_cases import CASES
from pages.schemes import table
from pixelveil.atomic import write_atomic
from pixelveil.audit import read_audit, render_comparison
from pixelveil.audit.report import render
from pixelveil.audit.result import Audit
from pixelveil.audit.summary import ACCESS_WORDS, Line, worst_cell

__all__ = ["SETS", "audits_page", "main", "read_all"]

ROOT = Path(__file__).resolve().parents[1]
AUDITS = ROOT / "audits"

SETS: Mapping[str, str] = {
    "cifar10": "CIFAR-10, 32x32",
    "brain-mri": "Brain MRI (Nickparvar's set), slices at 64x64",
}
"""Folder below ``audits/``, and what images they are."""

_INTRODUCTION = """\
Every scheme of the catalogue, attacked with everything that this project has, on two sets of real images. A word for
each kind of attacker: *broken*, *leaks*, *holds* (no attack that ran found a leak, and no more than that), *undecided*
(a control failed or too little was tried), *not tested* (no attack of this kind applies). An attacker who has more can
do all that one who has less can do. The grade is the worst of them. [How to read a report](reading-a-report.md).

The reports are without pictures, for the images are not ours to publish; the pages of the [schemes](schemes/index.md)
show pictures of photographs that are free."""


def read_all(name: str) -> dict[str, Audit]:
    """Return the committed audits of a set of images by case, in the order of the cases."""
    return {case: read_audit(AUDITS / name / case) for case in CASES if (AUDITS / name / case / "report.json").exists()}


def audits_page() -> str:
    """Return the page."""
    parts = ["# Audits", _INTRODUCTION]
    for name, words in SETS.items():
        if audits := read_all(name):
            parts += [f"## {words}", _facts(audits), _verdicts(name, audits), _strongest(audits)]
            if curves := _curves(audits):
                parts += ["### Images under one key", curves]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Write the page, one comparison of all schemes for each set, and every report in the words of this version."""
    write_atomic(ROOT / "docs" / "audits.md", audits_page().encode())
    for name in SETS:
        if audits := read_all(name):
            write_atomic(AUDITS / name / "comparison.html", render_comparison(list(audits.values())).encode())
        for case, audit in audits.items():
            write_atomic(AUDITS / name / case / "report.html", render(audit, pictures={}).encode())


def _facts(audits: Mapping[str, Audit]) -> str:
    """Return how it was measured."""
    first = next(iter(audits.values()))
    cells = sum(len(audit.cells) for audit in audits.values())
    commits = sorted({cell.commit for audit in audits.values() for cell in audit.cells})
    budgets = sorted({round(audit.settings["seconds"] / 60) for audit in audits.values()})
    return (
        f"{len(audits)} audits, {cells} cells; {first.data['victims']} images to be read, "
        f"{first.data['helpers']} others under the same key, {first.data['public']} public ones, "
        f"{first.data['pairs']} known pairs. "
        f"Budget {' or '.join(map(str, budgets))} minutes each. Machine: {first.machine.get('processor', '')}, "
        f"{first.machine.get('cores', '')} cores, two audits at a time. Commits: {', '.join(commits)}."
    )


def _verdicts(name: str, audits: Mapping[str, Audit]) -> str:
    """Return the table of grades, one row for each scheme and one column for each kind of attacker."""
    header = ("scheme", "key", *ACCESS_WORDS, "grade")
    rows = [
        (
            f"[{case}](../audits/{name}/{case}/report.html)" + (f" ({CASES[case].note})" if CASES[case].note else ""),
            str(audit.scheme["key_policy"]),
            *(_word(line) for line in audit.lines),
            f"**{audit.grade}**",
        )
        for case, audit in audits.items()
    ]
    return table(header, rows)


def _word(line: Line) -> str:
    return line.status if not line.attack or line.less else f"{line.status} ({line.attack})"


def _strongest(audits: Mapping[str, Audit]) -> str:
    """Return what reads most of each scheme, with the figures."""
    rows = []
    for case, audit in audits.items():
        read = [cell for cell in audit.cells if cell.kind == "attack" and cell.ssim is not None and cell.conclusive]
        best = max(read, key=lambda cell: cell.ssim.value if cell.ssim else 0.0, default=None)
        worst = worst_cell([cell for cell in audit.cells if cell.kind != "lifetime"])
        decided = f"{worst.attack}: {worst.criterion}" if worst is not None else ""
        if best is None or best.ssim is None or best.ssim_control is None:
            rows.append((case, "", "", "", decided))
            continue
        figure = f"{best.ssim.value:.2f} ({best.ssim_control.value:.2f})"
        rows.append((case, best.attack, best.access, figure, decided))
    return table(("scheme", "reads most", "with", "SSIM (on noise)", "what decides the grade"), rows)


def _curves(audits: Mapping[str, Audit]) -> str:
    """Return how many images a key lasts, where that was measured."""
    rows: Sequence[Sequence[str]] = [
        (case, curve.attack, curve.advice) for case, audit in audits.items() for curve in audit.curves
    ]
    return table(("scheme", "attack", "what it says"), rows) if rows else ""


if __name__ == "__main__":
    main()
