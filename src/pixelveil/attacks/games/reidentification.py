"""G5, re-identification: does a recognizer of plain images know who, or what, an attack's reconstruction shows?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Images
from pixelveil.attacks.catalogue import create_attack
from pixelveil.attacks.evaluate import best_reading
from pixelveil.attacks.games.game import Deck, Game, GameResult, Scale, result_of
from pixelveil.attacks.games.referee import new_key, public_part
from pixelveil.attacks.measures import ranks, thumbnail_features
from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme

__all__ = ["Recognizer", "Reidentification", "reidentify", "train_recognizer"]

Floats = NDArray[np.float64]

_COMPONENTS = 48
_OF_BUDGET = 0.5
# From ciphertexts and public images alone; the strongest where several apply.
_PREFERRED = (
    *("statistics-skk", "statistics-le", "statistics-ele", "statistics-etc", "statistics-vit"),
    *("deconvolution", "energy", "leading-bit"),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Recognizer:
    """Nearest person in whitened leading components of thumbnails ("eigenfaces"), trained on plain images.

    Args:
        mean: Of the features, (d,).
        axes: (d, p), scaled to unit variance.
        known: Coordinates of the gallery (m, p), of length one.
        persons: Of the gallery, (m,).
    """

    mean: Floats = field(repr=False)
    axes: Floats = field(repr=False)
    known: Floats = field(repr=False)
    persons: NDArray[Any] = field(repr=False)

    def __call__(self, images: Images) -> NDArray[Any]:
        """Return the person of each image (n, H, W, C)."""
        return np.asarray(self.persons[(self._coordinates(images) @ self.known.T).argmax(axis=1)])

    def _coordinates(self, images: Images) -> Floats:
        return _unit((thumbnail_features(images) - self.mean) @ self.axes)


def train_recognizer(gallery: Images, persons: NDArray[Any]) -> Recognizer:
    """Train on plain images.

    Args:
        gallery: uint8 (m, H, W, C).
        persons: (m,), one for each image.

    Source: Turk and Pentland, J. Cognitive Neuroscience 3 (1991).
    """
    rows = thumbnail_features(gallery)
    mean = rows.mean(axis=0)
    _, values, vectors = np.linalg.svd(rows - mean, full_matrices=False)
    count = int(np.sum(values[:_COMPONENTS] > 1e-6))
    axes = vectors[:count].T / values[:count] * np.sqrt(len(rows))
    return Recognizer(mean=mean, axes=axes, known=_unit((rows - mean) @ axes), persons=persons)


def reidentify(
    reconstructed: Images,
    originals: Images,
    *,
    others: Images,
    persons: NDArray[Any] | None = None,
    gallery_persons: NDArray[Any] | None = None,
) -> tuple[int, float, str]:
    """Return how many reconstructions are recognized, chance, and what was asked.

    Args:
        reconstructed: uint8 (n, H, W, C).
        originals: uint8 (n, H, W, C).
        others: uint8 (m, H, W, C): the gallery's other images; with persons, all of the gallery, none an original.
        persons: Of the originals, (n,); None: the original image itself is to be found.
        gallery_persons: Of the others, (m,).
    """
    if persons is None or gallery_persons is None:
        found = ranks(reconstructed, np.concatenate([originals, others]))
        return int(np.sum(found == 0)), 1 / (len(originals) + len(others)), "image"
    recognized = train_recognizer(others, gallery_persons)(reconstructed)
    return int(np.sum(recognized == persons)), 1 / len(np.unique(gallery_persons)), "person"


@dataclass(frozen=True, kw_only=True)
class Reidentification(Game):
    """Read encrypted images by an attack, then let a recognizer trained on plain images say what they show.

    With labels (persons), half of each person's images are the recognizer's gallery and the others are encrypted: a hit
    is the right person. Without, a hit is the original among all images. The reading of an ambiguous reconstruction
    is the best one, chosen with the originals at hand; so it is on noise.

    Source: the design study of this project; McPherson, Shokri and Shmatikov, arXiv 1609.00408.

    Args:
        attack: Name of an attack from ciphertexts; empty: the first of a list that applies.
        images: Encrypted images at most.
        asked: Of them, those that are to be recognized at most.
        by_person: Whether labels are persons to be recognized; else the image itself is.
    """

    name: ClassVar[str] = "reidentification"
    title: ClassVar[str] = "Re-identification: a recognizer of plain images on an attack's reconstructions"
    citation: ClassVar[str] = "McPherson, Shokri and Shmatikov, arXiv 1609.00408 (2016); design study of this project"
    access: ClassVar[Access] = "ciphertexts"
    cost: ClassVar[str] = "that of the attack"
    scale: ClassVar[Scale] = "identification"

    attack: str = ""
    images: int = 400
    asked: int = 200
    by_person: bool = False

    def chosen(self, scheme: Scheme) -> Attack | None:
        """Return the attack that is played with; None where none applies."""
        for name in (self.attack,) if self.attack else _PREFERRED:
            attack = create_attack(name)
            if not attack.obstacle(scheme):
                return attack
        return None

    def obstacle(self, scheme: Scheme) -> str:
        """Return why no reconstruction can be asked about; empty where one can."""
        if self.attack:
            return create_attack(self.attack).obstacle(public_part(scheme))
        return "" if self.chosen(public_part(scheme)) else "no attack that needs ciphertexts alone applies to it"

    def play(
        self,
        scheme: Scheme,
        deck: Deck,
        *,
        budget: Budget | None = None,
        advance: Callable[[int, int], None] | None = None,
    ) -> GameResult:
        """Play it; see `Game.play`. The attack has half of the budget; the rest is for the choice of readings.

        Raises:
            UsageError: Persons are asked for and no person has two images; or as `Game.play`.
        """
        self.check(scheme, deck)
        attack = self.chosen(public_part(scheme))
        assert attack is not None  # noqa: S101 (checked above)
        victims, others = _parts(deck, count=self.images, by_person=self.by_person)
        asked, rest = victims[: self.asked], victims[self.asked :]
        if not self.by_person:  # whose gallery has no encrypted image
            others = np.concatenate([rest, others])
        plain = deck.images[asked]
        evidence = Evidence(
            scheme=public_part(scheme),
            ciphertexts=new_key(scheme, noise=deck.noise)(deck.images[victims]),
            shape=deck.shape,
            victims=len(plain),
            public=deck.public,
            seed=deck.seed,
        )
        clock = Budget(seconds=_OF_BUDGET * (budget or Budget()).left)
        found = attack.run(evidence, budget=clock, advance=advance)
        persons = None if deck.labels is None or not self.by_person else np.asarray(deck.labels)
        hits, chance, kind = reidentify(
            best_reading(found, plain),
            plain,
            others=deck.images[others],
            persons=None if persons is None else persons[asked],
            gallery_persons=None if persons is None else persons[others],
        )
        facts: dict[str, Any] = {"attack": attack.name, "asked for": kind, "gallery": len(others)}
        if persons is not None:
            plain_hits = reidentify(
                plain, plain, others=deck.images[others], persons=persons[asked], gallery_persons=persons[others]
            )[0]
            facts["plain"] = round(plain_hits / len(plain), 4)
        return result_of(self.name, self.scale, hits=hits, trials=len(plain), chance=chance, facts=facts)


def _parts(deck: Deck, *, count: int, by_person: bool) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return places of the encrypted images and of the gallery's."""
    places = np.arange(len(deck.images))
    if not by_person:
        return places[:count], places[count:]
    if deck.labels is None:
        raise UsageError("persons are asked for, and the images have no labels")
    labels = np.asarray(deck.labels)
    number = np.array([int(np.sum(labels[:place] == labels[place])) for place in places])
    odd = number % 2 == 1
    if not odd.any():
        raise UsageError("no person has two images")
    return places[odd][:count], places[~odd]


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
