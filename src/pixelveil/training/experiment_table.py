"""The table of an experiment, from its results: published and measured, side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pixelveil.errors import IntegrityError, UsageError

__all__ = ["HEAD", "SHORT_HEAD", "markdown_table", "read_results", "short_rows", "table_rows"]

HEAD = ("images", "scheme", "keys", "network", "epochs", "published", "ours (95 %)", "difference", "mind")
SHORT_HEAD = ("cell", "epochs", "published", "ours", "95 %", "difference", "seconds")
_KEYS = {"shared": "one", "derived": "per image", "ephemeral": "per image", "none": "—"}


def read_results(folder: Path, *, order: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the results of an experiment.

    Args:
        folder: Holds one JSON a cell.
        order: Names of cells; others come after them, sorted.

    Raises:
        UsageError: There are none.
        IntegrityError: One cannot be read.
    """
    paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
    if not paths:
        raise UsageError(f"{folder}: no results yet", hint="pixelveil experiment run NAME --data DIR")
    results = []
    for path in paths:
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise IntegrityError(f"{path}: cannot be read ({error})") from error
        if not {"cell", "accuracy", "published_accuracy", "network", "scheme"} <= found.keys():
            raise IntegrityError(f"{path}: is no result of an experiment")
        results.append(found)
    place = {name: number for number, name in enumerate(order)}
    return sorted(results, key=lambda one: (place.get(one["cell"], len(place)), one["cell"]))


def table_rows(results: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return the cells of a table, as `HEAD` names its columns."""
    return [_row(one) for one in results]


def short_rows(results: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return what fits a terminal, as `SHORT_HEAD` names its columns."""
    rows: list[tuple[str, ...]] = []
    for one in results:
        low, high = one["interval_95"]
        long = _row(one)
        middle = (f"{one['accuracy']:.2f}", f"{low:.1f} to {high:.1f}")
        rows.append((one["cell"], long[4], long[5], *middle, long[7], f"{one['seconds']:,.0f}"))
    return rows


def markdown_table(results: Sequence[Mapping[str, Any]]) -> str:
    """Return the table in Markdown.

    >>> print(markdown_table([]))
    | images | scheme | keys | network | epochs | published | ours (95 %) | difference | mind |
    | --- | --- | --- | --- | ---: | ---: | ---: | ---: | --- |
    """
    align = ("---", "---", "---", "---", "---:", "---:", "---:", "---:", "---")
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (HEAD, align, *table_rows(results)))


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    published, difference = one["published_accuracy"], one["difference"]
    low, high = one["interval_95"]
    facts = one["split_facts"]
    begun = "from public weights" if one["settings"].get("weights") else ""
    name = ", ".join(filter(None, (one["network"], one["adaptation"].removeprefix("none"), begun)))
    return (
        f"{facts['train_images']:,} / {facts['test_images']:,}, {one['image_size']} px, {one['split']} split",
        _scheme(one),
        _KEYS[one["key_policy"]],
        name,
        str(one["epochs"]) if one["epochs"] else "—",
        "—" if published is None else f"{published:.2f}",
        f"{one['accuracy']:.2f} ({low:.1f} to {high:.1f})",
        "—" if difference is None else f"{difference:+.2f}",
        "; ".join(filter(None, (_equal(one), one["reason"], facts["weakness"]))),
    )


def _scheme(one: Mapping[str, Any]) -> str:
    """Return the scheme with the parameters that the cell sets, and where it was used otherwise than once."""
    settings = one["settings"]
    told = [f"{label} {value}" for label, value in settings["parameters"].items()] if one["kind"] != "learned" else []
    if settings["encrypt"] == "every epoch" and one["scheme"] != "plain":
        told.append("encrypted anew each epoch")
    if settings["augment"] == "none":
        told.append("no augmentation")
    return ", ".join([one["scheme"], *told])


def _equal(one: Mapping[str, Any]) -> str:
    """Say how far the answers are those on plain images, where that was counted."""
    if "answers_equal" not in one or one["scheme"] == "plain":
        return ""
    total = one["split_facts"]["test_images"]
    text = f"{one['answers_equal']:,} of {total:,} answers as on plain images ({one['plain_accuracy']:.2f})"
    if "wrong_key_accuracy" in one:
        text += f"; wrong key {one['wrong_key_accuracy']:.1f}, no key {one['no_key_accuracy']:.1f}"
    return text
