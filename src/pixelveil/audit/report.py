"""The report of an audit: one HTML page that holds everything it shows and loads nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from pixelveil.attacks.intervals import Interval
from pixelveil.audit.cell import Cell
from pixelveil.audit.chart import HEIGHT, WIDTH, chart
from pixelveil.audit.pictures import COLUMNS, Row
from pixelveil.audit.result import Audit
from pixelveil.audit.summary import ACCESS_WORDS, worst_cell
from pixelveil.errors import MissingExtraError

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["KEY_SPACE", "STATUS_TONES", "VERDICT_TONES", "check_templates", "headline", "render", "render_template"]

KEY_SPACE = (
    "This number is not the level of protection. It counts keys that somebody would have to try who knows no "
    "better. Nearly all attacks here try no keys: they use what every key leaves as it is, or what images under "
    "one key have in common. Schemes with thousands of bits have been read from five images."
)
"""Why the key space is no measure of protection; stands beside every key space."""

VERDICT_TONES = {
    "BROKEN": "bad",
    "SERIOUS": "bad",
    "LEAK": "warn",
    "NO LEAK FOUND": "good",
    "INCONCLUSIVE": "open",
    "NOT APPLICABLE": "none",
}
"""Color of each verdict."""

STATUS_TONES = {"broken": "bad", "leaks": "warn", "holds": "good", "undecided": "open", "not tested": "none"}
"""Color of each status of a threat model."""


def check_templates() -> None:
    """Raise now, not after ten minutes of attacks, if no report can be made.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    _environment()


def render(audit: Audit, *, pictures: Mapping[str, Sequence[Row]]) -> str:
    """Return the page.

    Args:
        audit: What was found.
        pictures: Rows of pictures by name of the cell; none where they were not wanted.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    grid = [cell for cell in audit.cells if cell.kind != "lifetime"]
    shown = sorted((cell for cell in grid if cell.name in pictures), key=lambda cell: _order(cell.verdict))
    return render_template(
        "report.html.j2",
        {
            "a": audit,
            "headline": headline(audit),
            "decided": worst_cell(grid),
            "grid": grid,
            "counts": _counts(grid),
            "strips": [(cell, pictures[cell.name]) for cell in shown],
            "columns": COLUMNS,
            "charts": [(curve, chart(curve.points)) for curve in audit.curves],
            "chart_size": (WIDTH, HEIGHT),
            "access_words": ACCESS_WORDS,
            "key_space": KEY_SPACE,
        },
    )


def render_template(name: str, values: Mapping[str, Any]) -> str:
    """Return a page made from one of the package's templates.

    Args:
        name: Of the template.
        values: By name; every text in them is escaped.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    return _environment().get_template(name).render(**values)


def headline(audit: Audit) -> str:
    """Say the grade in a sentence that claims no more than was found.

    Args:
        audit: What was found.
    """
    name = f"{audit.scheme['name']} (key policy {audit.scheme['key_policy']})"
    return {
        "BROKEN": f"{name} was broken on these images.",
        "SERIOUS": f"{name} leaks seriously on these images.",
        "LEAK": f"{name} leaks on these images.",
        "NO LEAK FOUND": f"The attacks that ran found no leak in {name} on these images.",
        "INCONCLUSIVE": f"Nothing was decided about {name}.",
        "NOT APPLICABLE": f"No attack here says anything about {name}.",
    }[audit.grade]


def _environment() -> Environment:
    try:
        from jinja2 import DictLoader, Environment, StrictUndefined
    except ImportError as error:
        raise MissingExtraError("the report of an audit", extra="audit") from error

    folder = resources.files(__package__).joinpath("templates")
    names = ("page.html.j2", "report.html.j2", "compare.html.j2")
    texts = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in names}
    environment = Environment(
        loader=DictLoader(texts), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"figure": _figure, "ends": _ends, "share": _share, "thousands": _thousands, "value": _value}
    environment.globals |= {"verdict_tones": VERDICT_TONES, "status_tones": STATUS_TONES}
    return environment


def _order(verdict: str) -> int:
    return list(VERDICT_TONES).index(verdict)


def _counts(cells: Sequence[Cell]) -> dict[str, int]:
    """Return how many cells came to what end."""
    return {
        "verdicts": sum(cell.conclusive for cell in cells),
        "inconclusive": sum(cell.verdict == "INCONCLUSIVE" and not cell.failed for cell in cells),
        "failed": sum(bool(cell.failed) for cell in cells),
        "not applicable": sum(not cell.applicable for cell in cells),
    }


def _figure(interval: Interval | None) -> str:
    """Write a figure, or a dash where there is none."""
    return "–" if interval is None else f"{interval.value:.2f}"


def _ends(interval: Interval | None) -> str:
    """Write the ends of an interval."""
    if interval is None or not math.isfinite(interval.low) or not math.isfinite(interval.high):
        return ""
    return f"{interval.low:.2f} to {interval.high:.2f}"


def _share(interval: Interval | None) -> str:
    """Write a share in percent."""
    return "–" if interval is None else f"{100 * interval.value:.1f} %"


def _thousands(value: float) -> str:
    """Write 12345 as ``12,345``."""
    return f"{value:,.0f}"


def _value(value: Any) -> str:
    """Write a number or a word of an attack about itself."""
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
