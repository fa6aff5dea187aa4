"""From cells to what a reviewer asks: who can read it? A line for each kind of attacker, and one grade."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from pixelveil.attacks.attack import Access
from pixelveil.attacks.verdict import Verdict, worst
from pixelveil.audit.cell import Cell

__all__ = ["ACCESS_WORDS", "CAN_USE", "REFERENCE_POINTS", "Line", "Status", "counts", "grade", "lines", "worst_cell"]

Status = Literal["broken", "leaks", "holds", "undecided", "not tested"]
"""Of a threat model: "holds" means that no attack that ran found a leak, and no more."""

ACCESS_WORDS: Mapping[Access, str] = {
    "ciphertexts": "sees encrypted images and nothing else",
    "public images": "has other images of the same kind too",
    "pairs": "knows some originals of encrypted images too",
    "oracle": "can have images of their choice encrypted under the same key",
    "model": "has the encrypted model",
    "client": "is a client and works together with the server",
    "gradients": "sees gradients of training",
}
"""What each attacker has."""

CAN_USE: Mapping[Access, tuple[Access, ...]] = {
    "ciphertexts": ("ciphertexts",),
    "public images": ("ciphertexts", "public images"),
    "pairs": ("ciphertexts", "public images", "pairs"),
    "oracle": ("ciphertexts", "public images", "pairs", "oracle"),
    "model": ("ciphertexts", "public images", "model"),
    "client": ("ciphertexts", "public images", "model", "client"),
    "gradients": ("gradients",),
}
"""By attacker, whose attacks they can run: who has more can do all that who has less can do."""


REFERENCE_POINTS = ("membership",)
"""What is shown beside the rest and decides nothing: it tells of the trained model, and no cipher changes it."""


def counts(cell: Cell) -> bool:
    """Return whether a cell can decide a grade: points of curves and reference points cannot.

    Args:
        cell: Any.
    """
    return cell.kind != "lifetime" and cell.attack not in REFERENCE_POINTS


@dataclass(frozen=True, kw_only=True)
class Line:
    """What is known of one kind of attacker.

    Args:
        access: What the attacker has.
        status: In a word.
        verdict: The worst of the cells that count.
        criterion: The rule that decided, or why nothing did.
        attack: That decided; empty where none did.
        less: Whether that attack needs less than this attacker has.
        ran: Attacks of this access that came to a verdict.
        undecided: That ran and prove nothing.
        not_applicable: That say nothing about the scheme.
    """

    access: Access
    status: Status
    verdict: Verdict
    criterion: str
    attack: str = ""
    less: bool = False
    ran: int = 0
    undecided: int = 0
    not_applicable: int = 0


def lines(cells: Iterable[Cell]) -> tuple[Line, ...]:
    """Return a line for each kind of attacker.

    Args:
        cells: All that were filled; see `counts`.
    """
    counted = [cell for cell in cells if counts(cell)]
    return tuple(_line(access, counted) for access in get_args(Access))


def grade(cells: Iterable[Cell]) -> Verdict:
    """Return the grade of the scheme: its worst applicable cell. What does not apply or proves nothing never helps.

    Args:
        cells: All that were filled; see `counts`.
    """
    applicable = [cell.verdict for cell in cells if counts(cell) and cell.applicable]
    return worst(applicable)


def worst_cell(cells: Sequence[Cell]) -> Cell | None:
    """Return the cell that decided: the worst, and among equals the one that reads most; None where there is none.

    Args:
        cells: Any.
    """
    order = get_args(Verdict)
    found = [cell for cell in cells if cell.conclusive]
    return max(found, key=lambda cell: (order.index(cell.verdict), _read(cell))) if found else None


def _read(cell: Cell) -> float:
    """Return the similarity of what an attack reads; a game reads nothing."""
    return 0.0 if cell.ssim is None else cell.ssim.value


def _line(access: Access, cells: Sequence[Cell]) -> Line:
    own = [cell for cell in cells if cell.access == access]
    usable = [cell for cell in cells if cell.access in CAN_USE[access] and cell.conclusive]
    ran = [cell for cell in own if cell.conclusive]
    # Who has more can run the attacks of who has less: what those leave open is open here too.
    undecided = [cell for cell in cells if cell.access in CAN_USE[access] and cell.verdict == "INCONCLUSIVE"]
    open_ = [cell for cell in undecided if cell.access == access]
    decided = worst_cell(usable)
    status: Status
    verdict: Verdict
    if decided is not None and decided.verdict != "NO LEAK FOUND":
        status, verdict, criterion = (
            ("broken" if decided.verdict == "BROKEN" else "leaks"),
            decided.verdict,
            decided.criterion,
        )
    elif undecided and (own or ran):
        first = (*open_, *undecided)[0]
        status, verdict, criterion = "undecided", "INCONCLUSIVE", f"{first.attack}: {first.criterion}"
    elif ran:
        status, verdict, criterion = "holds", "NO LEAK FOUND", f"no leak found by {', '.join(c.attack for c in ran)}"
    else:
        status, verdict, criterion = "not tested", "NOT APPLICABLE", "no attack of this kind applies here"
    return Line(
        access=access,
        status=status,
        verdict=verdict,
        criterion=criterion,
        attack=decided.attack if decided is not None and status in ("broken", "leaks") else "",
        less=decided is not None and status in ("broken", "leaks") and decided.access != access,
        ran=len(ran),
        undecided=len(open_),
        not_applicable=len(own) - len(ran) - len(open_),
    )
