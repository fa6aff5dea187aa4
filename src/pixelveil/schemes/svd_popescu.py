"""Popescu et al.: medical images in coordinates of a secret basis, or as the left half of their decomposition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.schemes.asset import Asset, AssetKind
from pixelveil.schemes.scheme import Family, KeyPolicy, Scheme
from pixelveil.steps import BasisProjection, Step, TruncatedSvd
from pixelveil.steps.basis_projection import fit_basis

__all__ = ["SvdPopescu"]

_BASIS_AXES = 3


@dataclass(frozen=True, kw_only=True)
class SvdPopescu(Scheme):
    """Write each color plane in the first k coordinates of a basis that only the owner has.

    1. On a private sample of plain images, stack the rows of a channel, subtract their mean and take the k leading
       right singular vectors, V_k: the basis (`fit`).
    2. Of each image, ``Y = (X - mean) V_k``, H x k numbers a channel.

    The basis is the key: it is an asset, kept as a key is, and fits images of one width. The variant "per_image" takes
    every image's own decomposition ``X = U S V^T`` and gives ``U_k S_k``; V is thrown away, nothing is kept. Results
    are floats in grey levels, positive and negative. Nobody gets the image back exactly; the owner gets its k leading
    components, as ``Y V_k^T + mean``.

    The paper's exact construction is not public; this is a reconstruction from its abstract. Source: Popescu, Nita,
    Taca, Vizitiu and Itu, "Privacy-preserving medical image classification through deep learning and matrix
    decomposition", MED (2023), 305-310, arXiv 2308.16530.

    Args:
        components: How many coordinates of each row, k; where an image has fewer, "per_image" keeps all of them.
        variant: "basis" (one basis for all images, from the asset) or "per_image" (no basis, no asset).
        key_policy: "none": no key stream decides anything.

    >>> SvdPopescu(components=8).encrypted_shape((224, 224, 3))
    (224, 8, 3)
    """

    name: ClassVar[str] = "svd-popescu"
    title: ClassVar[str] = "Singular value decomposition with a secret basis (Popescu et al.)"
    citation: ClassVar[str] = "Popescu, Nita, Taca, Vizitiu and Itu, MED (2023), 305-310, arXiv 2308.16530"
    family: ClassVar[Family] = "matrix"
    policies: ClassVar[tuple[KeyPolicy, ...]] = ("none",)
    output_dtype: ClassVar[Literal["uint8", "float32"]] = "float32"
    reversible: ClassVar[bool] = False
    jpeg_obstacle: ClassVar[str] = "results are real numbers of another shape than the image, which JPEG cannot hold"
    protects: ClassVar[str] = "Content at a glance, from people without the basis and without images of the same kind."
    exposes: ClassVar[str] = (
        "The leading components themselves: whoever fits a basis on public images of the same kind has nearly the same "
        "one; lengths of rows and distances between images stay."
    )
    readable_from: ClassVar[int | None] = 1
    known_attacks: ClassVar[tuple[str, ...]] = (
        "Public images: the leading principal components of rows are much alike for all photographs (cosines above 0.9 "
        "between unlike sets), so a basis fitted there reads single images once the signs of a few components are "
        "guessed.",
        "Known images with their results: least squares gives back the basis and the mean; on CIFAR-10 ten pairs read "
        "others at SSIM 0.80, on noise 0.02 (attacks-pairs.json).",
        "The variant per_image keeps U and S: products of rows, so lengths and angles between rows, are those of the "
        "image; a network fills in V (Popescu et al. train such reconstructions themselves).",
        "Singular values are the image's own: results are linked and matched to a known image.",
        "Leading-bit and minimum-difference attack: not applicable. They undo inversions and color orders of bytes, of "
        "which there are none; that they find nothing says nothing.",
    )
    asset_kinds: ClassVar[tuple[AssetKind, ...]] = ("basis",)
    needs_asset: ClassVar[bool] = True

    components: int = 32
    variant: Literal["basis", "per_image"] = "basis"
    key_policy: KeyPolicy = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.variant not in ("basis", "per_image"):
            raise UsageError(f"variant must be one of basis, per_image, not {self.variant!r}")
        if self.components < 1:
            raise UsageError(f"components must be positive, not {self.components}")
        if self.variant == "per_image":
            if self.asset:
                raise UsageError(f"{self.name} with variant=per_image takes no asset")
            self.__dict__["needs_asset"] = False

    @property
    def sizes(self) -> str:
        """What is done to images of any size."""
        if self.variant == "basis":
            return f"any height, the width that the basis was fitted for; the width becomes {self.components}"
        return f"any size; the width becomes {self.components}, or the smaller side where that is less"

    def bind(self, asset: Asset) -> Self:
        """Return the scheme with its basis; see `Scheme.bind`.

        Raises:
            IntegrityError: The asset holds something else than a basis and its mean.
            UsageError: It has fewer components.
        """
        bound = super().bind(asset)
        whole = all(array.dtype == np.float64 and np.isfinite(array).all() for array in asset.arrays.values())
        if set(asset.arrays) != {"basis", "mean"} or not whole or asset.arrays["basis"].ndim != _BASIS_AXES:
            raise IntegrityError("this asset is no basis with its mean")
        bound.steps()
        return bound

    @classmethod
    def fit(cls, images: NDArray[Any], *, settings: Mapping[str, Any]) -> Asset:
        """Make the basis from a private sample of plain images; see `Scheme.fit`.

        Args:
            images: uint8 (n, H, W, C), of the width that images to be encrypted have; some hundred are enough.
            settings: The scheme's parameters; "components" says how many vectors the basis has.

        Raises:
            UsageError: The variant needs no basis, or the images have fewer components.
        """
        scheme = cls(**settings)
        if not scheme.needs_asset:
            raise UsageError(f"{cls.name} with variant=per_image needs no asset", hint="encrypt without one")
        arrays = fit_basis(images, components=scheme.components)
        count, height, width, channels = images.shape
        facts = {"images": count, "height": height, "width": width, "channels": channels}
        return Asset(scheme=cls.name, kind="basis", arrays=arrays, settings={**settings, **facts})

    def steps(self) -> tuple[Step, ...]:
        """Return the projection; where the asset is only named, one that knows no basis."""
        if self.variant == "per_image":
            return (TruncatedSvd(components=self.components),)
        held = self.arrays if self.bound is not None else {}
        return (BasisProjection(components=self.components, basis=held.get("basis"), mean=held.get("mean")),)
