"""Deconvolution: a public linear filter is no encryption; it is undone first, then inverted pixels are attacked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Images, Reconstruction, Version
from pixelveil.attacks.ciphertexts.leading_bit import fold, folded_readings
from pixelveil.attacks.ciphertexts.minimum_difference import minimum_difference
from pixelveil.attacks.ciphertexts.single_pixels import filtered_after
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_back
from pixelveil.steps import GaussianFilter

__all__ = ["Deconvolution", "FollowedReading", "public_filter", "restored_share", "wiener"]

Floats = NDArray[np.float64]

_MIDDLE = 127.5
# Variance of inverted photographs around middle gray, in squared grey levels; inversions make it nearly white.
_SIGNAL = 0.09 * 255**2
# Rounding to whole levels.
_ROUNDING = 1 / 12
_CHUNK = 16
# Where less of the signal comes back than this, it is noisy, and is also looked at from afar.
_CLEAN = 0.95
_SMOOTHING = (1.0,)


def wiener(images: Images, *, weights: Floats, noise: float = _ROUNDING, signal: float = _SIGNAL) -> Floats:
    """Return what images most likely were before a symmetric filter down the columns and along the rows.

    ``X = H Y / (H^2 + noise / signal)`` in the discrete cosine transform of type I, in which a filter that mirrors an
    image at its edges without repeating them is exactly a product, ``H_k = g_0 + 2 sum_j g_j cos(pi j k / (N - 1))``.

    Args:
        images: (n, H, W, C), grey levels; no side shorter than the filter.
        weights: The filter (k,), symmetric, k odd.
        noise: Variance of what was added after it.
        signal: Variance of the values before it.

    Returns:
        float64 (n, H, W, C), grey levels, not clipped.

    Source: Wiener (1949); the use here: the design study of this project.

    >>> from scipy import ndimage
    >>> plain = np.random.default_rng(0).uniform(0, 255, (1, 9, 8, 1))
    >>> weights = np.array([0.2, 0.6, 0.2])
    >>> blurred = ndimage.correlate1d(plain, weights, axis=1, mode="mirror")
    >>> blurred = ndimage.correlate1d(blurred, weights, axis=2, mode="mirror")
    >>> bool(np.abs(wiener(blurred, weights=weights, noise=0) - plain).max() < 1e-9)
    True
    """
    from scipy import fft

    height, width = images.shape[1:3]
    gain = np.outer(_gains(weights, height), _gains(weights, width))[None, :, :, None]
    spectrum = fft.dctn(images.astype(np.float64) - _MIDDLE, type=1, axes=(1, 2))
    restored = fft.idctn(spectrum * gain / (gain**2 + noise / signal), type=1, axes=(1, 2))
    return np.asarray(restored + _MIDDLE)


def restored_share(
    weights: Floats, *, shape: tuple[int, int], noise: float = _ROUNDING, signal: float = _SIGNAL
) -> float:
    """Return the share of the energy of white values that `wiener` brings back, the mean of ``H^2 / (H^2 + n / s)``.

    Args:
        weights: The filter (k,).
        shape: Height and width of the images.
        noise: Variance of what was added after it.
        signal: Variance of the values before it.

    >>> round(restored_share(np.array([0.239, 0.522, 0.239]), shape=(32, 32)), 2)
    0.97
    """
    gain = np.outer(_gains(weights, shape[0]), _gains(weights, shape[1]))
    return float((gain**2 / (gain**2 + noise / signal)).mean())


def public_filter(scheme: Scheme) -> Floats | None:
    """Return the weights of the linear filter that a scheme ends with; None where it ends with no such filter."""
    wants = scheme.parameters
    if not filtered_after(scheme):
        return None
    if scheme.name == "skk-g":
        return GaussianFilter(kernel=wants["kernel"], sigma=wants["sigma"]).weights
    if wants["statistic"] == "mean" and wants["mode"] == "sliding":
        return np.full(wants["kernel"], 1 / wants["kernel"])
    return None


def _gains(weights: Floats, size: int) -> Floats:
    middle = len(weights) // 2
    steps = np.arange(1, middle + 1)
    waves = np.cos(np.pi * np.outer(np.arange(size), steps) / (size - 1))
    return np.asarray(weights[middle] + 2 * waves @ weights[middle + 1 :])


@dataclass(frozen=True, kw_only=True)
class FollowedReading:
    """The minimum-difference attack as a reading of folded images.

    Args:
        inverted: For each channel whether it lies above middle gray.
    """

    inverted: tuple[bool, ...]

    def __call__(self, images: Images, /) -> NDArray[np.uint8]:
        """Return folded images (n, H, W, C), uint8, in this reading."""
        sides = np.array([255 if bit else 0 for bit in self.inverted], np.uint8)
        return minimum_difference(images) ^ sides


@dataclass(frozen=True, kw_only=True)
class Deconvolution(Attack):
    """Undo the public filter as far as rounding and noise allow, then fold, or let pixels follow each other.

    What a linear filter does to an image is known and the same for all; only rounding stands in the way, and noise.
    Readings are those of the leading-bit and of the minimum-difference attack. Source: the design study of this
    project; Wiener (1949).
    """

    name: ClassVar[str] = "deconvolution"
    title: ClassVar[str] = "Deconvolution: undo the public filter, then attack single pixels"
    citation: ClassVar[str] = "design study of this project; after Chang and Case, arXiv 2004.13263 (2020)"
    access: ClassVar[Access] = "ciphertexts"
    cost: ClassVar[str] = "a cosine transform of each image; some milliseconds at 224 x 224"

    def obstacle(self, scheme: Scheme) -> str:
        """Return why there is no filter to undo; empty where there is."""
        if public_filter(scheme) is not None:
            return ""
        if filtered_after(scheme):
            return "its filter is not linear, or keeps one number for each block; the energy attack reads those"
        return "it ends with no filter that could be undone"

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims; see `Attack.run`. When time is up, the others are folded as they are."""
        self.check(evidence)
        budget = budget or Budget()
        weights, wants = public_filter(evidence.scheme), evidence.scheme.parameters
        assert weights is not None  # noqa: S101 (for the type checker: the check above has made sure)
        noise = _ROUNDING + wants.get("noise_std", 0.0) ** 2
        victims, read = evidence.ciphertexts[: evidence.victims], []
        for start in range(0, len(victims), _CHUNK):
            part = victims[start : start + _CHUNK]
            if not budget.spent:
                part = np.rint(np.clip(wiener(part, weights=weights, noise=noise), 0, 255)).astype(np.uint8)
            read.append(fold(part))
            if advance:
                advance(start + len(part), len(victims))
        shuffled, channels = wants["shuffle"] == "per_pixel", evidence.shape[2]
        followed = [FollowedReading(inverted=(bit,) * channels) for bit in (False, True)] if shuffled else []
        share = restored_share(weights, shape=(victims.shape[1], victims.shape[2]), noise=noise)
        smoothing = () if share > _CLEAN else _SMOOTHING
        versions: tuple[Version, ...] = (*folded_readings(shuffled=shuffled, smoothing=smoothing), *followed)
        images = lay_back(np.concatenate(read), shape=evidence.shape, planes=evidence.scheme.planes)
        return Reconstruction(images=images, versions=versions, per_image=True, facts={"restored": share})
