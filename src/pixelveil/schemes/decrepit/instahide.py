"""InstaHide, which was broken: several images are mixed, and every value gets a random sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.schemes.asset import Asset, AssetKind
from pixelveil.schemes.pool import PRIVATE, PUBLIC, check_pool, make_pool
from pixelveil.schemes.scheme import Family, KeyPolicy, Scheme
from pixelveil.steps import Step
from pixelveil.steps.choice import draw_distinct
from pixelveil.steps.sign_mixing import SignMixing, draw_signs, draw_weights, sum_with_signs

__all__ = ["InstaHide", "mix"]

# With more images, weights that fit would be too rare to wait for.
_MOST_MIXED = 8


@dataclass(frozen=True, kw_only=True)
class InstaHide(Scheme):
    """Mix k images with random weights and give every value a random sign, ``s * sum_i lambda_i (x_i - 127.5)``.

    1. Take k - 1 partners from the pool, at random, for each image anew.
    2. Draw k weights: absolute standard normal numbers over their sum, again while one is above 0.65.
    3. Add up the images with these weights, then multiply each value by -1 or 1 at random.

    Broken: ``|y|`` undoes 3, and Carlini et al. recover the images from what remains. Use it to compare, never to
    protect. Results are floats in grey levels around zero, -127.5 to 127.5; over 127.5 they are in the -1 to 1 of the
    paper, which subtracts means of the data set first. Labels mix with the same weights: `mix` does both for a training
    set; in a folder an image keeps its own label, as partners come from a pool without labels. An image that is in
    the pool may be its own partner.

    Source: Huang, Song, Li and Arora, ICML (2020): k = 4 inside one data set; k = 6 with two private and four public
    images, where the two private weights sum to at least 0.3 (``mixed=6, public=4``; `InstaHide.pool` makes that pool).

    Args:
        mixed: Images in a sum, k, 2 to 8.
        public: How many of them are public, less than ``mixed``.

    Raises:
        UsageError: Numbers beyond these bounds.

    >>> InstaHide().key_bits((32, 32, 3))
    3072.0
    """

    name: ClassVar[str] = "instahide"
    title: ClassVar[str] = "InstaHide (broken): images mixed, every value with a random sign"
    citation: ClassVar[str] = "Huang, Song, Li and Arora, ICML (2020), arXiv 2010.02772"
    family: ClassVar[Family] = "decrepit"
    policies: ClassVar[tuple[KeyPolicy, ...]] = ("none",)
    output_dtype: ClassVar[Literal["uint8", "float32"]] = "float32"
    reversible: ClassVar[bool] = False
    jpeg_obstacle: ClassVar[str] = "every value has a sign of its own, which JPEG does not keep"
    protects: ClassVar[str] = "Nothing that matters: it was broken in public."
    exposes: ClassVar[str] = (
        "Each mixture, by taking absolute values; from many encodings the images themselves; and the pool is a file of "
        "plain images."
    )
    readable_from: ClassVar[int | None] = 5_000
    known_attacks: ClassVar[tuple[str, ...]] = (
        "|y| removes the signs and shows the folded mixture, where the largest image is often seen.",
        "Carlini et al., IEEE S&P (2021), arXiv 2011.05315: cluster encodings that share an image, solve for the "
        "images; on the authors' challenge (100 images, 5,000 encodings) largest SSIM 0.90 within hours.",
        "The challenge set was made with a generator that could be guessed: largest SSIM 0.98.",
    )
    asset_kinds: ClassVar[tuple[AssetKind, ...]] = ("pool",)
    needs_asset: ClassVar[bool] = True

    mixed: int = 4
    public: int = 0
    key_policy: KeyPolicy = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_mixed(self.mixed)
        if self.public >= self.mixed:
            raise UsageError(f"{self.name}: public must be below mixed {self.mixed}, not {self.public}")

    @property
    def sizes(self) -> str:
        """What is done to images of any size."""
        return "the size of the pool's images, which stays as it is; others are refused"

    @property
    def randomized(self) -> bool:
        """True: every encryption draws anew."""
        return True

    @classmethod
    def fit(cls, images: NDArray[Any], *, settings: Mapping[str, Any]) -> Asset:
        """Return a pool of these images; see `Scheme.fit`.

        Raises:
            UsageError: Too few images; or public ones are to be mixed in, which one folder does not tell.
        """
        if settings["public"]:
            raise UsageError(
                f"{cls.name}: one folder does not tell public images from private ones",
                hint="make this pool in Python: InstaHide.pool(private, public=...)",
            )
        return make_pool(images, scheme=cls.name, least=settings["mixed"] - 1)

    @classmethod
    def pool(cls, private: NDArray[Any], *, public: NDArray[Any]) -> Asset:
        """Return a pool of private and public images, for mixing across data sets.

        Args:
            private: uint8 (n, H, W, C).
            public: uint8 (m, H, W, C).

        Raises:
            UsageError: These are no such images.
        """
        return make_pool(private, scheme=cls.name, least=1, public=public)

    def bind(self, asset: Asset) -> Self:
        """Return the scheme with its pool; see `Scheme.bind`.

        Raises:
            IntegrityError: The asset holds something else than images.
            UsageError: It holds too few, or no public ones where they are mixed in.
        """
        bound = super().bind(asset)
        check_pool(asset, least=self.mixed - self.public - 1, public=self.public)
        return bound

    def steps(self) -> tuple[Step, ...]:
        """Return the mixing with signs."""
        pool = public = None
        if self.bound is not None:
            pool, public = self.arrays[PRIVATE], self.arrays[PUBLIC] if self.public else None
        return (SignMixing(mixed=self.mixed, public=self.public, pool=pool, public_pool=public),)


def mix(
    images: NDArray[Any], *, labels: NDArray[np.int64], classes: int, mixed: int = 4
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mix the images of a training set with one another, and their labels with the same weights.

    Args:
        images: uint8 (n, H, W, C), more than ``mixed - 1``.
        labels: int64 (n,), 0 to ``classes - 1``.
        classes: How many there are.
        mixed: Images in a sum, 2 to 8.

    Returns:
        Images float32 (n, H, W, C), -127.5 to 127.5; labels float32 (n, classes), rows that sum to one.

    Raises:
        UsageError: Lengths, labels or numbers that do not fit.

    >>> made, soft = mix(np.zeros((5, 8, 8, 3), np.uint8), labels=np.arange(5), classes=5)
    >>> made.shape, soft.shape, bool(np.allclose(soft.sum(axis=1), 1))
    ((5, 8, 8, 3), (5, 5), True)
    """
    _check_mixed(mixed)
    count = len(images)
    if count < mixed:
        raise UsageError(f"mixing {mixed} images takes at least {mixed}, not {count}")
    if labels.shape != (count,) or labels.min() < 0 or labels.max() >= classes:
        raise UsageError(f"labels must be {count} numbers from 0 to {classes - 1}")
    material, itself = KeyMaterial.ephemeral(count), np.arange(count)[:, None]
    partners = draw_distinct(material, role="partners", count=mixed - 1, bound=count - 1)
    partners += partners >= itself  # all but the image itself
    weights = draw_weights(material, role="weights", mixed=mixed, private=mixed)
    height, width, channels = images.shape[1:]
    made = sum_with_signs(
        images,
        partners=(images[one] for one in partners.T),
        weights=weights,
        signs=draw_signs(material, role="signs", shape=(height, width, channels)),
    )
    hard = np.eye(classes)[labels[np.concatenate([itself, partners], axis=1)]]
    return made, np.einsum("nk,nkc->nc", weights, hard).astype(np.float32)


def _check_mixed(mixed: int) -> None:
    if not 2 <= mixed <= _MOST_MIXED:
        raise UsageError(f"instahide: mixed must be 2 to {_MOST_MIXED}, not {mixed}")
