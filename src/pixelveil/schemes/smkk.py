"""SMKK: pixel-based encryption with one key for all images, the forerunner of SKK."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pixelveil.errors import UsageError
from pixelveil.schemes.asset import AssetKind
from pixelveil.schemes.scheme import Family, KeyPolicy, Permitted, Scheme
from pixelveil.steps import ColorShuffle, NegativePositive, Step

__all__ = ["Smkk"]


@dataclass(frozen=True, kw_only=True)
class Smkk(Scheme):
    """Invert each value with probability 1/2, then shuffle the components of each pixel, all images alike; any size.

    1. Split the image into pixels.
    2. For every pixel and component draw a bit; where it is 1, ``v -> 255 - v``.
    3. For every pixel draw one of six orders of its components (optional in the paper).

    Training and test images share the key; whoever holds the encrypted ones may flip and shift them for training.
    With a key for every image it is SKK (`skk`). Source: Sirichotedumrong, Maekawa, Kinoshita and Kiya, ICIP (2019),
    arXiv 1905.01827.

    Args:
        shuffle: "per_pixel" or "none" (inversion only).
        key_policy: "shared".

    >>> round(Smkk().key_bits((32, 32, 3)))
    5719
    """

    name: ClassVar[str] = "smkk"
    title: ClassVar[str] = "Pixel-based encryption with one key for all images (SMKK)"
    citation: ClassVar[str] = "Sirichotedumrong, Maekawa, Kinoshita and Kiya, ICIP (2019), arXiv 1905.01827"
    family: ClassVar[Family] = "pixel"
    asset_kinds: ClassVar[tuple[AssetKind, ...]] = ("legacy",)
    policies: ClassVar[tuple[KeyPolicy, ...]] = ("shared",)
    augmentations: ClassVar[tuple[Permitted, ...]] = ("flip", "shift", "cut", "mix")
    protects: ClassVar[str] = "Colors and brightness at a glance, from people who look at stored images."
    exposes: ClassVar[str] = (
        "Edges and much of the content of every single image, without any key; all of it to whoever has one image with "
        "its encryption."
    )
    readable_from: ClassVar[int | None] = 1
    known_attacks: ClassVar[tuple[str, ...]] = (
        "Ciphertext only, one image, any key: |v - 127.5| does not change, so folding the values shows edges and much "
        "of the content (leading-bit attack, Chang and Case, arXiv 2004.13263).",
        "Chosen plaintext: one image whose pixels are all (1, 2, 3) gives the whole key; two known photographs do "
        "too, and one gives nine tenths of the pixels (attacks-pairs.json).",
        "Ciphertexts only, five under one key: correlations of neighboring pixels over images give the key back, up to "
        "one color order and sign for the whole image (design study).",
        "Ciphertexts only: a network trained to invert the shared key succeeds (ITN attack, arXiv 1912.04746).",
    )

    shuffle: Literal["per_pixel", "none"] = "per_pixel"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.shuffle not in ("per_pixel", "none"):
            raise UsageError(f"shuffle must be 'per_pixel' or 'none', not {self.shuffle!r}")

    def steps(self) -> tuple[Step, ...]:
        """Return the inversion and, where switched on, the shuffle."""
        inversion = NegativePositive(scope="value")
        return (inversion,) if self.shuffle == "none" else (inversion, ColorShuffle(block_size=1))
