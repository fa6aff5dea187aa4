"""What is written below pictures, from the committed figures; needs nothing that makes pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["RESULT", "caption", "figures"]

RESULT = Path(__file__).resolve().parents[1] / "benchmarks" / "results" / "pictures.json"

# The smallest excess over noise that is called one here; verdicts are for audits, on many images.
_FLOOR = 0.05
_HELD = {
    "ciphertexts": "encrypted images alone",
    "public images": "encrypted and public images",
    "pairs": "known pairs",
    "oracle": "the means to have images encrypted",
    "model": "the encrypted model and the plain one that it comes from",
    "client": "the encrypted model and one client's key",
    "gradients": "gradients of a training and the plain model",
}


def figures() -> dict[str, Any]:
    """Return the committed figures of all pictures, by kind and name; nothing where there are none yet."""
    if not RESULT.exists():
        return {}
    found: dict[str, Any] = json.loads(RESULT.read_text(encoding="utf-8"))["pictures"]
    return found


def caption(row: Mapping[str, Any]) -> str:
    """Return what a picture shows in one sentence, from its figures.

    Args:
        row: Of one reconstruction.
    """
    if "attack" not in row:
        return (
            "Plain and encrypted. No attack of the catalogue that reads pictures applies to this scheme; "
            "that is no resistance."
        )
    with_what = _HELD[row["access"]]
    if row["access"] == "pairs":
        with_what = f"{row['pairs']} known pair{'s' if row['pairs'] > 1 else ''}"
    count = f"{row['images']} images in all" if row.get("images", 1) > row["victims"] else ""
    above = max(row[measure] - row[f"{measure}_control"] for measure in ("ssim", "edges"))
    nothing = " Nothing is read: noise gives the same." if above < _FLOOR else ""
    return (
        f"Plain, encrypted, and what `{row['attack']}` reads with {', '.join(filter(None, (with_what, count)))}: "
        f"SSIM {row['ssim']:.2f} (the same attack on noise: {row['ssim_control']:.2f}), edge correlation "
        f"{row['edges']:.2f} ({row['edges_control']:.2f}), means over {row['victims']} photographs of "
        f"{row['side']} x {row['side']} pixels.{nothing}"
    )
