"""ELE: extended learnable encryption; LE with a key of its own for every block, and scrambled blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pixelveil.schemes.asset import AssetKind
from pixelveil.schemes.scheme import Family, Scheme
from pixelveil.steps import BlockScramble, NibbleSplit, Step

__all__ = ["MadonoEle"]


@dataclass(frozen=True, kw_only=True)
class MadonoEle(Scheme):
    """Reverse and shuffle the half bytes of each block by the block's own key, then scramble the blocks.

    1. Cut the image into N blocks of 4 x 4 pixels.
    2. In each block do what LE does (reverse half bytes, shuffle them), with a different key for each block.
    3. Permute the blocks.

    The keys belong to the places before step 3. All images share them. Source: Madono, Tanaka, Onishi and Ogawa,
    "Block-wise scrambled image recognition using adaptation network", AAAI Workshop AIoT (2020), arXiv 2001.07761.

    Args:
        block_size: Side of a block in pixels.
        key_policy: As published "shared".

    >>> round(MadonoEle().key_bits((32, 32, 3)), 1)
    38329.7
    """

    name: ClassVar[str] = "madono-ele"
    title: ClassVar[str] = "Extended learnable encryption (ELE): LE with a key per block, and block scrambling"
    citation: ClassVar[str] = "Madono, Tanaka, Onishi and Ogawa, AAAI Workshop AIoT (2020), arXiv 2001.07761"
    family: ClassVar[Family] = "block"
    asset_kinds: ClassVar[tuple[AssetKind, ...]] = ("legacy",)
    protects: ClassVar[str] = (
        "Content and layout, from people who look at stored images and from solvers that put blocks together."
    )
    exposes: ClassVar[str] = (
        "Every image under the key to whoever has some hundred ciphertexts, has a few images with their encryptions, "
        "or may choose five; and which images are the same."
    )
    readable_from: ClassVar[int | None] = 300
    known_attacks: ClassVar[tuple[str, ...]] = (
        "Chosen plaintext: a half byte has 6,144 possible origins (13 bits) and shows three bits an image, so five "
        "images give the whole key; three do where the values are chosen well (attacks-pairs.json).",
        "Known plaintext: each half byte is matched by its values over the images; of CIFAR-10 four with their "
        "ciphertexts read others at SSIM 0.94, sixteen at 1.00 (attacks-pairs.json).",
        "Ciphertexts only, 300 under one key, and public photographs: correlations of half bytes give back inversions, "
        "the order of blocks and the order inside them, SSIM 0.97 at 32x32; 100 give 0.66 (design study).",
        "A folded histogram of each block stays: 100 % of 2,000 images matched to their ciphertexts, whatever the key "
        "(design study).",
        "Ciphertexts only: SIA-GAN (Madono et al., 2021) gives pictures that look natural but are not the original, "
        "LPIPS 0.1483 against 0.2947 of the ciphertext.",
    )

    block_size: int = 4

    def steps(self) -> tuple[Step, ...]:
        """Return the nibble step with a key per block, and the scrambling."""
        return (NibbleSplit(block_size=self.block_size, per_block=True), BlockScramble(block_size=self.block_size))
