"""What is public of a lane plan: its lanes, its blocks, whether they are scrambled, and which maps a block may have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pixelveil.keys import KeyMaterial
from pixelveil.plans import LanePlan
from pixelveil.plans.geometry import BlockGrid, split_blocks
from pixelveil.plans.lane import Lane
from pixelveil.schemes import Scheme, create_scheme

__all__ = ["LaneStructure", "Maps", "lane_structure", "no_shared_lanes"]

Maps = Literal["listed", "one", "each"]

# What is done inside a block, or a pixel, is one of a short public list of maps.
_LISTED = ("skk", "smkk", "etc-color", "etc-gray", "vit-compressible")
_SECRET = ("tanaka-le", "madono-ele", "vit-permutation", "vit-restricted")


@dataclass(frozen=True, kw_only=True)
class LaneStructure:
    """The public part of a scheme whose plans move and flip lanes.

    Args:
        grid: How blocks cut the laid-out images.
        lane: "byte" or "nibble".
        scrambled: Whether blocks change places.
        maps: What happens inside blocks: each has one of a "listed" few, all have "one" secret map, or "each" has a
            secret one of its own.
        sources: Of the list, where each lane comes from, (T, L); else empty.
        flips: Of the list, what each lane is XORed with, uint8 (T, L); else empty.
        one_order: Whether the maps of all blocks agree in ``sources``.
    """

    grid: BlockGrid
    lane: Lane
    scrambled: bool
    maps: Maps
    sources: NDArray[np.int64] = field(repr=False)
    flips: NDArray[np.uint8] = field(repr=False)
    one_order: bool = False

    @property
    def lanes(self) -> int:
        """Lanes of one block."""
        return self.grid.lanes * (2 if self.lane == "nibble" else 1)

    @property
    def top(self) -> int:
        """Largest value of a lane; flipped, v becomes ``top - v``."""
        return 15 if self.lane == "nibble" else 255

    def split(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the lanes of laid-out images (n, H, W, C) by block, (n, N, lanes)."""
        blocks = split_blocks(images, block=self.grid.block)
        return np.concatenate([blocks & 15, blocks >> 4], axis=-1) if self.lane == "nibble" else blocks


def no_shared_lanes(scheme: Scheme) -> str:
    """Return why a scheme has no lane plan that images share; empty where it has."""
    if scheme.name not in (*_LISTED, *_SECRET):
        return "it does not move or invert values one by one under a key"
    return "" if scheme.key_policy == "shared" else "every image has a key of its own: a known one tells about no other"


def lane_structure(scheme: Scheme, *, shape: tuple[int, int, int]) -> LaneStructure:
    """Return the public structure of a scheme's plans for images of one shape.

    It is seen in any plan, one under a key of the attacker's own included. Compressible encryption for ViT is read as
    its sub-blocks show it: each has one of 96 states and any place.

    Args:
        scheme: One without an obstacle in `no_shared_lanes`.
        shape: (H, W, C) of the plain images.

    >>> found = lane_structure(create_scheme("tanaka-le"), shape=(32, 32, 3))
    >>> found.maps, found.lanes, found.scrambled
    ('one', 96, False)
    """
    laid = scheme.laid_out_shape(shape)
    wants, one_order = scheme.parameters, False
    if scheme.name == "vit-compressible":
        shown: Scheme = create_scheme("etc-color", block_size=wants["sub_block_size"])
    elif scheme.name in ("skk", "smkk"):
        shown = create_scheme("smkk")
        one_order = wants["shuffle"] == "per_image"
    else:
        shown = scheme
    plan = shown.plan_from(KeyMaterial.ephemeral(1), shape=laid)
    assert isinstance(plan, LanePlan)  # noqa: S101 (for the type checker: all of these schemes give lane plans)
    side = plan.block_size or (shown.block, shown.block)
    listed = scheme.name in _LISTED
    sources, flips = plan.source[0].astype(np.int64), np.broadcast_to(plan.flip[0], plan.source[0].shape)
    if scheme.name in ("skk", "smkk") and wants["shuffle"] == "none":
        still = (sources == np.arange(sources.shape[1])).all(axis=1)
        sources, flips = sources[still], flips[still]
    each = plan.choice is not None and not listed
    return LaneStructure(
        grid=BlockGrid(height=laid[0], width=laid[1], channels=laid[2], block=side),
        lane=plan.lane,
        scrambled=plan.block_order is not None,
        maps="listed" if listed else "each" if each else "one",
        sources=sources if listed else np.empty((0, 0), np.int64),
        flips=flips if listed else np.empty((0, 0), np.uint8),
        one_order=one_order,
    )
