"""Write the page of all measured attacks: ``python -m pages.attack_figures``; all of it from committed results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pages.schemes import table
from pixelveil.atomic import write_atomic

__all__ = ["TOPICS", "figures_page", "main"]

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "attack-figures.md"

TOPICS: Mapping[str, str] = {
    "pixels": "Single pixels: folding, minimum differences, filters, seeds",
    "statistics": "Second-order statistics of images under one key",
    "jigsaw": "Jigsaw puzzles of moved blocks",
    "pairs": "Known and chosen plain images",
    "models": "The encrypted model, its server and its clients",
    "games": "Games against chance",
    "defenses": "What lowers the leak of a shared key, and what still reads it",
}
"""By topic of ``benchmarks.attacks``; the lifetimes of keys and the published claims have pages of their own."""

_INTRODUCTION = """\
# Figures of the attacks

What each attack reaches where it must, beside the figure of the design study or of the paper ("study") where there is
one. Figures ending in "control" are those of the same attack on AES-CTR noise, with the same choice of readings.
`python -m benchmarks.attacks TOPIC --data cifar10.npz` makes a topic's figures again, `python -m pages.attack_figures`
this page. See also [the lifetime of keys](key-lifetime.md), [published claims](claims.md) and [audits](audits.md)."""


def figures_page(records: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page's text.

    Args:
        records: Content of ``benchmarks/results/attacks-TOPIC.json``, by topic.
    """
    parts = [_INTRODUCTION]
    for topic, title in TOPICS.items():
        if topic in records:
            record = records[topic]
            machine = record["machine"]
            parts += [f"## {title}", *_sections(record["results"])]
            parts.append(
                f"Topic `{topic}`; {record['seconds']:,.0f} s on {machine['processor']}, {machine['cores']} cores; "
                f"commit {record['commit']}."
            )
    if missing := [topic for topic in TOPICS if topic not in records]:
        parts.append(f"Not measured in this version: {', '.join(f'`{topic}`' for topic in missing)}.")
    return "\n\n".join(parts) + "\n"


def read_records() -> dict[str, dict[str, Any]]:
    """Return the committed results by topic."""
    paths = {topic: RESULTS / f"attacks-{topic}.json" for topic in TOPICS}
    return {topic: json.loads(path.read_text(encoding="utf-8")) for topic, path in paths.items() if path.exists()}


def _sections(results: Any, *, title: str = "") -> list[str]:
    """Return a heading and a table for each list of rows, however deep it lies."""
    if isinstance(results, Sequence) and not isinstance(results, str):
        rows = [row if isinstance(row, Mapping) else {"": row} for row in results]
        return [*([f"### {_sentence(title)}"] if title else []), _table(rows)] if rows else []
    if all(not isinstance(value, Mapping | list) for value in results.values()):
        return [*([f"### {_sentence(title)}"] if title else []), _table([results])] if results else []
    if title and all(isinstance(value, Mapping) and not _deep(value) for value in results.values()):
        return [f"### {_sentence(title)}", _table([{"": name, **value} for name, value in results.items()])]
    plain = {name: value for name, value in results.items() if not isinstance(value, Mapping | list)}
    parts = _sections(plain, title=title) if plain else []
    for name, value in results.items():
        if isinstance(value, Mapping | list):
            parts += _sections(value, title=f"{title}, {name}" if title else name)
    return parts


def _deep(value: Mapping[str, Any]) -> bool:
    return any(
        isinstance(one, Mapping) and any(isinstance(two, Mapping) for two in one.values()) for one in value.values()
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows under the union of their names, in the order in which they come up."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return table([name.replace("_", " ") for name in names], [[_text(row.get(name)) for name in names] for row in rows])


def _text(value: Any) -> str:
    """Return a value in few characters."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".") if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {_text(one)}" for name, one in value.items())
    if isinstance(value, list) and len(value) == 3 and all(isinstance(one, float) for one in value):
        return "{} ({} to {})".format(*(_text(one) for one in value))  # a share with its interval
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_text(one) for one in value)
    return str(value)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def main() -> None:
    """Write the page."""
    write_atomic(PAGE, figures_page(read_records()).encode())


if __name__ == "__main__":
    main()
