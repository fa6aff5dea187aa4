"""Adaptation networks: what stands between encrypted images and a classifier."""

from pixelveil.models.adaptation.adapted import AdaptedNetwork, auxiliary_modules
from pixelveil.models.adaptation.catalogue import (
    ADAPTATIONS,
    adaptation_channels,
    auto_adaptation,
    create_adaptation,
)
from pixelveil.models.adaptation.settings import AdaptationSettings, settings_for

__all__ = [
    "ADAPTATIONS",
    "AdaptationSettings",
    "AdaptedNetwork",
    "adaptation_channels",
    "auto_adaptation",
    "auxiliary_modules",
    "create_adaptation",
    "settings_for",
]
