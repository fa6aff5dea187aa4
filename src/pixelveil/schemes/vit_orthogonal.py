"""Block-wise encryption for Vision Transformers by a random orthogonal matrix: exact answers, float images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.schemes.asset import Asset, AssetKind
from pixelveil.schemes.layout import lay_out
from pixelveil.schemes.scheme import Family, Permitted, Scheme
from pixelveil.steps import BlockScramble, OrthogonalMixing, Step, Whitening
from pixelveil.steps.whitening import fit_whitening

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

    With an asset that ``pixelveil schemes fit`` makes of public images, blocks are whitened before 2: statistics of
    ciphertexts tell less of the matrix, and the patch embedding absorbs that too. The asset is no secret.

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
    asset_kinds: ClassVar[tuple[AssetKind, ...]] = ("basis",)
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
        "Whitening before the matrix takes more ciphertexts, no more: covariances of neighboring blocks give it back.",
        "One to four known images with their ciphertexts: least squares gives back the matrix; photographs of 224 x "
        "224 are read at SSIM 0.92 with one, 1.00 with four (attacks-pairs.json).",
        "The server that runs the encrypted model computes the plain model's own tokens; if it knows or guesses the "
        "plain patch embedding, it reads every image, SSIM 1.00 (attacks-models.json).",
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

    def bind(self, asset: Asset) -> Self:
        """Return the scheme with its whitening; see `Scheme.bind`.

        Raises:
            IntegrityError: The asset holds something else than a matrix and a mean.
            UsageError: It is for blocks of another size.
        """
        bound = super().bind(asset)
        whole = all(array.dtype == np.float64 and np.isfinite(array).all() for array in asset.arrays.values())
        if set(asset.arrays) != {"matrix", "mean"} or not whole or asset.arrays["mean"].ndim != 1:
            raise IntegrityError("this asset is no whitening with its mean")
        bound.steps()
        return bound

    @classmethod
    def fit(cls, images: NDArray[Any], *, settings: Mapping[str, Any]) -> Asset:
        """Make the whitening of blocks; see `Scheme.fit`.

        Args:
            images: uint8 (n, H, W, C), of the kind that is to be encrypted; public ones, for the asset is no secret.
            settings: The scheme's parameters; "block_size" counts.

        Raises:
            UsageError: They hold fewer blocks than a block has values.
        """
        scheme = cls(**settings)
        arrays = fit_whitening(lay_out(images, block=scheme.block, planes=cls.planes), block_size=scheme.block)
        return Asset(
            scheme=cls.name,
            kind="basis",
            arrays=arrays,
            settings={"block_size": scheme.block, "images": len(images), "channels": int(images.shape[3])},
        )

    def steps(self) -> tuple[Step, ...]:
        """Return the whitening where there is an asset, the mixing and, where switched on, the scrambling."""
        steps: tuple[Step, ...] = (OrthogonalMixing(block_size=self.block_size),)
        if self.asset:
            held = self.arrays if self.bound is not None else {}
            whitening = Whitening(block_size=self.block_size, matrix=held.get("matrix"), mean=held.get("mean"))
            steps = (whitening, *steps)
        return (*steps, BlockScramble(block_size=self.block_size)) if self.scramble_blocks else steps
