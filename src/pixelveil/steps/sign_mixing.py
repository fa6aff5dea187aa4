"""Sign mixing: an image becomes a weighted sum of several, and every value gets a random sign."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import ForwardPlan, Operation
from pixelveil.steps.choice import check_size, draw_distinct
from pixelveil.steps.step import ImageShape

__all__ = ["CENTER", "SignMixing", "draw_signs", "draw_weights", "sum_with_signs"]

CENTER = 127.5
"""The grey level that counts as zero."""

_LARGEST_WEIGHT = 0.65
_LEAST_PRIVATE = 0.3

# Weights drawn at once: nearly every image has one among them that is not to be redrawn.
_TRIES = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class SignMixing:
    """Return ``s * sum_i lambda_i (x_i - 127.5)`` with random signs, weights and partners, all fresh for each image.

    Source: Huang, Song, Li and Arora, ICML (2020), section 3.

    Args:
        mixed: Images in a sum, k: the image itself and ``k - 1`` partners.
        public: How many of them come from public images; where there are such, the weights of the others sum to at
            least 0.3.
        pool: uint8 (n, H, W, C): private images, of which ``mixed - public - 1`` are partners; None where only facts
            are asked for.
        public_pool: uint8 (m, H, W, C); None where ``public`` is 0.
    """

    mixed: int
    public: int = 0
    pool: NDArray[Any] | None = field(default=None, repr=False)
    public_pool: NDArray[Any] | None = field(default=None, repr=False)
    name: str = "sign-mixing"

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> ForwardPlan:
        """Return the plan; see `Step.plan`.

        Raises:
            UsageError: There is no pool, or the images have another size than its images.
        """
        if self.pool is None:
            raise UsageError("mixing images needs a pool of them")
        self.output_shape(shape)
        private = self.mixed - self.public
        sources = [
            (self.pool, draw_distinct(material, role=f"{role}/private", count=private - 1, bound=len(self.pool)))
        ]
        if self.public_pool is not None:
            number = len(self.public_pool)
            drawn = draw_distinct(material, role=f"{role}/public", count=self.public, bound=number)
            sources.append((self.public_pool, drawn))
        weights = draw_weights(material, role=f"{role}/weights", mixed=self.mixed, private=private)
        signs = draw_signs(material, role=f"{role}/signs", shape=shape)

        def mix(images: NDArray[Any]) -> NDArray[np.float32]:
            partners = (pool[one] for pool, chosen in sources for one in chosen.T)
            return sum_with_signs(images, partners=partners, weights=weights, signs=signs)

        return ForwardPlan(parts=(Operation(self.name, mix, count=material.count),))

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return the number of signs: a key that is used once, and nobody keeps."""
        height, width, channels = shape
        return float(height * width * channels)

    def output_shape(self, shape: ImageShape) -> ImageShape:
        """Return the shape itself.

        Raises:
            UsageError: It is not that of the pool.
        """
        check_size(shape, pool=self.pool)
        return shape


def draw_weights(material: KeyMaterial, *, role: str, mixed: int, private: int) -> NDArray[np.float64]:
    """Draw weights: absolute standard normal numbers over their sum, drawn again while one is above 0.65.

    Where some images are public, weights are drawn again too while the private ones sum to less than 0.3.

    Args:
        material: Where the streams come from.
        role: Label of the streams; round r of draws reads that of role ``role/r``.
        mixed: Weights per image, k.
        private: How many of them, the first, are for private images.

    Returns:
        float64 (n, k); each row sums to one.
    """
    weights = np.empty((material.count, mixed))
    missing, turn = np.arange(material.count), 0
    while len(missing):
        drawn = np.abs(material.stream(f"{role}/{turn}").gaussians(_TRIES * mixed)).reshape(-1, _TRIES, mixed)[missing]
        drawn /= drawn.sum(axis=2, keepdims=True)
        fits = drawn.max(axis=2) <= _LARGEST_WEIGHT
        if private < mixed:
            fits &= drawn[:, :, :private].sum(axis=2) >= _LEAST_PRIVATE
        found = fits.any(axis=1)
        weights[missing[found]] = drawn[found, fits[found].argmax(axis=1)]
        missing, turn = missing[~found], turn + 1
    return weights


def draw_signs(material: KeyMaterial, *, role: str, shape: ImageShape) -> NDArray[np.bool_]:
    """Draw a fair bit for each value of each image; True negates it. bool (n, H, W, C)."""
    height, width, channels = shape
    bits = material.stream(role).bits(height * width * channels)
    return bits.astype(bool).reshape(-1, *shape)


def sum_with_signs(
    images: NDArray[Any],
    *,
    partners: Iterable[NDArray[Any]],
    weights: NDArray[np.float64],
    signs: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Return weighted sums of centered grey levels, with signs.

    Args:
        images: (n, H, W, C), grey levels.
        partners: The k - 1 batches of partners, each (n, H, W, C).
        weights: (n, k).
        signs: bool (n, H, W, C); True negates.

    Returns:
        float32 (n, H, W, C), -127.5 to 127.5.

    >>> one, other = np.full((1, 1, 1, 1), 255, np.uint8), np.zeros((1, 1, 1, 1), np.uint8)
    >>> float(sum_with_signs(one, partners=[other], weights=np.array([[0.6, 0.4]]), signs=one > 0)[0, 0, 0, 0])
    -25.5
    """
    total = np.zeros(images.shape)
    for batch, weight in zip((images, *partners), weights.T, strict=True):
        total += weight[:, None, None, None] * (batch - CENTER)
    np.negative(total, out=total, where=signs)
    return total.astype(np.float32)
