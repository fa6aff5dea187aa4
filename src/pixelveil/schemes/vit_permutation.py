"""Block-wise encryption for Vision Transformers by permutation and inversion: whole bytes, exactly reversible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pixelveil.errors import UsageError
from pixelveil.schemes.asset import AssetKind
from pixelveil.schemes.scheme import Family, Permitted, Scheme
from pixelveil.steps import BlockScramble, NegativePositive, PixelShuffle, Step

__all__ = ["VitPermutation"]


@dataclass(frozen=True, kw_only=True)
class VitPermutation(Scheme):
    """Shuffle the values inside each block, invert some of them, and scramble the blocks.

    1. Cut the image into blocks as large as the model's patches.
    2. Permute the ``L = B*B*3`` values of each block, one permutation for all blocks.
    3. Invert each place of a block with probability 1/2, ``v -> 255 - v``, the same places in all blocks.
    4. Permute the blocks.

    With ``per_block`` each block has its own permutation and places in 2 and 3, as in arXiv 2605.05692 (V2): blocks
    show no common statistics any more, and the model needs an embedding kernel at each position.

    A patch embedding absorbs 2 and 3, the position information absorbs 4, so a Vision Transformer encrypted with the
    same key gives the same answers. Source: Kiya, Iijima, MaungMaung and Kinoshita, IEICE Trans. Inf. & Syst.
    E106-D(1), 2-11 (2023), sections 3 and 4.

    Args:
        block_size: Side of a block in pixels; the model's patch size.
        shuffle: Whether step 2 is done.
        invert: Whether step 3 is done.
        scramble_blocks: Whether step 4 is done; not for models with windows or convolutions.
        per_block: Whether each block has its own key in steps 2 and 3.
        key_policy: A model can only absorb "shared".

    Raises:
        UsageError: Every step is switched off.

    >>> round(VitPermutation().key_bits((224, 224, 3)))
    8242
    """

    name: ClassVar[str] = "vit-permutation"
    title: ClassVar[str] = "Block scrambling, in-block pixel shuffle and negative-positive for ViT"
    citation: ClassVar[str] = (
        "Kiya et al., IEICE Trans. Inf. & Syst. E106-D(1), 2-11 (2023), doi 10.1587/transinf.2022MUI0001"
    )
    family: ClassVar[Family] = "vit"
    asset_kinds: ClassVar[tuple[AssetKind, ...]] = ("legacy",)
    augmentations: ClassVar[tuple[Permitted, ...]] = ("mix",)
    protects: ClassVar[str] = "The picture, from people who look at stored or transmitted images."
    exposes: ClassVar[str] = (
        "Every image to whoever analyzes ciphertexts under one key, has one image with its encryption, or runs the "
        "encrypted model and knows the plain patch embedding; outlines of flat areas to anybody."
    )
    readable_from: ClassVar[int | None] = 1
    known_attacks: ClassVar[tuple[str, ...]] = (
        "Ciphertext only, one image: entries that are neighbors correlate over blocks, which gives back the order of "
        "pixels; a jigsaw solver gives back the order of blocks (Chuman and Kiya, Information 14(6):311, 2023).",
        "One known image with its ciphertext: sorted blocks match, then entries match; all under the key is read, "
        "SSIM 1.00 (attacks-pairs.json).",
        "The server that runs the encrypted model computes the plain model's own tokens; if it knows or guesses the "
        "plain patch embedding, it reads every image, SSIM 1.00 (attacks-models.json).",
    )

    block_size: int = 16
    shuffle: bool = True
    invert: bool = True
    scramble_blocks: bool = True
    per_block: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.steps():
            raise UsageError(f"{self.name} with every step switched off hides nothing", hint="leave one switched on")

    def steps(self) -> tuple[Step, ...]:
        """Return the steps that are switched on."""
        block, own = self.block_size, self.per_block
        invert = NegativePositive(scope="value") if own else NegativePositive(scope="mask", block_size=block)
        switched: tuple[tuple[bool, Step], ...] = (
            (self.shuffle, PixelShuffle(block_size=block, per_block=own)),
            (self.invert, invert),
            (self.scramble_blocks, BlockScramble(block_size=block)),
        )
        return tuple(step for on, step in switched if on)
