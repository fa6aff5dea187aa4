"""Minimum-difference attack: every pixel takes the inversions and the color order nearest to the pixel before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Images, Reconstruction
from pixelveil.attacks.ciphertexts.leading_bit import fold
from pixelveil.attacks.ciphertexts.single_pixels import channels_shuffled, filtered_after, leaves_pixels
from pixelveil.attacks.public_images.readings import color_readings
from pixelveil.compiled import compiled
from pixelveil.plans.threads import for_slices
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_back

__all__ = ["MinimumDifference", "minimum_difference", "ordered_by_difference"]

Bytes = NDArray[np.uint8]

# Images between two calls of ``advance``.
_CHUNK = 64


def minimum_difference(images: Bytes, *, seeds: Bytes | None = None, shuffled: bool = True) -> Bytes:
    """Return images in which every pixel is as near as it can be to the one above it; in the first row, left of it.

    Of the 6 color orders and 8 inversions of a pixel y the one with the smallest ``sum_c |y'_c - p_c|`` is taken, p
    being the pixel before; of equal ones the last order, orders counted as 012, 021, 102, 120, 201, 210.

    ``(255 - x - p)^2 - (x - p)^2 = (255 - 2x)(255 - 2p)``: of x and 255 - x the one on p's side of middle gray is
    nearer. So every value of a channel ends on the side of that channel's seed, and what is left to choose is the
    order, by folded values, ``sum_c |phi(y_pi(c)) - phi(p_c)|``: nine differences a pixel instead of 144.

    Args:
        images: uint8 (n, H, W, C).
        seeds: uint8 (n, C), the first pixel of each; None: the encrypted one.
        shuffled: Whether channels may have changed places; of other than three channels they have not.

    Source: Chang and Case, arXiv 2004.13263 (advanced attack, "different keys"), and their code; the theorem: the
    design study of this project.

    >>> dark, bright = [[[[10, 20, 30], [246, 30, 21]]]], [[[[245, 20, 30], [246, 30, 21]]]]
    >>> minimum_difference(np.array(dark, np.uint8))[0, 0, 1].tolist()
    [9, 21, 30]
    >>> minimum_difference(np.array(bright, np.uint8))[0, 0, 1].tolist()
    [246, 21, 30]
    """
    first = images[:, 0, 0] if seeds is None else seeds
    folded = fold(images)
    folded[:, 0, 0] = fold(first)
    if shuffled and images.shape[3] == 3:
        folded = ordered_by_difference(folded)
    sides = np.where(first > 127, np.uint8(255), np.uint8(0))
    return np.asarray(folded ^ sides[:, None, None, :])


def ordered_by_difference(folded: Bytes) -> Bytes:
    """Return images whose channels are in the order nearest to the pixel before; the first pixel stays.

    Args:
        folded: uint8 (n, H, W, 3), values 0 to 127.
    """
    source = np.ascontiguousarray(folded)
    result = np.empty_like(source)

    def work(part: slice) -> None:
        _order_pixels(source[part], result[part])

    # A pixel costs some tens of steps: threads pay from far fewer bytes than where bytes are only moved.
    for_slices(work, count=len(source), total_bytes=source.nbytes * 16, threads=None)
    return result


@compiled
def _order_pixels(images: Bytes, result: Bytes) -> None:
    count, height, width, _ = images.shape
    for image in range(count):
        values, out = images[image], result[image]
        for row in range(height):
            for column in range(width):
                x, y, z = (
                    np.int32(values[row, column, 0]),
                    np.int32(values[row, column, 1]),
                    np.int32(values[row, column, 2]),
                )
                if row == 0 and column == 0:
                    out[0, 0, 0], out[0, 0, 1], out[0, 0, 2] = x, y, z
                    continue
                before = out[row - 1, column] if row else out[row, column - 1]
                p, q, r = np.int32(before[0]), np.int32(before[1]), np.int32(before[2])
                xp, xq, xr = abs(x - p), abs(x - q), abs(x - r)
                yp, yq, yr = abs(y - p), abs(y - q), abs(y - r)
                zp, zq, zr = abs(z - p), abs(z - q), abs(z - r)
                best, a, b, c = xp + yq + zr, x, y, z
                cost = xp + zq + yr
                if cost <= best:
                    best, a, b, c = cost, x, z, y
                cost = yp + xq + zr
                if cost <= best:
                    best, a, b, c = cost, y, x, z
                cost = yp + zq + xr
                if cost <= best:
                    best, a, b, c = cost, y, z, x
                cost = zp + xq + yr
                if cost <= best:
                    best, a, b, c = cost, z, x, y
                cost = zp + yq + xr
                if cost <= best:
                    best, a, b, c = cost, z, y, x
                out[row, column, 0], out[row, column, 1], out[row, column, 2] = a, b, c


@dataclass(frozen=True, kw_only=True)
class MinimumDifference(Attack):
    """Start with the first pixel as it is encrypted and let every other pixel follow the one before it.

    Which side of middle gray the first pixel was on is not known, and all pixels end up on its side: the eight sides
    are the readings, whichever is best for each image. The attack never crosses middle gray, so that what it adds to
    the leading-bit attack is the order of channels alone; that a scheme withstands it says little.

    Source: Chang and Case, arXiv 2004.13263 (advanced attack).
    """

    name: ClassVar[str] = "minimum-difference"
    title: ClassVar[str] = "Minimum-difference attack: every pixel follows the one before it"
    citation: ClassVar[str] = "Chang and Case, arXiv 2004.13263 (2020)"
    access: ClassVar[Access] = "ciphertexts"
    cost: ClassVar[str] = "linear in pixels; a millisecond an image of 224 x 224"

    def obstacle(self, scheme: Scheme) -> str:
        """Return why a scheme has no pixels that follow each other; empty where it has."""
        if filtered_after(scheme):
            return "a filter mixes the inverted values; deconvolution undoes it first and then does this"
        return leaves_pixels(scheme)

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims; see `Attack.run`. When time is up, the others are folded only."""
        self.check(evidence)
        budget = budget or Budget()
        victims: Images = evidence.ciphertexts[: evidence.victims]
        shuffled, read = channels_shuffled(evidence.scheme), []
        for start in range(0, len(victims), _CHUNK):
            part = victims[start : start + _CHUNK]
            read.append(fold(part) if budget.spent else minimum_difference(fold(part), shuffled=shuffled))
            if advance:
                advance(start + len(part), len(victims))
        sides = color_readings(channels=evidence.shape[2], orders=False)
        images = lay_back(np.concatenate(read), shape=evidence.shape, planes=evidence.scheme.planes)
        return Reconstruction(images=images, versions=sides, per_image=True)
