"""MDA+: the orders of channels that make the whole picture smooth, rather than each pixel like the one before it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Reconstruction
from pixelveil.attacks.ciphertexts.leading_bit import fold
from pixelveil.attacks.ciphertexts.minimum_difference import minimum_difference
from pixelveil.attacks.ciphertexts.single_pixels import channels_shuffled, filtered_after, leaves_pixels
from pixelveil.attacks.public_images.readings import color_readings
from pixelveil.compiled import compiled
from pixelveil.plans.threads import for_slices
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_back

__all__ = ["MinimumDifferencePlus", "color_energy", "smoothest_orders"]

Bytes = NDArray[np.uint8]
Labels = NDArray[np.uint8]

_ORDERS = np.array(list(itertools.permutations(range(3))), np.uint8)
_TRUNCATION = 60
_SWEEPS = 6
_CHUNK = 16


def color_energy(images: Bytes, *, truncation: int = _TRUNCATION) -> NDArray[np.int64]:
    """Return twice the energy of each image: ``2 sum_c min(|a_c - b_c|, t)`` over neighbors a, b plus grayness.

    The grayness of a pixel is ``|R - G| + |G - B|``.

    Args:
        images: uint8 (n, H, W, 3).
        truncation: t, in grey levels: an edge costs no more, however high it is.
    """
    values = images.astype(np.int64)
    energy = np.abs(np.diff(values, axis=3)).sum(axis=(1, 2, 3))
    for axis in (1, 2):
        energy += 2 * np.minimum(np.abs(np.diff(values, axis=axis)), truncation).sum(axis=(1, 2, 3))
    return np.asarray(energy)


def smoothest_orders(folded: Bytes, *, truncation: int = _TRUNCATION, sweeps: int = _SWEEPS) -> Bytes:
    """Return images with the channels of every pixel in the order of a low `color_energy`.

    Of the 48 labels of a pixel only the six orders are searched: ``|phi(a) - phi(b)| <= |a - b|``, so that of the
    eight inversions the folded one is never worse, in any term. Whole rows, then whole columns, take their best orders
    given their neighbors (dynamic programming), until nothing changes; from three starts, of which the best is kept:
    the orders as they are, those of the minimum-difference attack, and values sorted in each pixel. Without truncation
    sorted values have the lowest energy of all, for sorting two rows of numbers makes ``sum |a_i - b_i|`` smallest; so
    what this finds differs from them at high edges only.

    Args:
        folded: uint8 (n, H, W, 3), values 0 to 127.
        truncation: See `color_energy`.
        sweeps: How often at most.
    """
    starts = [folded, minimum_difference(folded), np.ascontiguousarray(np.sort(folded, axis=-1)[..., ::-1])]
    found = []
    for start in starts:
        result = start.copy()

        def work(part: slice, result: Bytes = result) -> None:
            for image in result[part]:
                _settle(image, truncation=truncation, sweeps=sweeps)

        for_slices(work, count=len(result), total_bytes=result.nbytes * 1024, threads=None)
        found.append(result)
    energies = np.stack([color_energy(result, truncation=truncation) for result in found])
    return np.stack([found[start][image] for image, start in enumerate(energies.argmin(axis=0))])


def _settle(image: Bytes, *, truncation: int, sweeps: int) -> None:
    """Reorder the channels of one image in place, rows and columns in turn."""
    for _ in range(sweeps):
        changed = _order_rows(image, _ORDERS, truncation)
        turned = np.ascontiguousarray(image.swapaxes(0, 1))
        changed += _order_rows(turned, _ORDERS, truncation)
        image[:] = turned.swapaxes(0, 1)
        if not changed:
            return


@compiled
def _step(values: Bytes, order: Bytes, other: Bytes, second: Bytes, truncation: int) -> np.int64:
    """Return twice the truncated difference of a pixel in one order and another in another."""
    total = np.int64(0)
    for channel in range(3):
        distance = abs(np.int64(values[order[channel]]) - np.int64(other[second[channel]]))
        total += 2 * (distance if distance < truncation else truncation)
    return total


@compiled
def _order_rows(image: Bytes, orders: Bytes, truncation: int) -> int:
    """Give every row its best orders, given the rows above and below; return how many pixels changed."""
    height, width, _ = image.shape
    straight, changed = orders[0], 0
    costs = np.empty((width, 6), np.int64)
    came_from = np.zeros((width, 6), np.uint8)
    row_before = np.empty((width, 3), np.uint8)
    for row in range(height):
        row_before[:] = image[row]
        for column in range(width):
            pixel = image[row, column]
            for label in range(6):
                order = orders[label]
                middle = np.int64(pixel[order[1]])
                cost = abs(np.int64(pixel[order[0]]) - middle) + abs(middle - np.int64(pixel[order[2]]))
                if row > 0:
                    cost += _step(pixel, order, image[row - 1, column], straight, truncation)
                if row + 1 < height:
                    cost += _step(pixel, order, image[row + 1, column], straight, truncation)
                if column > 0:
                    best, chosen = 1 << 60, 0
                    for earlier in range(6):
                        way = costs[column - 1, earlier]
                        way += _step(pixel, order, image[row, column - 1], orders[earlier], truncation)
                        if way < best:
                            best, chosen = way, earlier
                    cost += best
                    came_from[column, label] = chosen
                costs[column, label] = cost
        label = int(np.argmin(costs[width - 1]))
        for column in range(width - 1, -1, -1):
            changed += label != 0
            for channel in range(3):
                image[row, column, channel] = row_before[column, orders[label, channel]]
            label = int(came_from[column, label])
    return changed


@dataclass(frozen=True, kw_only=True)
class MinimumDifferencePlus(Attack):
    """Choose the order of channels of all pixels together: neighbors alike, colors near gray.

    A Markov random field over the picture: truncated absolute differences of four neighbors, t = 60, plus
    ``0.5 (|R - G| + |G - B|)`` for each pixel. It repairs the colors that the minimum-difference attack loses at the
    first edge; on which side of middle gray a value was it cannot tell, nor can any criterion of neighbors, and the
    eight sides are readings. Without a shuffle of channels it is the leading-bit attack.

    Source: the design study of this project ("MDA+"); that sorted values solve it but for truncation: this project.
    """

    name: ClassVar[str] = "minimum-difference-plus"
    title: ClassVar[str] = "MDA+: the smoothest orders of channels for the whole picture"
    citation: ClassVar[str] = "design study of this project; after Chang and Case, arXiv 2004.13263 (2020)"
    access: ClassVar[Access] = "ciphertexts"
    cost: ClassVar[str] = "linear in pixels; half a second an image of 224 x 224"

    def obstacle(self, scheme: Scheme) -> str:
        """Return why a scheme has no pixels to reorder; empty where it has."""
        if filtered_after(scheme):
            return "a filter mixes the inverted values; deconvolution undoes it first"
        return leaves_pixels(scheme)

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims; see `Attack.run`. When time is up, the others are sorted only."""
        self.check(evidence)
        budget = budget or Budget()
        folded, read = fold(evidence.ciphertexts[: evidence.victims]), []
        colored = evidence.shape[2] == 3 and channels_shuffled(evidence.scheme)
        for start in range(0, len(folded), _CHUNK):
            part = folded[start : start + _CHUNK]
            if colored:
                part = np.sort(part, axis=-1)[..., ::-1] if budget.spent else smoothest_orders(part)
            read.append(part)
            if advance:
                advance(start + len(part), len(folded))
        sides = color_readings(channels=evidence.shape[2], orders=False)
        images = lay_back(np.concatenate(read), shape=evidence.shape, planes=evidence.scheme.planes)
        return Reconstruction(images=images, versions=sides, per_image=True)
