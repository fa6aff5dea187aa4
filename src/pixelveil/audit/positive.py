"""What each attack must break, on the images of the audit; without that, what it does not find means nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pixelveil.schemes.legacy.seeds import Generator

__all__ = ["GAME_POSITIVES", "POSITIVES", "GamePositive", "Positive"]


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
        seed: Where it is not none, the key is what a public program draws from this seed.
        generator: Of the random numbers of that program.
        beats: An attack without a network whose figure on the same images must be exceeded; a network that has not
            learned proves nothing by what it was started from.
    """

    scheme: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    images: int = 0
    pairs: int = 0
    measure: Literal["ssim", "edges", "information"] = "ssim"
    least: float
    seed: int | None = None
    generator: Generator = "numpy"
    beats: str = ""


@dataclass(frozen=True, kw_only=True)
class GamePositive:
    """A scheme under which a player is known to win.

    Args:
        scheme: Name.
        parameters: Of the scheme, beside its defaults.
        settings: Of the game, in place of those of the audit.
        measure: "advantage" over chance (0 is chance, 1 is everything), or "tpr", the true positives at the game's
            false positive rate.
        least: The figure that must be reached.
    """

    scheme: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    measure: Literal["advantage", "tpr"] = "advantage"
    least: float


_SHARED = {"key_policy": "shared"}

POSITIVES: dict[str, Positive] = {
    "brute-force": Positive(scheme="tanaka-le", images=4, least=0.9, seed=77),
    "chosen-plaintext": Positive(scheme="vit-permutation", parameters={"block_size": 4}, images=100, least=0.95),
    "deconvolution": Positive(
        scheme="skk-g", parameters={"sigma": 0.5, "shuffle": "none"}, images=100, measure="edges", least=0.5
    ),
    "energy": Positive(
        scheme="huang", parameters={"statistic": "max", "filter_size": 2}, images=100, measure="edges", least=0.3
    ),
    "gan-attack": Positive(scheme="smkk", images=300, measure="edges", least=0.5),
    "jigsaw": Positive(scheme="etc-color", parameters={**_SHARED, "block_size": 8}, images=20, least=0.6),
    "inverse-network": Positive(
        scheme="skk", parameters={"shuffle": "none"}, images=100, least=0.3, beats="leading-bit"
    ),
    "known-plaintext-affine": Positive(
        scheme="vit-orthogonal", parameters={"block_size": 4}, images=100, pairs=16, least=0.9
    ),
    "known-plaintext-lanes": Positive(scheme="tanaka-le", images=100, pairs=16, least=0.9),
    "leading-bit": Positive(scheme="skk", parameters={"shuffle": "none"}, images=100, measure="edges", least=0.6),
    "minimum-difference": Positive(
        scheme="skk", parameters={"shuffle": "none"}, images=100, measure="edges", least=0.6
    ),
    "minimum-difference-plus": Positive(scheme="skk", images=100, measure="edges", least=0.5),
    "pair-decoder": Positive(scheme="svd-wang", parameters={"factor": "image"}, images=100, pairs=100, least=0.7),
    "sia-gan": Positive(scheme="smkk", images=300, measure="edges", least=0.5),
    "statistics-ele": Positive(scheme="madono-ele", parameters=_SHARED, images=600, least=0.7),
    "statistics-etc": Positive(scheme="etc-color", parameters={**_SHARED, "block_size": 4}, images=600, least=0.7),
    "statistics-le": Positive(scheme="tanaka-le", parameters=_SHARED, images=20, least=0.8),
    "statistics-skk": Positive(scheme="skk", parameters=_SHARED, images=10, least=0.95),
    "statistics-vit": Positive(scheme="vit-permutation", parameters={"block_size": 8}, images=300, least=0.5),
}
"""By name of the attack; the figures are well below those on CIFAR-10 and on brain MRI at 64 x 64."""

GAME_POSITIVES: dict[str, GamePositive] = {
    "accumulation": GamePositive(scheme="skk-g", parameters={"noise_std": 60.0}, least=0.3),
    "chosen-images": GamePositive(scheme="skk", least=0.8),
    "embedding-probe": GamePositive(scheme="etc-color", parameters={"block_size": 4}, least=0.5),
    "encoder-recovery": GamePositive(scheme="vit-orthogonal", parameters={"block_size": 8}, least=0.5),
    "labels": GamePositive(scheme="skk", least=0.05),
    "linking": GamePositive(scheme="skk", least=0.8),
    "matching": GamePositive(scheme="skk", least=0.8),
    "membership": GamePositive(scheme="skk", settings={"overfitted": True}, measure="tpr", least=0.5),
    "reidentification": GamePositive(scheme="skk", parameters=_SHARED, least=0.8),
    "seed": GamePositive(scheme="tanaka-le", least=0.9),
}
"""By name of the game."""
