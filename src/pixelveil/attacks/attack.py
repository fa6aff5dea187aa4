"""What every attack is: evidence in, reconstructions out, within a budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme

__all__ = ["Access", "Attack", "Budget", "Evidence", "Images", "Pairs", "Reconstruction", "Version"]

Images = NDArray[Any]
"""A batch (n, H, W, C): plain images and reconstructions uint8, encrypted ones as the scheme gives them."""

Access = Literal["ciphertexts", "public images", "pairs", "oracle", "model", "client", "gradients"]
"""What the attacker needs most of all; all of them know the scheme and its parameters."""

Version = Callable[[Images], Images]
"""One of the globally ambiguous readings of a reconstruction: mirrored, inverted, other colors."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Plain images with their ciphertexts under the key that is attacked.

    Args:
        plain: uint8 (q, H, W, C).
        encrypted: (q, H', W', C').
    """

    plain: Images = field(repr=False)
    encrypted: Images = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.plain) != len(self.encrypted):
            raise UsageError(f"{len(self.plain)} plain images are no pairs with {len(self.encrypted)} encrypted ones")


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """What an attacker holds. Never a key; the algorithm and its parameters always (Kerckhoffs).

    Args:
        scheme: The scheme, unbound to any key.
        ciphertexts: (n, H', W', C') as the scheme gives them; uint8, or float in grey levels.
        shape: (H, W, C) of the plain images.
        victims: How many of the ciphertexts, counted from the first, are to be read; the others only help.
        public: uint8 (m, H, W, C): images of the same kind, none of them a victim or from a victim's source.
        pairs: Known pairs under the victims' key.
        oracle: Encrypts chosen uint8 images (q, H, W, C) under the victims' key.
        seed: Of the attack's own randomness, which protects nothing.
    """

    scheme: Scheme
    ciphertexts: Images = field(repr=False)
    shape: tuple[int, int, int]
    victims: int
    public: Images | None = field(default=None, repr=False)
    pairs: Pairs | None = None
    oracle: Callable[[Images], Images] | None = field(default=None, repr=False)
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.victims <= len(self.ciphertexts):
            raise UsageError(f"{self.victims} victims are not among {len(self.ciphertexts)} ciphertexts")
        expected = self.scheme.encrypted_shape(self.shape)
        if self.ciphertexts.shape[1:] != expected:
            raise UsageError(f"ciphertexts are {self.ciphertexts.shape[1:]}, not {expected}")

    @property
    def generator(self) -> np.random.Generator:
        """The attack's own randomness, the same in every run."""
        return np.random.default_rng(self.seed)


@dataclass(frozen=True, kw_only=True, eq=False)
class Reconstruction:
    """What an attack makes of the victims.

    Args:
        images: uint8 (victims, H, W, C).
        versions: Readings that the attack cannot tell apart, the identity among them. The evaluation takes the best one
            for the attack *and* for its control.
        per_image: Whether the best version may be another one for each victim.
        facts: What the attack says about itself: matched blocks, margins, iterations.
    """

    images: Images = field(repr=False)
    versions: tuple[Version, ...] = field(default=(), repr=False)
    per_image: bool = False
    facts: Mapping[str, float | int | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.images.dtype != np.uint8 or self.images.ndim != 4:
            raise UsageError(f"reconstructions are uint8 (n, H, W, C), not {self.images.dtype} {self.images.shape}")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long an attack may take and how much memory it may use; it returns the best that it has when time is up.

    Args:
        seconds: From the making of the budget.
        megabytes: Of arrays that the attack makes, about.

    >>> Budget(seconds=0).spent
    True
    """

    seconds: float = 60.0
    megabytes: float = 4096.0
    started: float = field(default_factory=time.monotonic, repr=False)

    @property
    def left(self) -> float:
        """Seconds left; below zero when it is spent."""
        return self.started + self.seconds - time.monotonic()

    @property
    def spent(self) -> bool:
        """Whether time is up."""
        return self.left <= 0


@dataclass(frozen=True, kw_only=True)
class Attack:
    """Base of all attacks: a subclass is a frozen dataclass of settings with declared facts, `obstacle` and `run`."""

    name: ClassVar[str]
    title: ClassVar[str]
    citation: ClassVar[str]
    access: ClassVar[Access]
    cost: ClassVar[str]
    """How time and memory grow, in a few words."""
    grows: ClassVar[bool] = False
    """Whether it reads better the more ciphertexts there are under one key."""
    minimum: ClassVar[int] = 1
    """Fewest ciphertexts (or pairs) that it can work with."""

    def obstacle(self, scheme: Scheme) -> str:
        """Return why the attack says nothing about a scheme; empty where it applies.

        An attack that does not apply is reported as such and never counted as resistance.
        """
        raise NotImplementedError  # every attack of the catalogue defines it; tests/attacks proves that

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims.

        Args:
            evidence: What the attacker holds.
            budget: Time and memory; a minute if not given.
            advance: Called with how much is done and of all.

        Returns:
            One image for each victim, always: where it finds nothing, what its last step gives.

        Raises:
            UsageError: The evidence lacks what the attack needs, or the scheme is not one that it applies to.
        """
        raise NotImplementedError  # as above

    def check(self, evidence: Evidence) -> None:
        """Raise unless the evidence holds what the attack needs.

        Raises:
            UsageError: It does not apply, or public images, pairs, an oracle or ciphertexts are missing.
        """
        if obstacle := self.obstacle(evidence.scheme):
            raise UsageError(f"{self.name} does not apply to {evidence.scheme.name}: {obstacle}")
        missing = {
            "public images": evidence.public is None,
            "pairs": evidence.pairs is None,
            "oracle": evidence.oracle is None,
        }.get(self.access, False)
        if missing:
            raise UsageError(f"{self.name} needs {self.access}")
        if len(evidence.ciphertexts) < self.minimum:
            raise UsageError(f"{self.name} needs {self.minimum} ciphertexts, not {len(evidence.ciphertexts)}")
