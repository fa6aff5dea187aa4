"""Pixel block mixing: about half of the blocks of an image come from other images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.schemes.asset import Asset, AssetKind
from pixelveil.schemes.pool import PRIVATE, check_pool, make_pool
from pixelveil.schemes.scheme import Family, KeyPolicy, Scheme
from pixelveil.steps import Step
from pixelveil.steps.block_mixing import BlockMixing

__all__ = ["PixelBlockMixing"]


@dataclass(frozen=True, kw_only=True)
class PixelBlockMixing(Scheme):
    """Replace blocks, each with probability 1/2, by blocks at the same place of random other images.

    1. Draw ten donors from the pool, for each image anew.
    2. Cut the image into 2 x 8 blocks (96 x 24 pixels each where the image is 192 x 192).
    3. Replace each block with probability 1/2 by the block at its place of one of the donors.

    Labels stay. There is no key, and what was drawn is thrown away: nobody can tell apart or undo the replacements
    but by looking. The pool is the asset and holds plain images: ``pixelveil schemes fit`` makes its file readable to
    its owner alone; keep it like the images themselves.

    Inferred here: donors are of the class of the image (the published script takes one folder, and labels stay), so
    fit one pool for each class; the ten are different images; an image that is in the pool may be its own donor; a
    grid that does not divide an image has blocks that differ by one pixel.

    Source: Xiang et al., Engineering Applications of Artificial Intelligence 126, 107180 (2023).

    Args:
        rows: Blocks from top to bottom.
        columns: Blocks from left to right.
        donors: Images that one image may take blocks from.
        probability: That a block is replaced, above 0 and at most 1.

    Raises:
        UsageError: A probability beyond these bounds.
    """

    name: ClassVar[str] = "pixel-block-mixing"
    title: ClassVar[str] = "Pixel block mixing (PBM): half of the blocks come from other images"
    citation: ClassVar[str] = (
        "Xiang et al., Eng. Appl. Artif. Intell. 126, 107180 (2023), doi 10.1016/j.engappai.2023.107180"
    )
    family: ClassVar[Family] = "mixing"
    policies: ClassVar[tuple[KeyPolicy, ...]] = ("none",)
    reversible: ClassVar[bool] = False
    jpeg_obstacle: ClassVar[str] = ""
    protects: ClassVar[str] = "Which person a face as a whole is, from programs that compare whole faces."
    exposes: ClassVar[str] = (
        "About half of every image in the clear, and blocks of other private images beside it; and the pool is a file "
        "of plain images."
    )
    readable_from: ClassVar[int | None] = 1
    known_attacks: ClassVar[tuple[str, ...]] = (
        "A look at one image: each block is unchanged with probability 1/2, and seams tell which belong together.",
        "n encryptions of one image: the most frequent block at each place is the image's own, and it stays unseen "
        "with probability 2^-n only.",
        "Blocks are copied whole: searching for a known block finds every image that has it.",
    )
    asset_kinds: ClassVar[tuple[AssetKind, ...]] = ("pool",)
    needs_asset: ClassVar[bool] = True

    rows: int = 2
    columns: int = 8
    donors: int = 10
    probability: float = 0.5
    key_policy: KeyPolicy = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.probability <= 1:
            raise UsageError(f"{self.name}: probability must be above 0 and at most 1, not {self.probability}")

    @property
    def sizes(self) -> str:
        """What is done to images of any size."""
        return "the size of the pool's images, which stays as it is; others are refused"

    @property
    def randomized(self) -> bool:
        """True: every encryption draws anew."""
        return True

    @classmethod
    def fit(cls, images: NDArray[Any], *, settings: Mapping[str, Any]) -> Asset:
        """Return a pool of these images, all of one class; see `Scheme.fit`."""
        return make_pool(images, scheme=cls.name, least=settings["donors"])

    def bind(self, asset: Asset) -> Self:
        """Return the scheme with its pool; see `Scheme.bind`.

        Raises:
            IntegrityError: The asset holds something else than images.
            UsageError: It holds fewer than ``donors``.
        """
        bound = super().bind(asset)
        check_pool(asset, least=self.donors)
        return bound

    def steps(self) -> tuple[Step, ...]:
        """Return the mixing."""
        pool = None if self.bound is None else self.arrays[PRIVATE]
        mixing = BlockMixing(
            rows=self.rows, columns=self.columns, donors=self.donors, probability=self.probability, pool=pool
        )
        return (mixing,)
