"""SKK-G: pixel-based encryption with a Gaussian filter, for images of any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pixelveil.errors import UsageError
from pixelveil.schemes.scheme import Family, KeyPolicy, Permitted, Scheme
from pixelveil.steps import ColorShuffle, GaussianFilter, GaussianNoise, NegativePositive, Rounding, Step

__all__ = ["SkkG"]


@dataclass(frozen=True, kw_only=True)
class SkkG(Scheme):
    """Encrypt pixels as SKK does, then blur each component with a Gaussian filter; any image size.

    1. For every pixel and component draw a bit; where it is 1, ``v -> 255 - v``.
    2. For every pixel draw one of six orders of its components.
    3. Blur each component: ``g_j`` proportional to ``exp(-j^2 / (2 sigma^2))``, the image mirrored beyond its edges.
    4. Add Gaussian noise, where asked for. Round.

    Each image has its own key, which nobody shares or stores, and nobody can undo the filter exactly. The thesis's text
    is not public; this is a reconstruction of its "SKK optimized scheme" from abstract and table of contents. The
    default window is the one that OpenCV gives for 3 x 3 pixels, the smallest that stops the leading-bit and
    minimum-difference attacks as published; ``kernel=5, sigma=1.1`` is stronger and costs accuracy. Encrypted values
    spread less than plain ones: standardize them for a network. Source: Lin, thesis, National Chengchi University
    (2025), section 4.2; Sirichotedumrong, Kinoshita and Kiya, IEEE Access 7 (2019).

    Args:
        kernel: Side of the window in pixels, odd; no image may be smaller. 1: no filter, only noise.
        sigma: Standard deviation of the filter in pixels.
        noise_std: Standard deviation of the noise in grey levels; 0: none.
        shuffle: "per_pixel", "per_image" (one order for the whole image) or "none" (inversion only).
        order: "post" blurs after the encryption, "pre" before it (learnable, but attacks give back the blurred image).
        key_block: Side in pixels of the blocks whose pixels share their bits and order; images are padded to them.
            1: each pixel has its own, and one bit for each component.
        key_policy: "ephemeral" (as published: keys are thrown away), "derived" (the same image can be made again from
            its nonce), or "shared" (one key for all images).

    >>> round(SkkG().key_bits((32, 32, 3)))
    5719
    """

    name: ClassVar[str] = "skk-g"
    title: ClassVar[str] = "Pixel-based encryption with a Gaussian filter (SKK optimized by Lin, reconstructed)"
    citation: ClassVar[str] = (
        "Lin, thesis, National Chengchi University (2025), nccur.lib.nccu.edu.tw/handle/140.119/157814; "
        "SKK: doi 10.1109/ACCESS.2019.2959017"
    )
    family: ClassVar[Family] = "filtered"
    reversible: ClassVar[bool] = False
    jpeg_obstacle: ClassVar[str] = (
        "encrypted images are filtered noise in colors of their own, of which JPEG with halved color resolution loses "
        "10 dB more than of pictures"
    )
    augmentations: ClassVar[tuple[Permitted, ...]] = ("flip", "shift", "cut", "mix")
    protects: ClassVar[str] = "Content at a glance, from people and from programs that fold single values."
    exposes: ClassVar[str] = (
        "Edges and much of the content of every single image, without any key, to whoever takes back the public blur "
        "first."
    )
    readable_from: ClassVar[int | None] = 1
    known_attacks: ClassVar[tuple[str, ...]] = (
        "Ciphertext only, one image, any key: the blur is public and linear; undone by a Wiener filter, folding the "
        "values shows edges again: with the defaults correlation 0.68 on CIFAR-10, on noise 0.01 "
        "(attacks-pixels.json).",
        "Ciphertext only, one image: the local mean of (y - 127.5)^2 follows |v - 127.5| of the plain image, "
        "correlation 0.9 at sigma 0.8 and 0.8 for the stronger window; noise hardly changes that (design study).",
        "With order=pre the minimum-difference attack gives back the blurred image.",
        "Several encryptions of one image, averaged as above, sharpen what they show.",
    )

    kernel: int = 3
    sigma: float = 0.8
    noise_std: float = 0.0
    shuffle: Literal["per_pixel", "per_image", "none"] = "per_pixel"
    order: Literal["post", "pre"] = "post"
    key_block: int = 1
    key_policy: KeyPolicy = "ephemeral"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.shuffle not in ("per_pixel", "per_image", "none"):
            raise UsageError(f"shuffle must be one of per_pixel, per_image, none, not {self.shuffle!r}")
        if self.order not in ("post", "pre"):
            raise UsageError(f"order must be one of post, pre, not {self.order!r}")
        if self.key_block < 1:
            raise UsageError(f"key_block must be positive, not {self.key_block}")
        GaussianFilter(kernel=self.kernel, sigma=self.sigma)
        GaussianNoise(std=self.noise_std)
        if self.kernel == 1 and not self.noise_std:
            raise UsageError(f"{self.name} with neither filter nor noise is skk", hint="use the scheme skk")

    @property
    def block(self) -> int:
        """Side in pixels that height and width must be multiples of."""
        return self.key_block

    @property
    def sizes(self) -> str:
        """What is done to images of any size."""
        least = f"any size of at least {self.kernel} x {self.kernel} pixels"
        if self.key_block == 1:
            return f"{least}, which stays as it is"
        return f"{least}; the last row and column are repeated up to multiples of {self.key_block}"

    @property
    def randomized(self) -> bool:
        """Whether there is noise, which no key decides."""
        return self.noise_std > 0

    def steps(self) -> tuple[Step, ...]:
        """Return the inversion and what is switched on of shuffle, filter and noise, in the chosen order; rounded."""
        single = self.key_block == 1
        steps: tuple[Step, ...] = (NegativePositive(scope="value" if single else "block", block_size=self.key_block),)
        if self.shuffle != "none":
            steps += (ColorShuffle(block_size=self.key_block if self.shuffle == "per_pixel" else None),)
        blur: tuple[Step, ...] = ()
        if self.kernel > 1:
            blur = (GaussianFilter(kernel=self.kernel, sigma=self.sigma),)
        if self.order == "pre" and blur:
            steps, blur = (*blur, Rounding(), *steps), ()
        noise = (GaussianNoise(std=self.noise_std),) if self.noise_std else ()
        return (*steps, *blur, *noise, Rounding()) if blur or noise else steps
