"""LE: learnable image encryption, the first of its kind; half bytes of small blocks are reversed and shuffled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pixelveil.schemes.asset import AssetKind
from pixelveil.schemes.scheme import Family, Permitted, Scheme
from pixelveil.steps import NibbleSplit, Step

__all__ = ["TanakaLe"]


@dataclass(frozen=True, kw_only=True)
class TanakaLe(Scheme):
    """Cut the values of each small block into half bytes, reverse some, shuffle all; one key for all blocks.

    1. Cut the image into blocks of 4 x 4 pixels; the last row and column are repeated where that is needed.
    2. Cut each 8-bit value into its lower and upper four bits: a block has ``m = 6*B*B`` half bytes.
    3. Reverse some of them, ``v -> 15 - v``, as the key says.
    4. Shuffle the m half bytes by a permutation of the key.
    5. Put half bytes together to 8-bit values again.

    The same key serves every block of every image. Source: Tanaka, "Learnable image encryption", ICCE-TW (2018), arXiv
    1804.00490. There the reversal bits are a key of their own; the published code derives them from the permutation.

    Args:
        block_size: Side of a block in pixels.
        key_policy: As published "shared".

    >>> round(TanakaLe().key_bits((32, 32, 3)), 2)
    594.28
    """

    name: ClassVar[str] = "tanaka-le"
    title: ClassVar[str] = "Learnable image encryption (LE): half bytes reversed and shuffled in small blocks"
    citation: ClassVar[str] = "Tanaka, ICCE-TW (2018), arXiv 1804.00490"
    family: ClassVar[Family] = "block"
    asset_kinds: ClassVar[tuple[AssetKind, ...]] = ("legacy",)
    augmentations: ClassVar[tuple[Permitted, ...]] = ("block shift",)
    protects: ClassVar[str] = (
        "Details within blocks, from people who look at a stored image and know no original of it."
    )
    exposes: ClassVar[str] = (
        "The layout of the scene, for blocks stay in their places and equal blocks stay equal; all of it to whoever "
        "has one image with its encryption."
    )
    readable_from: ClassVar[int | None] = 1
    known_attacks: ClassVar[tuple[str, ...]] = (
        "A look at one ciphertext: blocks stay in their places, so a thumbnail of 1/4 of the size shows through.",
        "One known 32x32 photograph with its ciphertext: matching half bytes over the 64 blocks gives the whole key, "
        "SSIM 1.00 (attacks-pairs.json).",
        "Chosen plaintext: three blocks of one image give the whole key (attacks-pairs.json; Chang and Case, arXiv "
        "2004.13263, with helper images).",
        "Ciphertexts only, and public photographs: correlations of half bytes over blocks give the upper ones back, "
        "SSIM 0.9 from one 256x256 image (three photographs of four) or from ten of 32x32 (design study).",
        "Ciphertexts only: a GAN reconstructs the structure, LPIPS 0.0914, the best of all schemes attacked (SIA-GAN, "
        "Madono et al., 2021).",
    )

    block_size: int = 4

    def steps(self) -> tuple[Step, ...]:
        """Return the nibble step."""
        return (NibbleSplit(block_size=self.block_size),)
