"""A7, the embedding probe: do frozen features find an encrypted image's own plain image among others?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Budget, Images
from pixelveil.attacks.games.feature_bank import bank_features
from pixelveil.attacks.games.game import Deck, Game, GameResult, Scale, result_of
from pixelveil.attacks.games.pretrained_features import load_features
from pixelveil.attacks.games.referee import affordable, match, new_key
from pixelveil.attacks.games.rehearsal import calibrated
from pixelveil.schemes import Scheme

__all__ = ["EmbeddingProbe", "Likeness", "cosines", "likeness"]

Floats = NDArray[np.float64]
Features = Callable[[Images], Mapping[str, NDArray[np.float32]]]
"""Turns a batch (n, H', W', C') into rows (n, d), by family (of the bank) or layer (of a network)."""

_POWER = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Likeness:
    """How alike encrypted and plain images are to frozen features.

    Args:
        scores: Weighted mean of the families' cosines, calibrated and in deviations, (encrypted, plain).
        families: Cosines of each family, of the same shape.
        weights: Of the families; they sum to 1.
    """

    scores: Floats = field(repr=False)
    families: Mapping[str, Floats] = field(repr=False)
    weights: Mapping[str, float]


def cosines(rows: NDArray[np.float32], others: NDArray[np.float32]) -> Floats:
    """Return the cosine of all pairs of rows of two sets, each number relative to its mean and spread in its own set.

    So what encryption does to all images alike does not count.

    Args:
        rows: (n, d).
        others: (m, d).

    Returns:
        float64 (n, m), -1 to 1.

    >>> cosines(np.array([[0.0], [2.0]], np.float32), np.array([[7.0], [9.0]], np.float32)).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    return _unit(_standardized(rows)) @ _unit(_standardized(others)).T


def likeness(encrypted: Images, plain: Images, *, features: Features) -> Likeness:
    """Return how alike each encrypted image is to each plain one.

    Families are weighed by how well they agree with themselves: the fourth power of the share of encrypted images that
    are the nearest of their own nearest. Of scores that mean nothing that share is a half at most, n / (2 n - 1), so
    that one family which sees something is heard among many that do not. No key, no scheme and no known pair is needed.

    Args:
        encrypted: (n, H', W', C').
        plain: (m, H, W, C).
        features: Frozen.
    """
    left, right = features(encrypted), features(plain)
    families = {name: cosines(left[name], right[name]) for name in right}
    strengths = {name: _mutual(one) ** _POWER for name, one in families.items()}
    total = sum(strengths.values())
    weights = {name: one / total if total else 1 / len(families) for name, one in strengths.items()}
    scores = np.zeros((len(encrypted), len(plain)))
    for name, one in families.items():
        even = calibrated(one)
        scores += weights[name] * even / max(float(even.std()), 1e-12)
    return Likeness(scores=scores, families=families, weights=weights)


@dataclass(frozen=True, kw_only=True)
class EmbeddingProbe(Game):
    """Ask frozen features which plain image an encrypted one is nearest to.

    The player is blind to the scheme. It holds no invariant of a cipher and rehearses nothing, as the player of the
    matching game does; it looks at an encrypted image as at any picture. What it finds is what ready-made networks
    find: style and content that guide a generative model to a picture like the plain one, even where no attack restores
    pixels. So a probe at chance says less than a matching game at chance, and a probe above chance more. Chance is one
    in the number of images.

    The features are those of a pretrained network in a local file, or else a fixed bank: random filters, statistics of
    color and gradients, coarse layout. With labels, facts say how often the nearest *other* image has the same class.

    Source: MaungMaung and Kiya, arXiv 2303.05036 (2023), section on embeddings; the design study of this project.

    Args:
        images: Size of the sets at most.
        weights: Safetensors file of a pretrained network; empty: the fixed bank.
        architecture: timm's name of the network; empty: what the file itself says.
    """

    name: ClassVar[str] = "embedding-probe"
    title: ClassVar[str] = "Embedding probe: frozen features of encrypted images next to those of plain ones"
    citation: ClassVar[str] = "MaungMaung and Kiya, arXiv 2303.05036 (2023)"
    access: ClassVar[Access] = "public images"
    cost: ClassVar[str] = "linear in pixels, quadratic in images; seconds for 1,000"
    scale: ClassVar[Scale] = "identification"

    images: int = 1000
    weights: str = ""
    architecture: str = ""

    def obstacle(self, scheme: Scheme) -> str:
        """Return nothing: every scheme's images can be looked at."""
        return ""

    def play(
        self,
        scheme: Scheme,
        deck: Deck,
        *,
        budget: Budget | None = None,
        advance: Callable[[int, int], None] | None = None,
    ) -> GameResult:
        """Play it; see `Game.play`. With little time, with fewer images."""
        self.check(scheme, deck)
        features = load_features(Path(self.weights), architecture=self.architecture) if self.weights else bank_features
        encrypt = new_key(scheme)

        def looked_at(images: Images) -> Images:
            features(images)
            features(encrypt(images))
            return images

        time = budget or Budget()
        few = deck.first(affordable(looked_at, deck.images[: self.images], times=1, budget=time))
        seen: list[Likeness] = []

        def player(plain: Images, encrypted: Images) -> NDArray[np.intp]:
            seen.append(likeness(encrypted, plain, features=features))
            return np.asarray(seen[0].scores.argmax(axis=1))

        hits = match(scheme, few, player=player)
        if advance:
            advance(1, 1)
        count = len(few.images)
        # The referee's order, for the record alone: the answers are given.
        facts = _facts(seen[0], few.referee.permutation(count), labels=few.labels)
        facts["features"] = "a pretrained network" if self.weights else "the fixed bank"
        return result_of(self.name, self.scale, hits=hits, trials=count, chance=1 / count, facts=facts)


def _facts(found: Likeness, order: NDArray[np.intp], *, labels: NDArray[Any] | None) -> dict[str, Any]:
    """Return what the families find each, and how much nearer the own image is than others."""
    places = np.arange(len(order))
    facts: dict[str, Any] = {
        "loudest family": max(found.weights, key=lambda name: found.weights[name]),
        "families": {
            name: round(float(np.mean(one.argmax(axis=1) == order)), 4) for name, one in found.families.items()
        },
    }
    own = found.scores[places, order]
    facts["own nearer than another"] = round(float(np.mean(found.scores < own[:, None]) * len(own) / (len(own) - 1)), 4)
    if labels is not None:
        classes = np.asarray(labels)
        others = found.scores.copy()
        others[places, order] = -np.inf
        same = classes[others.argmax(axis=1)] == classes[order]
        _, counts = np.unique(classes, return_counts=True)
        facts["nearest other of its class"] = round(float(np.mean(same)), 4)
        facts["chance of its class"] = round(float(np.sum(counts * (counts - 1)) / (len(own) * (len(own) - 1))), 4)
    return facts


def _mutual(scores: Floats) -> float:
    """Return the share of rows whose best column has them as its best row."""
    best = scores.argmax(axis=1)
    return float(np.mean(scores.argmax(axis=0)[best] == np.arange(len(best))))


def _standardized(rows: NDArray[np.float32]) -> Floats:
    values = rows.astype(np.float64)
    centered = values - values.mean(axis=0)
    spread = centered.std(axis=0)
    # A number that hardly varies is rounding.
    alive = spread > 1e-4 * np.maximum(np.abs(values).mean(axis=0), 1e-3)
    return np.asarray(np.where(alive, centered / np.where(alive, spread, 1), 0))


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
