"""Pictures for the pages, and their figures: plain, encrypted, and what the strongest attacks make of it.

``python -m pages.pictures [schemes|attacks|models|claims ...] [--only NAME ...] [--seconds 20]`` writes PNG files to
``docs/pictures/`` and the figures of their captions to ``benchmarks/results/pictures.json``, entry by entry: what was
not asked for stays. Photographs come from scikit-image and scikit-learn; keys are thrown away.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pages import model_reconstructions, reconstructions
from pages.captions import RESULT, figures
from pages.reconstructions import Shown
from pixelveil.atomic import write_atomic
from pixelveil.attacks import ATTACKS
from pixelveil.audit.pictures import for_display
from pixelveil.machine import commit, machine
from pixelveil.schemes import SCHEMES

__all__ = ["KINDS", "main", "strip"]

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"

SIDE, _GAP = 128, 4
# Noise does not compress; with so many colors a strip stays small, and the eye sees no difference.
_COLORS = 256

Made = tuple[Sequence[NDArray[Any] | None], Mapping[str, Any]]
"""The panels of a picture, and the entry of the figures."""


def strip(panels: Sequence[NDArray[Any] | None]) -> bytes:
    """Return panels side by side as a PNG file of at most 256 colors; an empty panel is left out.

    Args:
        panels: (H, W, C) each, uint8 or float; all are brought to one height.
    """
    shown = [_panel(one) for one in panels if one is not None]
    white = np.full((SIDE, _GAP, 3), 255, np.uint8)
    joined = [part for one in shown for part in (one, white)][:-1]
    image = Image.fromarray(np.concatenate(joined, axis=1)).quantize(_COLORS, method=Image.Quantize.MEDIANCUT)
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    return file.getvalue()


def _panel(image: NDArray[Any]) -> NDArray[np.uint8]:
    pixels = for_display(image)
    if pixels.shape[2] not in (1, 3):
        # A set of vectors: one row of pixels for each.
        pixels = pixels.reshape(-1, pixels.shape[2])[:, :256, None]
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    larger = max(1, SIDE // pixels.shape[0])
    pixels = pixels.repeat(larger, axis=0).repeat(larger, axis=1)
    size = (max(1, round(pixels.shape[1] * SIDE / pixels.shape[0])), SIDE)
    resized = pixels if pixels.shape[0] == SIDE else np.asarray(Image.fromarray(pixels).resize(size))
    return np.asarray(resized[:, : 3 * SIDE])


def _of_scheme(name: str, seconds: float) -> Made | None:
    shown, rows = reconstructions.best(name, seconds=seconds)
    return _panels(shown), {**shown.row, "attempts": rows}


def _of_attack(name: str, seconds: float) -> Made | None:
    shown = reconstructions.expected(name, seconds=seconds)
    return None if shown is None else (_panels(shown), shown.row)


def _of_model(name: str, seconds: float) -> Made | None:
    shown = model_reconstructions.expected(name, seconds=seconds)
    return None if shown is None else (_panels(shown), shown.row)


def _of_claim(name: str, seconds: float) -> Made | None:
    claimed, stronger = reconstructions.claim(name, seconds=seconds)
    entry = {"claimed": claimed.row, "stronger": stronger.row}
    return (stronger.plain, stronger.encrypted, claimed.reading, stronger.reading), entry


def _panels(shown: Shown) -> tuple[NDArray[Any] | None, ...]:
    return shown.plain, shown.encrypted, shown.reading


KINDS: dict[str, Callable[[str, float], Made | None]] = {
    "schemes": _of_scheme,
    "attacks": _of_attack,
    "models": _of_model,
    "claims": _of_claim,
}


def _names(kind: str) -> tuple[str, ...]:
    """Return what pictures of a kind there can be; networks that must be trained first have none."""
    if kind == "schemes":
        return tuple(name for name, one in SCHEMES.items() if "weights" not in one.asset_kinds)
    return {
        "attacks": tuple(ATTACKS),
        "models": model_reconstructions.NAMES,
        "claims": tuple(reconstructions.CLAIMS),
    }[kind]


def main() -> None:
    """Make the pictures that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], default=[])
    parser.add_argument("--only", nargs="+", default=[], help="these names alone")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each attack, and again for its control")
    asked = parser.parse_args()
    revision = commit()  # once: the first picture that is written changes the tree
    for kind in asked.kinds or KINDS:
        (PICTURES / kind).mkdir(parents=True, exist_ok=True)
        for name in _names(kind):
            if asked.only and name not in asked.only:
                continue
            if (made := KINDS[kind](name, asked.seconds)) is None:
                continue
            panels, entry = made
            write_atomic(PICTURES / kind / f"{name}.png", strip(panels))
            _record(kind, name, {**entry, "commit": revision})
            sys.stdout.write(f"{kind} {name} {entry.get('attack', '')}\n")
            sys.stdout.flush()


def _record(kind: str, name: str, entry: Mapping[str, Any]) -> None:
    found = figures()
    found.setdefault(kind, {})[name] = entry
    ordered = {one: dict(sorted(found[one].items())) for one in KINDS if one in found}
    record = {
        "suite": "pictures",
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "machine": machine(),
        "pictures": ordered,
    }
    write_atomic(RESULT, (json.dumps(record, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
