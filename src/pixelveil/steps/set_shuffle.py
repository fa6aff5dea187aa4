"""Set shuffle: the rows of every image change places, anew each time, so that their order tells nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.keys import KeyMaterial
from pixelveil.plans import ForwardPlan, Operation
from pixelveil.steps.step import ImageShape

__all__ = ["SetShuffle"]


@dataclass(frozen=True, kw_only=True)
class SetShuffle:
    """Permute the pixels of each image, with all their channels, by a permutation that is thrown away.

    Whatever the key, each call draws anew: what comes out is a set. Source: Yala et al., arXiv 2106.02484 (2021).
    """

    name: str = "set-shuffle"

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> ForwardPlan:
        """Return the plan; see `Step.plan`. The key decides nothing."""
        del material, role, shape
        return ForwardPlan(parts=(Operation(self.name, _shuffle),))

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return 0: what nobody keeps is no key."""
        del shape
        return 0.0


def _shuffle(images: NDArray[Any]) -> NDArray[Any]:
    count, height, width, channels = images.shape
    order = KeyMaterial.ephemeral(count).stream("order").permutation(height * width)
    rows = images.reshape(count, height * width, channels)
    return np.take_along_axis(rows, order[:, :, None].astype(np.int64), axis=1).reshape(images.shape)
