"""What every game is: images and a scheme in, right answers against chance out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Budget, Images
from pixelveil.attacks.intervals import Interval, of_share
from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme

__all__ = ["Deck", "Game", "GameResult", "Scale", "result_of"]

Scale = Literal["identification", "linking", "distinguishing", "inference", "recovery", "membership"]
"""Which rule makes a verdict of the answers; see `judge_game`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Deck:
    """What a game is played with.

    Args:
        images: uint8 (n, H, W, C), which the referee encrypts.
        public: uint8 (m, H, W, C), images of the same kind that the player has; none of ``images``.
        labels: Integers (n,), classes or persons, where the images have any.
        noise: Negative control: the referee encrypts AES-CTR noise in place of every image, or swaps the truth for
            coins, so that no player can do better than chance.
        seed: Of shuffles and of the player's own randomness. Keys are always drawn by the operating system.
    """

    images: Images = field(repr=False)
    public: Images = field(repr=False)
    labels: NDArray[Any] | None = field(default=None, repr=False)
    noise: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for images in (self.images, self.public):
            if images.dtype != np.uint8 or images.ndim != 4:
                raise UsageError(f"games are played with uint8 images (n, H, W, C), not {images.dtype} {images.shape}")
        if self.images.shape[1:] != self.public.shape[1:]:
            raise UsageError(f"images of {self.images.shape[1:]} and public ones of {self.public.shape[1:]} differ")
        if self.labels is not None and len(self.labels) != len(self.images):
            raise UsageError(f"{len(self.labels)} labels do not fit {len(self.images)} images")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of the plain images."""
        _, height, width, channels = self.images.shape
        return height, width, channels

    def first(self, count: int) -> Deck:
        """Return a deck with the first images only."""
        labels = None if self.labels is None else self.labels[:count]
        return replace(self, images=self.images[:count], labels=labels)

    @property
    def referee(self) -> np.random.Generator:
        """The referee's shuffles and coins."""
        return np.random.default_rng([self.seed, 1])

    @property
    def player(self) -> np.random.Generator:
        """The player's own randomness."""
        return np.random.default_rng([self.seed, 2])


@dataclass(frozen=True, kw_only=True)
class GameResult:
    """How a game ended.

    Args:
        game: Its name.
        scale: Which rule judges it.
        trials: Questions asked.
        hits: Right answers.
        chance: Share of right answers without any information.
        interval: Share of right answers with its Clopper-Pearson interval.
        auc: Area under the ROC curve, where answers are scores.
        tpr: Share of true pairs (or members) found at the false positive rate ``fpr``.
        fpr: That rate.
        facts: What the players say about themselves, as JSON values.
    """

    game: str
    scale: Scale
    trials: int
    hits: int
    chance: float
    interval: Interval
    auc: Interval | None = None
    tpr: Interval | None = None
    fpr: float = 1e-3
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def advantage(self) -> Interval:
        """How far above chance, ``(share - chance) / (1 - chance)``: 0 is chance, 1 is everything."""
        ends = (self.interval.value, self.interval.low, self.interval.high)
        return Interval(*((one - self.chance) / (1 - self.chance) for one in ends))

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values.

        >>> result_of("matching", "identification", hits=3, trials=4, chance=0.25).to_json()["interval"]["value"]
        0.75
        """
        return {**asdict(self), "facts": dict(self.facts), "advantage": asdict(self.advantage)}


def result_of(
    game: str,
    scale: Scale,
    *,
    hits: int,
    trials: int,
    chance: float,
    auc: Interval | None = None,
    tpr: Interval | None = None,
    fpr: float = 1e-3,
    facts: Mapping[str, Any] | None = None,
) -> GameResult:
    """Return the result of counted answers, with its interval.

    Args:
        game: Name.
        scale: Which rule judges it.
        hits: Right answers.
        trials: Questions.
        chance: 0 to below 1.
        auc: See `GameResult`.
        tpr: Likewise.
        fpr: Likewise.
        facts: Likewise.

    Raises:
        UsageError: No such chance or counts.
    """
    if not 0 <= chance < 1:
        raise UsageError(f"a chance of {chance} leaves nothing to win")
    return GameResult(
        game=game,
        scale=scale,
        trials=int(trials),
        hits=int(hits),
        chance=chance,
        interval=of_share(int(hits), int(trials)),
        auc=auc,
        tpr=tpr,
        fpr=fpr,
        facts=facts or {},
    )


@dataclass(frozen=True, kw_only=True)
class Game:
    """Base of all games: a subclass is a frozen dataclass of settings with declared facts, `obstacle` and `play`."""

    name: ClassVar[str]
    title: ClassVar[str]
    citation: ClassVar[str]
    access: ClassVar[Access]
    cost: ClassVar[str]
    scale: ClassVar[Scale]
    needs_labels: ClassVar[bool] = False
    """Whether it needs the images' labels."""

    def obstacle(self, scheme: Scheme) -> str:
        """Return why the game says nothing about a scheme; empty where it can be played."""
        raise NotImplementedError  # every game of the catalogue defines it; tests/attacks/games proves that

    def play(
        self,
        scheme: Scheme,
        deck: Deck,
        *,
        budget: Budget | None = None,
        advance: Callable[[int, int], None] | None = None,
    ) -> GameResult:
        """Play it, under keys that are made for it and thrown away.

        Args:
            scheme: Under its own key policy; the player sees it without its asset.
            deck: Images, in their roles.
            budget: Time and memory; a minute if not given. What was played when it is spent counts.
            advance: Called with how much is done and of all.

        Raises:
            UsageError: The game cannot be played on the scheme, or the deck lacks what it needs.
        """
        raise NotImplementedError  # as above

    def check(self, scheme: Scheme, deck: Deck, *, least: int = 2) -> None:
        """Raise unless the game can be played.

        Args:
            scheme: The scheme.
            deck: The images.
            least: Fewest images and public images that make sense.

        Raises:
            UsageError: There is an obstacle, or labels or images are missing.
        """
        if obstacle := self.obstacle(scheme):
            raise UsageError(f"{self.name} cannot be played on {scheme.name}: {obstacle}")
        if self.needs_labels and deck.labels is None:
            raise UsageError(f"{self.name} needs labels", hint="give images in one folder for each class")
        if min(len(deck.images), len(deck.public)) < least:
            raise UsageError(f"{self.name} needs {least} images and {least} public ones at least")
