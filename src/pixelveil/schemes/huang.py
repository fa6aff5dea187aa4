"""Huang et al.: pixel-based encryption with a statistical filter, for medical images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pixelveil.errors import UsageError
from pixelveil.schemes.scheme import Family, KeyPolicy, Permitted, Scheme
from pixelveil.steps import BlockStatistic, ColorShuffle, NegativePositive, Rounding, SlidingFilter, Step

__all__ = ["Huang"]

_CHOICES = {
    "statistic": ("median", "mean", "max", "min"),
    "mode": ("block", "sliding"),
    "order": ("post", "pre"),
    "negative_positive": ("per_pixel", "global"),
    "shuffle": ("per_pixel", "per_image", "none"),
}


@dataclass(frozen=True, kw_only=True)
class Huang(Scheme):
    """Encrypt pixels as SKK does, then replace each block by one statistic of its values; any image size.

    1. For every pixel and component draw a bit; where it is 1, ``v -> 255 - v``.
    2. For every pixel draw one of six orders of its components.
    3. Cut the image into blocks and fill each block and component with the median (mean, maximum, minimum) of its
       values; blocks at the edges are made of the pixels that are there. Round.

    Nobody can undo it. The paper's text is not public; this is a reconstruction from its abstract and from two student
    projects built on it, of which only one has an order of the steps. What they leave open is a parameter: the
    defaults are the readings that fit "an enhanced version of previous methods" best. ``negative_positive="global",
    shuffle="per_image"`` is the weak form of both projects, which invert the whole image. Source: Huang, Yap, Chiu and
    Sun, IEEE Access 10, 66345-66355 (2022).

    Args:
        statistic: "median", "mean", "max" or "min".
        mode: "block" fills blocks, "sliding" moves a window over the image.
        filter_size: Side of a block in pixels, in the mode "block".
        kernel: Side of the window in pixels, odd, in the mode "sliding"; no image may be smaller.
        order: "post" filters after the encryption, "pre" before it (learnable, but attacks give back the filtered
            image).
        negative_positive: "per_pixel" draws a bit for each value, "global" one for the whole image.
        shuffle: "per_pixel", "per_image" (one order for the whole image) or "none" (inversion only).
        key_policy: "ephemeral" (a key for each image, which nobody keeps), "derived" (the same image can be made again
            from its nonce), or "shared" (one key for all images).

    >>> round(Huang().key_bits((32, 32, 3)))
    5719
    """

    name: ClassVar[str] = "huang"
    title: ClassVar[str] = "Pixel-based encryption with a statistical filter (Huang et al.)"
    citation: ClassVar[str] = (
        "Huang, Yap, Chiu and Sun, IEEE Access 10, 66345-66355 (2022), doi 10.1109/ACCESS.2022.3185206"
    )
    family: ClassVar[Family] = "filtered"
    reversible: ClassVar[bool] = False
    jpeg_obstacle: ClassVar[str] = (
        "encrypted images are filtered noise in colors of their own, of which JPEG with halved color resolution loses "
        "10 dB more than of pictures"
    )
    augmentations: ClassVar[tuple[Permitted, ...]] = ("flip", "shift", "cut")
    protects: ClassVar[str] = (
        "Content at a glance and details below the size of a block, from people who look at stored images."
    )
    exposes: ClassVar[str] = (
        "Where an image is far from middle gray and where it is not, so outlines, from every single image without a "
        "key; with the maximum or minimum, a small picture of it."
    )
    readable_from: ClassVar[int | None] = 1
    known_attacks: ClassVar[tuple[str, ...]] = (
        "Ciphertext only, one image, any key: the local mean of (y - 127.5)^2 follows |v - 127.5| of the plain image, "
        "correlation 0.71 to 0.97 over all variants (design study); with the defaults it gives edges of CIFAR-10 with "
        "correlation 0.21, on noise 0.05 (attacks-pixels.json).",
        "Ciphertext only, one image: folding the values (leading-bit attack, Chang and Case, arXiv 2004.13263) shows "
        "edges of the maximum and minimum (correlation 0.3) and of a sliding median (0.4), not of the median or mean "
        "of blocks (below 0.1).",
        "With order=pre the minimum-difference attack gives back the filtered image.",
        "Lin, thesis, NCCU (2025), section 4.1, announces an attack; its text is not public.",
    )

    statistic: Literal["median", "mean", "max", "min"] = "median"
    mode: Literal["block", "sliding"] = "block"
    filter_size: int = 4
    kernel: int = 3
    order: Literal["post", "pre"] = "post"
    negative_positive: Literal["per_pixel", "global"] = "per_pixel"
    shuffle: Literal["per_pixel", "per_image", "none"] = "per_pixel"
    key_policy: KeyPolicy = "ephemeral"

    def __post_init__(self) -> None:
        super().__post_init__()
        for label, choices in _CHOICES.items():
            if getattr(self, label) not in choices:
                raise UsageError(f"{label} must be one of {', '.join(choices)}, not {getattr(self, label)!r}")
        BlockStatistic(statistic=self.statistic, block_size=self.filter_size)
        SlidingFilter(statistic=self.statistic, kernel=self.kernel)

    @property
    def sizes(self) -> str:
        """What is done to images of any size."""
        least = f" of at least {self.kernel} x {self.kernel} pixels" if self.mode == "sliding" else ""
        return f"any size{least}, which stays as it is"

    def steps(self) -> tuple[Step, ...]:
        """Return the inversion, the shuffle where switched on, the filter and the rounding, in the chosen order."""
        encryption: tuple[Step, ...] = (
            NegativePositive(scope="value" if self.negative_positive == "per_pixel" else "image"),
        )
        if self.shuffle != "none":
            encryption += (ColorShuffle(block_size=1 if self.shuffle == "per_pixel" else None),)
        smoothing: tuple[Step, ...] = (
            BlockStatistic(statistic=self.statistic, block_size=self.filter_size)
            if self.mode == "block"
            else SlidingFilter(statistic=self.statistic, kernel=self.kernel),
            Rounding(),
        )
        return encryption + smoothing if self.order == "post" else smoothing + encryption
