"""SKK: pixel-based encryption with a key of its own for every image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pixelveil.errors import UsageError
from pixelveil.schemes.asset import AssetKind
from pixelveil.schemes.scheme import Family, KeyPolicy, Permitted, Scheme
from pixelveil.steps import ColorShuffle, NegativePositive, Step

__all__ = ["Skk"]


@dataclass(frozen=True, kw_only=True)
class Skk(Scheme):
    """Invert each value with probability 1/2, then shuffle the three components of each pixel; any image size.

    1. For every pixel and component draw a bit; where it is 1, ``v -> 255 - v``.
    2. For every pixel draw one of six orders of its components.

    Each image has its own key, which training and classification never need. Source: Sirichotedumrong, Kinoshita
    and Kiya, IEEE Access 7, 177844-177855 (2019), section III. Without step 2 and with exactly half of the values
    inverted it is the "random PE" of SIA-GAN: Madono et al., IEEE Access (2021).

    Args:
        flip: "bernoulli" (a bit for each value) or "exact_half" (half of an image's values, at random places).
        shuffle: "per_pixel", "per_image" (one order for the whole image) or "none" (inversion only).
        key_policy: "derived" (the owner can decrypt), "ephemeral" (as published: keys are thrown away), or "shared"
            (one key for all images: the scheme of ICIP 2019).

    >>> round(Skk().key_bits((32, 32, 3)))
    5719
    """

    name: ClassVar[str] = "skk"
    title: ClassVar[str] = "Pixel-based encryption with a key per image (SKK)"
    citation: ClassVar[str] = (
        "Sirichotedumrong, Kinoshita and Kiya, IEEE Access 7, 177844-177855 (2019), doi 10.1109/ACCESS.2019.2959017"
    )
    family: ClassVar[Family] = "pixel"
    asset_kinds: ClassVar[tuple[AssetKind, ...]] = ("legacy",)
    augmentations: ClassVar[tuple[Permitted, ...]] = ("flip", "shift", "cut", "mix")
    protects: ClassVar[str] = "Colors and brightness at a glance, from people who look at stored images."
    exposes: ClassVar[str] = (
        "Edges and much of the content of every single image, without any key; and which images are the same."
    )
    readable_from: ClassVar[int | None] = 1
    known_attacks: ClassVar[tuple[str, ...]] = (
        "Ciphertext only, one image, any key: |v - 127.5| does not change, so folding the values shows edges and much "
        "of the content (leading-bit attack, Chang and Case, arXiv 2004.13263): on CIFAR-10 SSIM 0.45 and edge "
        "correlation 0.73, on noise 0.05 and none (attacks-pixels.json).",
        "Two encryptions of one image have the same folded values: they are linked, and matched to a known image.",
        "With a shared key, five ciphertexts give it back by correlations of neighboring pixels.",
    )

    shuffle: Literal["per_pixel", "per_image", "none"] = "per_pixel"
    flip: Literal["bernoulli", "exact_half"] = "bernoulli"
    key_policy: KeyPolicy = "derived"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.shuffle not in ("per_pixel", "per_image", "none"):
            raise UsageError(f"shuffle must be 'per_pixel', 'per_image' or 'none', not {self.shuffle!r}")
        if self.flip not in ("bernoulli", "exact_half"):
            raise UsageError(f"flip must be 'bernoulli' or 'exact_half', not {self.flip!r}")

    def steps(self) -> tuple[Step, ...]:
        """Return the inversion and, where switched on, the shuffle."""
        inversion = NegativePositive(scope="value", share=self.flip)
        if self.shuffle == "none":
            return (inversion,)
        return (inversion, ColorShuffle(block_size=1 if self.shuffle == "per_pixel" else None))
