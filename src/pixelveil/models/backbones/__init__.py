"""Backbones: the classifiers of the published tables, with or without an adaptation network before them."""

from pixelveil.models.backbones.catalogue import BACKBONES, create_backbone, normalization_of, reads_patches
from pixelveil.models.backbones.network import build_network, create_network
from pixelveil.models.backbones.weights import load_weights

__all__ = [
    "BACKBONES",
    "build_network",
    "create_backbone",
    "create_network",
    "load_weights",
    "normalization_of",
    "reads_patches",
]
