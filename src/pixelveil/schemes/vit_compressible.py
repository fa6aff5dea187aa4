"""Compressible encryption for Vision Transformers: EtC inside each patch, scrambled patches; survives JPEG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pixelveil.schemes.asset import AssetKind
from pixelveil.schemes.scheme import Family, Permitted, Scheme
from pixelveil.steps import (
    BlockRotation,
    BlockScramble,
    ColorShuffle,
    EveryBlock,
    NegativePositive,
    Step,
    SubBlockScramble,
)

__all__ = ["VitCompressible"]


@dataclass(frozen=True, kw_only=True)
class VitCompressible(Scheme):
    """Turn, mirror, invert and recolor the sub-blocks of each patch, scramble them inside it, scramble the patches.

    1. Cut the image into N main blocks as large as the model's patches, each into s sub-blocks as JPEG codes them.
    2. Turn each sub-block by 0, 90, 180 or 270 degrees and mirror it or not: eight outcomes.
    3. Invert each sub-block with probability 1/2, ``v -> 255 - v``.
    4. Shuffle the three components of each sub-block: six outcomes.
    5. Permute the s sub-blocks inside their main block.
    6. Permute the main blocks.

    Steps 2 to 5 are one signed permutation of a main block, which a patch embedding absorbs: one for all main blocks
    (V1), or one for each (V2), for which the model needs an embedding kernel at each position. The keys of V2 belong to
    the places before step 6. Source: Lin, Imaizumi and Kiya, Information 15:723 (2024), and the same, arXiv
    2605.05692, whose order of steps this is; the papers draw four turns and four mirrors, eight outcomes twice each.

    Args:
        block_size: Side of a main block in pixels; the model's patch size.
        sub_block_size: Side of a sub-block in pixels; divides ``block_size``.
        per_block: Whether each main block has a key of its own (V2) or all share one (V1).
        key_policy: A model can only absorb "shared".

    Raises:
        UsageError: Sub-blocks do not divide the main block.

    >>> round(VitCompressible().key_bits((16, 16, 3)), 1)
    30.9
    >>> round(VitCompressible(per_block=True).key_bits((224, 224, 3)))
    7276
    """

    name: ClassVar[str] = "vit-compressible"
    title: ClassVar[str] = "Compressible encryption for ViT: EtC on sub-blocks inside patches, block scrambling"
    citation: ClassVar[str] = (
        "Lin, Imaizumi and Kiya, Information 15:723 (2024); Lin, Imaizumi and Kiya, ICIP (2026), arXiv 2605.05692"
    )
    family: ClassVar[Family] = "vit"
    asset_kinds: ClassVar[tuple[AssetKind, ...]] = ("legacy",)
    jpeg_obstacle: ClassVar[str] = ""
    augmentations: ClassVar[tuple[Permitted, ...]] = ("mix",)
    protects: ClassVar[str] = (
        "The layout of the scene, from people who look at images that were sent or stored as JPEG."
    )
    exposes: ClassVar[str] = (
        "What a single sub-block shows, up to its color; and the whole image to a puzzle solver, to whoever has one "
        "image with its encryption, and to a server that knows the plain patch embedding."
    )
    readable_from: ClassVar[int | None] = 1
    known_attacks: ClassVar[tuple[str, ...]] = (
        "Ciphertext only, one image: with one key for all main blocks there are 2^31 maps to try, and a jigsaw puzzle "
        "solver orders the blocks; the authors name this risk and find V2 more robust (arXiv 2605.05692).",
        "One known image with its ciphertext: sub-blocks match by their sorted, folded values; all under the key is "
        "read, SSIM 0.99 (attacks-pairs.json).",
        "The server that runs the encrypted model computes the plain model's own tokens; if it knows or guesses the "
        "plain patch embedding, it reads every image, SSIM 1.00 (attacks-models.json).",
    )

    block_size: int = 16
    sub_block_size: int = 8
    per_block: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.steps()

    def steps(self) -> tuple[Step, ...]:
        """Return the steps on sub-blocks, in one main block or in all of them, and the two scramblings."""
        block, side = self.block_size, self.sub_block_size
        inside: tuple[Step, ...] = (
            BlockRotation(block_size=side),
            NegativePositive(scope="block", block_size=side),
            ColorShuffle(block_size=side),
        )
        if not self.per_block:
            inside = tuple(EveryBlock(step=step, block_size=block) for step in inside)
        return (
            *inside,
            SubBlockScramble(block_size=block, sub_block_size=side, per_block=self.per_block),
            BlockScramble(block_size=block),
        )
