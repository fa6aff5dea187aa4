"""Controls of games: a scheme that hides nothing, on which every player must win, and one on which none can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pixelveil.keys import KeyMaterial
from pixelveil.plans import LanePlan
from pixelveil.schemes import KeyPolicy, Scheme
from pixelveil.schemes.scheme import Family
from pixelveil.steps import ImageShape, Step

__all__ = ["Identity", "Plain"]


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The step that does nothing."""

    name: str = "identity"

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> LanePlan:
        """Return the plan that leaves all values as they are; see `Step.plan`."""
        return LanePlan(flip=np.zeros(shape[2], np.uint8), block_size=(1, 1))

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return 0: there is no key."""
        return 0.0


@dataclass(frozen=True, kw_only=True)
class Plain(Scheme):
    """Leave images as they are: the positive control of games, in no catalogue."""

    name: ClassVar[str] = "plain"
    title: ClassVar[str] = "Plain images"
    citation: ClassVar[str] = "none"
    family: ClassVar[Family] = "baseline"
    policies: ClassVar[tuple[KeyPolicy, ...]] = ("none",)
    protects: ClassVar[str] = "Nothing."
    exposes: ClassVar[str] = "Everything."

    key_policy: KeyPolicy = "none"

    def steps(self) -> tuple[Step, ...]:
        """Return the one step."""
        return (Identity(),)
