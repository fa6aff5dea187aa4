"""Measures of reconstructions that need a file of the user's: LPIPS, and what a classifier of plain images sees."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from pixelveil.attacks.attack import Images
from pixelveil.attacks.games.plain_recognizer import train_on_public
from pixelveil.attacks.intervals import Interval, of_mean, of_share
from pixelveil.attacks.measures import class_agreement, load_lpips
from pixelveil.attacks.measures.perceptual import Distance
from pixelveil.attacks.measures.recognition import Classify
from pixelveil.audit.images import AuditImages
from pixelveil.errors import UsageError

__all__ = ["ExtraMeasure", "extra_figures", "lpips_measure", "public_recognition", "recognition_measure"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ExtraMeasure:
    """A measure beside those of every audit; it decides no verdict.

    Args:
        name: Of the cell's field.
        measure: Takes reconstructions and originals, uint8 (n, H, W, C), and gives (n,).
        digest: SHA-256 of the file that decides its values.
        counted: Whether values are 0 or 1, and the figure their share.
    """

    name: Literal["lpips", "recognition"]
    measure: Distance = field(repr=False)
    digest: str
    counted: bool = False

    def figure(self, images: Images, plain: Images) -> Interval:
        """Return the mean over the victims with its interval.

        Args:
            images: uint8 (n, H, W, C), reconstructions.
            plain: uint8 (n, H, W, C), the originals.
        """
        values = self.measure(images, plain)
        if self.counted:
            return of_share(int(values.sum()), len(values))
        return of_mean(values) if len(values) > 1 else Interval(float(values[0]), -np.inf, np.inf)


def lpips_measure(weights: Path) -> ExtraMeasure:
    """Return LPIPS; see `load_lpips`.

    Args:
        weights: File of AlexNet's weights.

    Raises:
        MissingExtraError: The package lpips is not installed.
        UsageError: There are no such weights.
    """
    return ExtraMeasure(name="lpips", measure=load_lpips(weights), digest=_digest(weights))


def recognition_measure(classify: Classify, *, checkpoint: Path) -> ExtraMeasure:
    """Return how often a classifier sees in a reconstruction what it sees in the original; see `class_agreement`.

    Args:
        classify: Trained on plain images.
        checkpoint: The file that it comes from.
    """
    return ExtraMeasure(
        name="recognition",
        measure=lambda images, plain: class_agreement(images, plain, classify=classify),
        digest=_digest(checkpoint),
        counted=True,
    )


def public_recognition(images: AuditImages) -> ExtraMeasure:
    """Return the same for a classifier that is trained on the attacker's labeled public images; see `train_on_public`.

    Args:
        images: Of the audit.

    Raises:
        UsageError: They have no labels, or too few.
    """
    if images.public_labels is None:
        raise UsageError("a classifier needs labels", hint="give images in one folder for each class")
    classify, _ = train_on_public(images.public, images.public_labels)
    taught = hashlib.sha256(images.digest.encode() + images.public_labels.astype("<i8").tobytes())
    return ExtraMeasure(
        name="recognition",
        measure=lambda found, plain: class_agreement(found, plain, classify=classify),
        digest=taught.hexdigest(),
        counted=True,
    )


def extra_figures(extra: Sequence[ExtraMeasure], *, found: Images, noise: Images, plain: Images) -> dict[str, Interval]:
    """Return the figures of a cell by name, each with that of its control.

    Args:
        extra: Measures.
        found: uint8 (n, H, W, C), what an attack made of the victims.
        noise: uint8 (n, H, W, C), what it made of noise.
        plain: uint8 (n, H, W, C), the victims.
    """
    figures: dict[str, Interval] = {}
    for one in extra:
        figures[one.name] = one.figure(found, plain)
        figures[f"{one.name}_control"] = one.figure(noise, plain)
    return figures


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
