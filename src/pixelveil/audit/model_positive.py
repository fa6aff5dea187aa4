"""What each attack on encrypted models must break, on the images of the audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["MODEL_POSITIVES", "ModelPositive"]


@dataclass(frozen=True, kw_only=True)
class ModelPositive:
    """An encrypted model that an attack is known to read through; its base is known as it was encrypted.

    Args:
        scheme: Name.
        parameters: Of the scheme, beside its defaults.
        victims: Images that are to be read.
        fixed: Whether positions are a table that is not learned.
        least: Mean SSIM that must be reached.
    """

    scheme: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    victims: int = 20
    fixed: bool = False
    least: float


_BLOCKS = {"block_size": 8}

MODEL_POSITIVES: dict[str, ModelPositive] = {
    "april": ModelPositive(scheme="vit-permutation", parameters=_BLOCKS, least=0.9),
    "colluding-client": ModelPositive(scheme="vit-orthogonal", parameters=_BLOCKS, least=0.9),
    "plain-tokens": ModelPositive(scheme="vit-orthogonal", parameters=_BLOCKS, least=0.9),
    "stem-key": ModelPositive(scheme="vit-orthogonal", parameters=_BLOCKS, least=0.9),
    "structured-positions": ModelPositive(
        scheme="vit-permutation", parameters={**_BLOCKS, "shuffle": False, "invert": False}, fixed=True, least=0.9
    ),
}
"""By name of the attack. Gradient and model inversion search a whole network: none of theirs ends in time."""
