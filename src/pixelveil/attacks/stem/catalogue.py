"""The catalogue of attacks on encrypted models: every attack by its name. Listing them needs no PyTorch."""

from __future__ import annotations

from pixelveil.attacks.stem.april import April
from pixelveil.attacks.stem.collusion import ColludingClient
from pixelveil.attacks.stem.gradient_inversion import GradientInversion
from pixelveil.attacks.stem.inversion import ModelInversion
from pixelveil.attacks.stem.key_recovery import StemKey
from pixelveil.attacks.stem.model_attack import ModelAttack
from pixelveil.attacks.stem.structured_positions import StructuredPositions
from pixelveil.attacks.stem.tokens import PlainTokens

__all__ = ["MODEL_ATTACKS"]

MODEL_ATTACKS: dict[str, type[ModelAttack]] = {
    "april": April,
    "colluding-client": ColludingClient,
    "gradient-inversion": GradientInversion,
    "model-inversion": ModelInversion,
    "plain-tokens": PlainTokens,
    "stem-key": StemKey,
    "structured-positions": StructuredPositions,
}
