"""Wang: medical images through truncation, quantization, noise and a random projection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pixelveil.errors import UsageError
from pixelveil.schemes.scheme import Family, KeyPolicy, Scheme
from pixelveil.steps import GaussianNoise, ImageShape, Quantization, RandomProjection, Step, TruncatedSvd

__all__ = ["SvdWang"]

_CHOICES = {"factor": ("left", "image"), "projection": ("right", "both", "none")}


@dataclass(frozen=True, kw_only=True)
class SvdWang(Scheme):
    """Keep k singular components of each color plane, quantize, add noise and multiply by a secret random matrix.

    Of each color plane X, H x W numbers:

    1. ``A = U_k S_k`` of ``X = U S V^T``, or ``A = U_k S_k V_k^T``.
    2. Round the values to q levels between the plane's 0.5 and 99.5 percentiles.
    3. Add Gaussian noise of standard deviation ``noise * std(A)``, fresh for every image.
    4. ``Y = A R``, R Gaussian with variance one over its rows and m columns, from the key; or ``Y = L A R``.

    Results are floats in grey levels, positive and negative, and nobody can undo it. Each stage can be switched off, so
    that it can be shown and measured. All images of one size share R: networks need that, and images of other sizes
    have another R, so resize them first. The thesis's text is not public; this is a reconstruction from its abstract
    and table of contents. Source: Wang, "A privacy-preserving mechanism for medical image deep learning based on
    singular value decomposition", thesis, National Chengchi University (2025).

    Args:
        components: How many components to keep, k, as 8, 16, 32, 64; 0, or more than an image has: all.
        factor: "left" (``U_k S_k``) or "image" (``U_k S_k V_k^T``).
        levels: How many levels, q; 0: no quantization.
        noise: Standard deviation of the noise, in those of A; 0: none.
        projection: "right" (``A R``), "both" (``L A R``) or "none".
        size: Columns of R, m; 0: the width of the image, so that a network reads an image again.
        key_policy: "shared".

    >>> SvdWang(components=8).encrypted_shape((224, 200, 3)), SvdWang(size=64).encrypted_shape((224, 200, 3))
    ((224, 200, 3), (224, 64, 3))
    """

    name: ClassVar[str] = "svd-wang"
    title: ClassVar[str] = "Singular values, quantization, noise and random projection (Wang)"
    citation: ClassVar[str] = (
        "Wang, thesis, National Chengchi University (2025); after Popescu et al., MED (2023), arXiv 2308.16530"
    )
    family: ClassVar[Family] = "matrix"
    policies: ClassVar[tuple[KeyPolicy, ...]] = ("shared",)
    output_dtype: ClassVar[Literal["uint8", "float32"]] = "float32"
    reversible: ClassVar[bool] = False
    jpeg_obstacle: ClassVar[str] = "results are real numbers far beyond 0..255, which JPEG cannot hold"
    protects: ClassVar[str] = "Content at a glance, from people and attacks without known images or trained decoders."
    exposes: ClassVar[str] = (
        "Distances: images that are alike, and images of one person, stay so. A few images with their results give the "
        "projection to anyone."
    )
    known_attacks: ClassVar[tuple[str, ...]] = (
        "Known images with their results: the projection is linear and shared, so least squares (ridge regression) "
        "gives it back. On CIFAR-10 ten pairs read others at SSIM 0.96 with factor=image and 0.28 with factor=left, "
        "where the right factor is missing; on noise 0.01 and 0.04 (attacks-pairs.json).",
        "Public images of the same kind: aligning principal components of results with theirs needs no pairs; a "
        "decoder trained on them fills in V.",
        "Random projections keep distances (Johnson and Lindenstrauss): duplicates, neighbors and identities stay "
        "visible, and results are linked by them.",
        "Leading-bit and minimum-difference attack: not applicable. They undo inversions and color orders of bytes, of "
        "which there are none; that they find nothing says nothing, and a negative PSNR is a matter of scale.",
    )
    switches: ClassVar[tuple[str, ...]] = ("components", "levels")

    components: int = 32
    factor: Literal["left", "image"] = "left"
    levels: int = 16
    noise: float = 0.1
    projection: Literal["right", "both", "none"] = "right"
    size: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        for label, choices in _CHOICES.items():
            if getattr(self, label) not in choices:
                raise UsageError(f"{label} must be one of {', '.join(choices)}, not {getattr(self, label)!r}")
        if self.size and self.projection == "none":
            raise UsageError("size is the projection's; without one the width is what the factor has")
        if not self.steps():
            raise UsageError(f"{self.name} with every stage switched off hides nothing")

    @property
    def sizes(self) -> str:
        """What is done to images of any size."""
        if self.projection == "none":
            return "any size; the left factor is as wide as it has components"
        return f"any size; the width becomes {self.size}" if self.size else "any size, which stays as it is"

    @property
    def randomized(self) -> bool:
        """Whether there is noise, which no key decides."""
        return self.noise > 0

    def steps(self) -> tuple[Step, ...]:
        """Return the stages that are switched on; a projection to the width of the image keeps the width here."""
        return self._stages(size=self.size)

    def steps_for(self, shape: ImageShape) -> tuple[Step, ...]:
        """Return the stages for images of one shape: the projection leads back to their width."""
        return self._stages(size=self.size or shape[1])

    def _stages(self, *, size: int) -> tuple[Step, ...]:
        stages: tuple[Step, ...] = ()
        if self.components or self.factor == "left":
            stages += (TruncatedSvd(components=self.components, factor=self.factor),)
        if self.levels:
            stages += (Quantization(levels=self.levels),)
        if self.noise:
            stages += (GaussianNoise(std=self.noise, relative=True),)
        if self.projection != "none":
            stages += (RandomProjection(size=size, sides=self.projection),)
        return stages
