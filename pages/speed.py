"""Write the page on the speed of all schemes from the committed benchmark: ``python -m pages.speed``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pixelveil.atomic import write_atomic

__all__ = ["main", "speed_page"]

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "schemes.json"
PAGE = ROOT / "docs" / "speed.md"

_INTRODUCTION = """# Speed of the schemes

Megabytes of plain image per second, on one core, as a user calls it: `scheme.encrypt` under each scheme's own key
policy, with new memory for the result, the budget counted and, where every image has a key of its own, its
derivation. Median of five rounds; all contestants took turns in one run. `python -m benchmarks.run schemes` makes the
figures again, `python -m pages.speed` this page.
"""
_PUBLISHED = """## Beside published code

The algorithms as their authors' programs run them, rendered in NumPy from their descriptions and byte for byte equal
to them (`tests/reference/`). The renderings skip the programs' detour over floats, so they are faster than what they
stand for, and the ratios are on the low side. pyscramble is the Rust package of that name, image by image as it
works, with its own algorithms.
"""


def speed_page(record: dict[str, Any]) -> str:
    """Return the page's text.

    Args:
        record: Content of ``benchmarks/results/schemes.json``.
    """
    results = record["results"]
    sizes = list(results)
    ours = [name for name in results[sizes[0]] if name.startswith("encrypt: ")]
    others = [name for name in results[sizes[0]] if not name.startswith("encrypt: ")]
    head = ["scheme", *sizes, *(f"times published code, {size}" for size in sizes)]
    rows = [
        [name.removeprefix("encrypt: "), *_rates(results, name), *(_times(results[size][name]) for size in sizes)]
        for name in ours
    ]
    machine = record["machine"]
    foot = f"Machine: {machine['processor']}, one of {machine['cores']} cores; commit {record['commit']}."
    return "\n".join(
        [
            _INTRODUCTION,
            _table(head, rows),
            "",
            _PUBLISHED,
            _table(["program", *sizes], [[name, *_rates(results, name)] for name in others]),
            "",
            foot,
            "",
        ]
    )


def _rates(results: dict[str, Any], name: str) -> list[str]:
    return [f"{found[name]['median_megabytes_per_second']:,.0f}" for found in results.values()]


def _times(found: dict[str, Any]) -> str:
    return f"{found['times_published']:,.0f}" if "times_published" in found else ""


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows])


def main() -> None:
    """Write the page."""
    write_atomic(PAGE, speed_page(json.loads(RESULT.read_text(encoding="utf-8"))).encode())


if __name__ == "__main__":
    main()
