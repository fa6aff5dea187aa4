"""Grayscale-based EtC: the color planes side by side in one gray image, whose small blocks are scrambled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pixelveil.schemes.layout import Planes
from pixelveil.schemes.scheme import Family, Permitted, Scheme
from pixelveil.steps import BlockRotation, BlockScramble, NegativePositive, Step

__all__ = ["EtcGray"]


@dataclass(frozen=True, kw_only=True)
class EtcGray(Scheme):
    """Lay the planes side by side as one gray image, scramble its 8 x 8 blocks, turn, mirror and invert each.

    1. Put the red, green and blue plane next to each other: one gray image, three times as wide.
    2. Cut it into N blocks of 8 x 8 and permute them (key K1).
    3. Turn each block by 0, 90, 180 or 270 degrees and mirror it or not (K2): eight outcomes.
    4. Invert each block with probability 1/2, ``v -> 255 - v`` (K3).

    Smaller blocks, twelve times as many, and no color inside a block make it harder for puzzle solvers than color EtC;
    8 x 8 blocks are the coding units of gray JPEG. Source: Chuman, Sirichotedumrong and Kiya, IEEE TIFS 14(6),
    1515-1525 (2019). The paper also takes YCbCr planes; here they are red, green, blue.

    Args:
        block_size: Side of a block in pixels.
        key_policy: As published "shared".

    >>> round(EtcGray().key_bits((224, 224, 3))), round(EtcGray().key_bits((256, 256, 3)))
    (32363, 43452)
    >>> EtcGray().encrypted_shape((224, 224, 3))
    (224, 672, 1)
    """

    name: ClassVar[str] = "etc-gray"
    title: ClassVar[str] = "Encryption then compression, grayscale-based (EtC): planes side by side, small blocks"
    citation: ClassVar[str] = "Chuman, Sirichotedumrong and Kiya, IEEE TIFS 14(6), 1515-1525 (2019), arXiv 1811.00236"
    family: ClassVar[Family] = "block"
    planes: ClassVar[Planes] = "side by side"
    jpeg_obstacle: ClassVar[str] = ""
    augmentations: ClassVar[tuple[Permitted, ...]] = ("mix",)
    protects: ClassVar[str] = (
        "The layout and colors of the scene, from people who look and from the puzzle solvers published for color EtC."
    )
    exposes: ClassVar[str] = (
        "What a single block shows; with one key for all images, every image to whoever has one with its encryption."
    )
    readable_from: ClassVar[int | None] = 50
    known_attacks: ClassVar[tuple[str, ...]] = (
        "Chosen plaintext: one image whose blocks carry their numbers gives a shared key (attacks-pairs.json).",
        "Known plaintext: one photograph with its ciphertext gives about all of a shared key, for sorted, folded "
        "values of blocks match whatever their place, turn and inversion: SSIM 0.99 (attacks-pairs.json).",
        "Ciphertext only: none published for blocks of 8 x 8; here a jigsaw puzzle solver that puts three planes "
        "together at once reads images under one key (pictures.json).",
        "With other images of the same kind: second-order statistics of images under one key read all of them "
        "from fifty on (attacks-statistics.json).",
    )

    block_size: int = 8

    def steps(self) -> tuple[Step, ...]:
        """Return the three steps on the laid-out image."""
        block = self.block_size
        return (
            BlockScramble(block_size=block),
            BlockRotation(block_size=block),
            NegativePositive(scope="block", block_size=block),
        )
