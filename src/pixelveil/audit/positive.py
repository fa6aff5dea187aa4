"""What each attack must break, on the images of the audit; without that, what it does not find means nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["POSITIVES", "Positive"]


@dataclass(frozen=True, kw_only=True)
class Positive:
    """A scheme that an attack is known to read.

    Args:
        scheme: Name.
        parameters: Of the scheme, beside its defaults.
        images: Ciphertexts under one key; 0: as many as the audit has.
        pairs: Known pairs; 0: as many as the audit has.
        measure: What is asked of the reconstructions, as mean over the victims.
        least: The figure that must be reached.
    """

    scheme: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    images: int = 0
    pairs: int = 0
    measure: Literal["ssim", "edges", "information"] = "ssim"
    least: float


POSITIVES: dict[str, Positive] = {}
"""By name of the attack."""
