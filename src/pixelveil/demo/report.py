"""The report: one HTML page that holds everything it shows and asks nothing of anybody."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from numpy.typing import NDArray

from pixelveil.demo.broken import ATTACKS
from pixelveil.demo.pictures import data_uri
from pixelveil.demo.result import DemoResult, SchemeResult
from pixelveil.errors import MissingExtraError

__all__ = ["Gallery", "PictureRow", "render"]


@dataclass(frozen=True)
class PictureRow:
    """Views of one image.

    Args:
        title: What the image is.
        credit: Whose it is; may be empty.
        views: Label and pixels of each, uint8 or float, shape (H, W, 3).
    """

    title: str
    credit: str
    views: tuple[tuple[str, NDArray[Any]], ...]

    @property
    def cells(self) -> list[tuple[str, str]]:
        """Label and data URI of each view."""
        return [(label, data_uri(pixels)) for label, pixels in self.views]


@dataclass(frozen=True)
class Gallery:
    """The pictures of one scheme.

    Args:
        scheme: Its name.
        note: What one should know to read them.
        rows: One image each.
    """

    scheme: str
    note: str
    rows: tuple[PictureRow, ...]


def render(
    result: DemoResult,
    *,
    galleries: Sequence[Gallery],
    fold: Gallery,
    samples: Sequence[tuple[str, NDArray[Any], NDArray[Any]]],
    protection: str,
) -> str:
    """Return the page.

    Args:
        result: All figures.
        galleries: Pictures of the measured schemes.
        fold: Pictures of the attack on skk.
        samples: Label, plain and encrypted pixels of a test image of each class.
        protection: What an encrypted model protects and what not, in sentences.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise MissingExtraError("the demo's report", extra="demo") from error

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": _percent, "fixed": _fixed, "thousands": _thousands}
    template = resources.files(__package__).joinpath("report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(
        r=result,
        galleries=galleries,
        fold=fold,
        samples=[(label, data_uri(plain), data_uri(encrypted)) for label, plain, encrypted in samples],
        rows=_table(result.schemes),
        curve=_curve([entry["validation_accuracy"] for entry in result.model.history], result.model.best_epoch),
        options=", ".join(f"{name} {value}" for name, value in result.model.options.items()),
        leaky=_leaky(result),
        protection=_paragraphs(protection),
        attacks=ATTACKS,
    )


def _table(schemes: Sequence[SchemeResult]) -> list[tuple[str, list[str]]]:
    """Return the rows of the table of figures, one cell a scheme."""
    rows: dict[str, Callable[[SchemeResult], str]] = {
        "answers equal, encrypted on encrypted and plain on plain": lambda e: f"{e.predictions_equal} of {e.images}",
        "largest difference of logits, float32": lambda e: f"{e.max_logit_difference:.1e}",
        "the same in float64 (relative, 64 images)": lambda e: f"{e.max_logit_difference_float64:.1e}",
        "wrong keys, one by one": lambda e: ", ".join(_percent(value) for value in e.wrong_key_accuracies),
        "most frequent answer with a wrong key": lambda e: f"{e.wrong_key_most_frequent_answer:.1f} % of images",
        "answers equal after the key was changed": lambda e: f"{e.rekeyed_predictions_equal} of {e.images}",
        "time to change the key": lambda e: f"{e.rekey_seconds * 1000:.0f} ms",
        "what is exchanged for it": lambda e: f"{e.stem_bytes / 1e3:.0f} kB",
        "encryption, plain megabytes a second": lambda e: f"{e.encrypt_megabytes_per_second:,.0f}",
        "decryption with the right key": lambda e: (
            "exact, byte for byte"
            if e.decryption_max_error == 0
            else f"exact after rounding (error {e.decryption_max_error:.0e} of 255)"
            if e.decryption_exact
            else f"error {e.decryption_max_error:.2g} of 255"
        ),
        "nominal key space (says nothing about attacks)": lambda e: f"{e.key_bits:,.0f} bits",
    }
    return [(name, [cell(entry) for entry in schemes]) for name, cell in rows.items()]


def _leaky(result: DemoResult) -> str:
    """Name the answers that are better than chance although a key is missing or wrong; three standard errors count."""
    bound = result.chance + 300 * math.sqrt(result.chance / 100 * (1 - result.chance / 100) / result.chosen.images)
    cases: dict[str, Callable[[SchemeResult], float]] = {
        "wrong key": lambda entry: max(entry.wrong_key_accuracies),
        "plain model on encrypted images": lambda entry: entry.plain_model_on_encrypted_accuracy,
        "encrypted model on plain images": lambda entry: entry.encrypted_model_on_plain_accuracy,
    }
    found = [
        f"{entry.scheme}, {name}" for entry in result.schemes for name, value in cases.items() if value(entry) > bound
    ]
    return "; ".join(found)


def _curve(accuracies: Sequence[float], best_epoch: int) -> dict[str, Any]:
    """Return the points of the validation curve in a box of 750 by 150."""
    low = min(50.0, 10 * (min(accuracies) // 10))
    step = 750 / max(1, len(accuracies) - 1)
    points = [(40 + step * n, 160 - 150 * (value - low) / (100 - low)) for n, value in enumerate(accuracies)]
    levels = [
        {"y": 160 - 150 * (level - low) / (100 - low), "label": f"{level:.0f} %"}
        for level in (low, (low + 100) / 2, 100)
    ]
    return {
        "points": " ".join(f"{x:.1f},{y:.1f}" for x, y in points),
        "best": points[best_epoch - 1],
        "levels": levels,
    }


def _paragraphs(text: str) -> list[str]:
    """Join a text's lines into paragraphs: a new one begins where a line ends with a period."""
    paragraphs, current = [], ""
    for line in text.splitlines():
        current = f"{current} {line.strip()}".strip()
        if current.endswith("."):
            paragraphs.append(current)
            current = ""
    return [*paragraphs, current] if current else paragraphs


def _percent(value: float) -> str:
    """Write 97.5 as ``97.5 %``."""
    return f"{value:.1f} %"


def _fixed(value: float, digits: int) -> str:
    """Write a number with so many digits after the point, and thousands apart."""
    return f"{value:,.{digits}f}"


def _thousands(value: int) -> str:
    """Write 12345 as ``12,345``."""
    return f"{value:,}"
