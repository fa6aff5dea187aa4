"""Pictures of experiments as SVG: learning curves, confusion matrices, accuracy and leakage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["confusion_matrices", "learning_curves", "scatter"]

Record = Mapping[str, Any]

_COLORS = ("#3b6ea5", "#c0562f", "#4a8c4a", "#8a5ca8", "#b08a1e", "#3f9a9a", "#a8486f", "#666666")
_LEFT, _TOP, _RIGHT, _BOTTOM, _WIDTH, _HEIGHT = 46, 14, 600, 320, 860, 370
_CELL, _GAP, _PER_ROW, _LABEL = 150, 24, 5, 30
_LINES_AT_MOST = 16


def learning_curves(results: Sequence[Record]) -> str:
    """Return validation accuracy over epochs, one line a cell; empty where nothing was trained epoch by epoch.

    Args:
        results: Of an experiment.
    """
    trained = [one for one in results if any("validation_accuracy" in entry for entry in one["curve"])]
    trained = trained[:_LINES_AT_MOST]
    if not trained:
        return ""
    last = max(entry["epoch"] for one in trained for entry in one["curve"])
    lines = [_head(_WIDTH, max(_HEIGHT, _TOP + 40 + 20 * len(trained)), "Accuracy on validation images by epoch")]
    lines += _axes("epoch", [(str(value), value / last) for value in _ticks(last)])
    for number, one in enumerate(trained):
        points = [
            (_across(entry["epoch"] / last), _down(entry["validation_accuracy"] / 100))
            for entry in one["curve"]
            if "validation_accuracy" in entry
        ]
        style = _style(number)
        if len(points) > 1:
            lines.append(f'<polyline points="{" ".join(f"{x},{y}" for x, y in points)}" {style}/>')
        lines.append(f'<circle cx="{points[-1][0]}" cy="{points[-1][1]}" r="3" fill="{_color(number)}"/>')
        down = _TOP + 10 + 20 * number
        lines.append(f'<path d="M{_RIGHT + 14} {down}h24" {style}/>')
        lines.append(_text(_RIGHT + 44, down + 4, one["cell"]))
    return "\n".join([*lines, "</svg>", ""])


def confusion_matrices(results: Sequence[Record]) -> str:
    """Return one small matrix a cell: rows are true classes, columns answers, dark squares many images.

    Args:
        results: Of an experiment.
    """
    rows = -(-len(results) // _PER_ROW)
    width = _GAP + _PER_ROW * (_CELL + _GAP)
    lines = [_head(width, rows * (_CELL + _GAP + _LABEL) + 8, "Confusion matrices: rows true classes, columns answers")]
    for number, one in enumerate(results):
        left = _GAP + number % _PER_ROW * (_CELL + _GAP)
        top = number // _PER_ROW * (_CELL + _GAP + _LABEL) + _LABEL
        lines.append(_text(left, top - 8, f"{one['cell']}: {one['accuracy']:.1f}"))
        lines += _matrix(one["confusion"], left=left, top=top, names=one["classes"])
    return "\n".join([*lines, "</svg>", ""])


def scatter(points: Sequence[tuple[str, float, float]]) -> str:
    """Return accuracy over what attacks read, one dot a scheme.

    Args:
        points: Label, leakage (mean SSIM, 0..1), accuracy in percent.
    """
    lines = [_head(_WIDTH, _HEIGHT, "Accuracy over the highest SSIM that an attack reached")]
    lines += _axes("highest SSIM of a reconstruction", [(f"{value:.2g}", value) for value in (0, 0.25, 0.5, 0.75, 1)])
    for number, (label, leakage, accuracy) in enumerate(sorted(points, key=lambda point: -point[2])):
        x, y = _across(leakage), _down(accuracy / 100)
        down = _TOP + 10 + 18 * number
        lines.append(f'<circle cx="{x}" cy="{y}" r="5" fill="{_color(number)}" fill-opacity="0.8"/>')
        lines.append(_text(x - 8, y + 4, str(number + 1), anchor="end"))
        lines.append(_text(_RIGHT + 14, down + 4, f"{number + 1}  {label}: {accuracy:.1f}, {leakage:.2f}"))
    return "\n".join([*lines, "</svg>", ""])


def _matrix(matrix: Sequence[Sequence[int]], *, left: int, top: int, names: Sequence[str]) -> Iterator[str]:
    side = _CELL / len(matrix)
    yield f'<rect x="{left}" y="{top}" width="{_CELL}" height="{_CELL}" fill="#f4f4f4"/>'
    for row, counts in enumerate(matrix):
        total = max(1, sum(counts))
        for column, count in enumerate(counts):
            if not count:
                continue
            x, y = round(left + column * side, 1), round(top + row * side, 1)
            what = f"{names[row]} as {names[column]}: {count}" if len(names) == len(matrix) else str(count)
            yield (
                f'<rect x="{x}" y="{y}" width="{side:.1f}" height="{side:.1f}" fill="{_COLORS[row != column]}" '
                f'fill-opacity="{count / total:.3f}"><title>{escape(what)}</title></rect>'
            )


def _head(width: int, height: int, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="12">\n<title>{escape(title)}</title>\n<rect width="{width}" height="{height}" fill="#ffffff"/>'
    )


def _axes(label: str, ticks: Sequence[tuple[str, float]]) -> Iterator[str]:
    for percent in (0, 25, 50, 75, 100):
        down = _down(percent / 100)
        yield f'<path d="M{_LEFT} {down}H{_RIGHT}" stroke="#dddddd"/>'
        yield _text(_LEFT - 6, down + 4, str(percent), anchor="end")
    for text, share in ticks:
        yield _text(_across(share), _BOTTOM + 18, text, anchor="middle")
    yield _text(_RIGHT, _BOTTOM + 36, label, anchor="end")


def _ticks(last: int) -> list[int]:
    """Return some epochs, the last one among them."""
    step = max(1, last // 5)
    return [value for value in range(step, last + 1, step) if last - value >= step or value == last] + (
        [last] if last % step else []
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="#333333">{escape(text)}</text>'


def _color(number: int) -> str:
    return _COLORS[number % len(_COLORS)]


def _style(number: int) -> str:
    dash = f' stroke-dasharray="{2 + 2 * (number // len(_COLORS))} 3"' if number >= len(_COLORS) else ""
    return f'stroke="{_color(number)}" stroke-width="2" fill="none"{dash}'


def _across(share: float) -> float:
    return round(_LEFT + (_RIGHT - _LEFT) * min(max(share, 0.0), 1.0), 1)


def _down(share: float) -> float:
    return round(_BOTTOM - (_BOTTOM - _TOP) * min(max(share, 0.0), 1.0), 1)
