"""Block-wise encryption for Vision Transformers by a random orthogonal matrix: exact answers, float images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pixelveil.errors import UsageError
from pixelveil.schemes.scheme import Family, Permitted, Scheme
from pixelveil.steps import BlockScramble, OrthogonalMixing, Step

__all__ = ["VitOrthogonal"]

_LARGEST_BLOCK = 64


@dataclass(frozen=True, kw_only=True)
class VitOrthogonal(Scheme):
    """Multiply each block by a secret orthogonal matrix and scramble the blocks.

    1. Cut the image into N blocks as large as the model's patches.
    2. Multiply the ``L = B*B*3`` values of each block by one random orthogonal L x L matrix.
    3. Permute the blocks.

    Encrypted values are floats in grey levels, some below 0 or above 255: store them as float16. A patch embedding
    absorbs 2, the position information absorbs 3. Source: Kiya, SCAT report (2023), section 3.2, steps (a) to (c);
    Aso, Chuman and Kiya, arXiv 2301.03843. The report writes ``L = B*B``; here, as in the group's code, the matrix
    mixes the three channels too.

    Args:
        block_size: Side of a block in pixels; the model's patch size.
        scramble_blocks: Whether step 3 is done; not for models with windows or convolutions.
        key_policy: A model can only absorb "shared".

    >>> round(VitOrthogonal().key_bits((224, 224, 3)))
    1471
    """

    name: ClassVar[str] = "vit-orthogonal"
    title: ClassVar[str] = "Block scrambling and a random orthogonal matrix for ViT"
    citation: ClassVar[str] = "Kiya, SCAT research report (2023); Aso, Chuman and Kiya, arXiv 2301.03843"
    output_dtype: ClassVar[Literal["uint8", "float32"]] = "float32"
    family: ClassVar[Family] = "vit"
    jpeg_obstacle: ClassVar[str] = "encrypted values are real numbers beyond 0 to 255, of which JPEG keeps too little"
    augmentations: ClassVar[tuple[Permitted, ...]] = ("mix",)
    protects: ClassVar[str] = "The picture, from people who look, and from programs that see few images under one key."
    exposes: ClassVar[str] = (
        "Which blocks are flat or alike; and every image to whoever has some tens of ciphertexts under one key, a few "
        "images with their encryptions, or the encrypted model and the plain patch embedding."
    )
    readable_from: ClassVar[int | None] = 50
    known_attacks: ClassVar[tuple[str, ...]] = (
        "Ciphertexts only, some tens under one key, and public images of the same kind: block covariances give back "
        "the matrix, boundaries the order of blocks.",
        "One to four known images with their ciphertexts: least squares gives back the matrix.",
        "The server that runs the encrypted model computes the plain model's own tokens; if it knows or guesses the "
        "plain patch embedding, it reads every image.",
        "Lengths of blocks and angles between them are unchanged: equal blocks stay equal, flat blocks are seen.",
    )

    block_size: int = 16
    scramble_blocks: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.block_size > _LARGEST_BLOCK:
            raise UsageError(
                f"{self.name}: block_size must be at most {_LARGEST_BLOCK}, not {self.block_size}",
                hint="a matrix of all values of a block with all would need gigabytes",
            )

    def steps(self) -> tuple[Step, ...]:
        """Return the mixing and, where switched on, the scrambling."""
        mixing = OrthogonalMixing(block_size=self.block_size)
        return (mixing, BlockScramble(block_size=self.block_size)) if self.scramble_blocks else (mixing,)
