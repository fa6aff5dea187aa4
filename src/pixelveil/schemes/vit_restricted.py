"""Restricted permutations for Vision Transformers: a secret part of blocks and values stays, for easier learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pixelveil.errors import UsageError
from pixelveil.schemes.scheme import Family, Permitted, Scheme
from pixelveil.steps import BlockScramble, PixelShuffle, Step
from pixelveil.steps.restriction import WHOLE, check_fixed

__all__ = ["VitRestricted"]


@dataclass(frozen=True, kw_only=True)
class VitRestricted(Scheme):
    """Shuffle the values inside blocks and scramble the blocks, but leave a secret part of both where it is.

    1. Cut the image into N blocks as large as the model's patches.
    2. Choose ``L - N_ps`` of the ``L = B*B*3`` places of a block and permute their values, the same in all blocks.
    3. Choose ``N - N_bs`` of the N blocks and permute them.

    A Vision Transformer is fine-tuned on the encrypted images; the fewer places move, the higher its accuracy, and the
    less is hidden. Source: Horio, Nishikawa and Kiya, arXiv 2408.08529.

    With the key policy "ephemeral" these are the *disposable keys* of Aso, Shiota and Kiya, arXiv 2408.05737, and of
    Hirose, Imaizumi and Kiya, IEEE Access (2025): each image has a key of its own that is thrown away, images are sent
    once, and the server fine-tunes on the union. A model cannot be encrypted with keys that nobody has.

    Args:
        block_size: Side of a block in pixels; the model's patch size.
        fixed_blocks: Thousandths of the blocks that stay; 612 is the published 120 of 196. Thousandths, rounded to the
            nearest block, because a count fits one image size only.
        fixed_values: Thousandths of the values of a block that stay; 651 is the published 500 of 768.
        key_policy: "shared" (fine-tuning and queries under one key) or "ephemeral" (disposable keys).

    Raises:
        UsageError: A part is over 1000 thousandths, or nothing moves at all.

    >>> round(VitRestricted().key_bits((224, 224, 3))) - 553
    2491
    """

    name: ClassVar[str] = "vit-restricted"
    title: ClassVar[str] = "Restricted block scrambling and pixel shuffle for ViT; with disposable keys if ephemeral"
    citation: ClassVar[str] = (
        "Horio, Nishikawa and Kiya, arXiv 2408.08529; Aso, Shiota and Kiya, arXiv 2408.05737 (disposable keys)"
    )
    family: ClassVar[Family] = "vit"
    augmentations: ClassVar[tuple[Permitted, ...]] = ("mix",)
    protects: ClassVar[str] = "Details, from a casual look; the more, the fewer places stay fixed."
    exposes: ClassVar[str] = (
        "A coarse picture in every ciphertext, without any key: at the published setting 61 % of the blocks and 65 % "
        "of the values of a block are where they were."
    )
    readable_from: ClassVar[int | None] = 1
    known_attacks: ClassVar[tuple[str, ...]] = (
        "A look at one ciphertext: what stays fixed shows through.",
        "Ciphertext only, one image: the attacks on unrestricted shuffling (Chuman and Kiya, Information 14(6):311, "
        "2023) start from a picture that is mostly in order.",
        "One known image with its ciphertext: sorted blocks match, then entries match; all under the key is read, "
        "SSIM 1.00 (attacks-pairs.json).",
    )

    block_size: int = 16
    fixed_blocks: int = 612
    fixed_values: int = 651

    def __post_init__(self) -> None:
        super().__post_init__()
        for fixed in (self.fixed_blocks, self.fixed_values):
            check_fixed(fixed)
        if self.fixed_blocks == self.fixed_values == WHOLE:
            raise UsageError(f"{self.name} with everything fixed hides nothing", hint="let blocks or values move")

    def steps(self) -> tuple[Step, ...]:
        """Return the two restricted permutations."""
        return (
            PixelShuffle(block_size=self.block_size, fixed=self.fixed_values),
            BlockScramble(block_size=self.block_size, fixed=self.fixed_blocks),
        )
