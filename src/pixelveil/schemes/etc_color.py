"""EtC for color images: whole blocks are scrambled, turned, inverted, recolored; the result compresses as JPEG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pixelveil.schemes.asset import AssetKind
from pixelveil.schemes.scheme import Family, Permitted, Scheme
from pixelveil.steps import BlockRotation, BlockScramble, ColorShuffle, NegativePositive, Step

__all__ = ["EtcColor"]


@dataclass(frozen=True, kw_only=True)
class EtcColor(Scheme):
    """Scramble blocks, turn and mirror each, invert some, shuffle the color components of each; pixels stay neighbors.

    1. Cut the image into N blocks and permute them (key K1).
    2. Turn each block by 0, 90, 180 or 270 degrees and mirror it or not (K2): eight outcomes.
    3. Invert each block with probability 1/2, all its values alike, ``v -> 255 - v`` (K3).
    4. Shuffle the three components of each block (K4): six outcomes.

    Blocks of 16 are the coding units of JPEG with halved chroma: what JPEG lives on, smoothness inside blocks, is kept.
    Source: Kurihara, Shiota and Kiya (2015); Chuman, Sirichotedumrong and Kiya, IEEE TIFS 14(6), 1515-1525 (2019),
    section II; the steps as restated in Information 14(6):311 (2023).

    Args:
        block_size: Side of a block in pixels: 16 for JPEG, 4 for networks on 32 x 32 images.
        key_policy: As published "shared".

    >>> round(EtcColor().key_bits((224, 224, 3)), 1), round(EtcColor(block_size=4).key_bits((32, 32, 3)), 1)
    (2505.5, 717.4)
    """

    name: ClassVar[str] = "etc-color"
    title: ClassVar[str] = "Encryption then compression, color (EtC): blocks scrambled, turned, inverted, recolored"
    citation: ClassVar[str] = "Chuman, Sirichotedumrong and Kiya, IEEE TIFS 14(6), 1515-1525 (2019), arXiv 1811.00236"
    family: ClassVar[Family] = "block"
    asset_kinds: ClassVar[tuple[AssetKind, ...]] = ("legacy",)
    jpeg_obstacle: ClassVar[str] = ""
    augmentations: ClassVar[tuple[Permitted, ...]] = ("mix",)
    protects: ClassVar[str] = (
        "The layout of the scene, from people who look at images that pass through photo services."
    )
    exposes: ClassVar[str] = (
        "What a single block shows, up to its color; and the whole image to a puzzle solver or to whoever has one "
        "image with its encryption."
    )
    readable_from: ClassVar[int | None] = 1
    known_attacks: ClassVar[tuple[str, ...]] = (
        "Ciphertext only, one image: a jigsaw puzzle solver over the 96 states of each pair of blocks (4 turns, 2 "
        "mirrors, 2 inversions, 6 color orders) puts it together (Chuman, Kurihara and Kiya, IEICE E101-D, 2018).",
        "With one key for all images the costs of many ciphertexts add up: block scrambling alone is undone exactly "
        "from five images (design study).",
        "Sorted, folded values of blocks stay: 99.8 % of 2,000 images matched to their ciphertexts, whatever the key "
        "(design study).",
        "One known or chosen image with its ciphertext gives the whole key, SSIM 1.00 (attacks-pairs.json).",
        "Ciphertexts only: AGAN (arXiv 2407.06570) reports success; SIA-GAN (Madono et al., 2021) gives natural but "
        "wrong pictures.",
    )

    block_size: int = 16

    def steps(self) -> tuple[Step, ...]:
        """Return the four steps, each with its own key."""
        block = self.block_size
        return (
            BlockScramble(block_size=block),
            BlockRotation(block_size=block),
            NegativePositive(scope="block", block_size=block),
            ColorShuffle(block_size=block),
        )
