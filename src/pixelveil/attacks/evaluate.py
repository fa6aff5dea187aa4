"""Scores of a reconstruction: the best of its ambiguous readings, measured against the victims' plain images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Images, Reconstruction, Version
from pixelveil.attacks.measures import edge_correlation, mutual_information, psnr, ranks, ssim
from pixelveil.errors import UsageError

__all__ = ["MEASURES", "Scores", "best_reading", "higher", "score", "score_others"]

MEASURES = {"ssim": ssim, "edges": edge_correlation, "information": mutual_information, "psnr": psnr}
"""What is measured of every reconstruction."""

# A reading that holds for all victims is chosen on so many of them: more would change nothing but the time.
_CHOSEN_ON = 64
# Of many readings, so many are compared in full: those that are most alike in small, on fewer victims.
_FINALISTS = 6
_SHORTLISTED_ON = 16
_SMALL = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """What a reconstruction is worth.

    Args:
        measures: Figures of each victim (n,), by measure.
        images: uint8 (n, H, W, C), in the reading that was scored.
        ranks: For each victim, how many gallery images are nearer than its original; None without a gallery.
        gallery: Number of gallery images.
    """

    measures: Mapping[str, NDArray[np.float64]]
    images: Images = field(repr=False)
    ranks: NDArray[np.intp] | None = field(default=None, repr=False)
    gallery: int = 0

    @property
    def count(self) -> int:
        """Number of victims."""
        return len(self.images)

    def mean(self, measure: str) -> float:
        """Return the mean of a measure over all victims."""
        return float(np.mean(self.measures[measure]))


def score(reconstruction: Reconstruction, plain: Images, *, gallery: Images | None = None) -> Scores:
    """Score a reconstruction, in its best reading.

    The reading is chosen with the originals at hand, which no attacker has: it must be chosen in the same way for
    the control.

    Args:
        reconstruction: Of the victims.
        plain: uint8 (n, H, W, C), their originals.
        gallery: uint8 (K, H, W, C), among which they are to be recognized, the originals first; None: not asked.

    Raises:
        UsageError: The shapes differ.
    """
    images = best_reading(reconstruction, plain)
    return Scores(
        measures={name: measure(images, plain) for name, measure in MEASURES.items()},
        images=images,
        ranks=None if gallery is None else ranks(images, gallery),
        gallery=0 if gallery is None else len(gallery),
    )


def score_others(reconstruction: Reconstruction, plain: Images) -> Scores:
    """Score each reconstruction against the next victim, in the reading that suits those best: a leak is of one image.

    Args:
        reconstruction: Of the victims.
        plain: uint8 (n, H, W, C), their originals.
    """
    return score(reconstruction, np.roll(plain, 1, axis=0))


def higher(noise: Scores, others: Scores) -> Scores:
    """Return for each measure the control with the larger mean; images and ranks are those of noise.

    Any two natural images have more in common than noise has with either, so that neither control does alone.

    Args:
        noise: Of the same attack on noise.
        others: Of the attack, scored against other images than those that it reads.
    """
    measures = {
        name: max((values, others.measures[name]), key=lambda one: float(np.mean(one)))
        for name, values in noise.measures.items()
    }
    return replace(noise, measures=measures)


def best_reading(reconstruction: Reconstruction, plain: Images) -> Images:
    """Return the reconstruction in the reading that is most like the originals, by SSIM plus edge correlation.

    Args:
        reconstruction: With its versions.
        plain: uint8 (n, H, W, C).
    """
    images, versions = reconstruction.images, reconstruction.versions
    if images.shape != plain.shape:
        raise UsageError(f"reconstructions of {images.shape} are none of images of {plain.shape}")
    if not versions:
        return images
    if reconstruction.per_image:
        return _best_of_each(images, versions, plain)
    few, truth = images[:_SHORTLISTED_ON], _small(plain[:_SHORTLISTED_ON])
    likeness = [float(_likeness(_small(version(few)), truth).mean()) for version in versions]
    finalists = [versions[place] for place in np.argsort(-np.array(likeness), kind="stable")[:_FINALISTS]]
    few, truth = images[:_CHOSEN_ON], plain[:_CHOSEN_ON]
    best: Version = max(finalists, key=lambda version: float(_likeness(version(few), truth).mean()))
    return best(images)


def _best_of_each(images: Images, versions: Sequence[Version], plain: Images) -> Images:
    """Return each image in the reading that is most like its original."""
    truth = _small(plain)
    likeness = np.stack([_likeness(_small(version(images)), truth) for version in versions])
    finalists = np.argsort(-likeness, axis=0, kind="stable")[:_FINALISTS]
    readings = np.stack([_read(images, versions, chosen) for chosen in finalists])
    best = np.stack([_likeness(reading, plain) for reading in readings]).argmax(axis=0)
    chosen: Images = readings[best, np.arange(len(images))]
    return chosen


def _read(images: Images, versions: Sequence[Version], chosen: NDArray[np.intp]) -> Images:
    """Return each image in its own reading, one of ``versions``."""
    result = np.empty_like(images)
    for place in np.unique(chosen):
        mine = chosen == place
        result[mine] = versions[place](images[mine])
    return result


def _small(images: Images) -> Images:
    """Return means of squares, so many pixels a side that the shorter side of the images keeps 16 or more."""
    factor = min(images.shape[1:3]) // _SMALL
    if factor < 2:
        return images
    count, height, width, channels = images.shape
    rows, columns = height // factor, width // factor
    whole = images[:, : rows * factor, : columns * factor]
    squares = whole.reshape(count, rows, factor, columns, factor, channels)
    means: Images = np.rint(squares.mean(axis=(2, 4), dtype=np.float32)).astype(np.uint8)
    return means


def _likeness(images: Images, plain: Images) -> NDArray[np.float64]:
    return np.asarray(ssim(images, plain) + edge_correlation(images, plain))
