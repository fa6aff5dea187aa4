"""Chosen plain images: as few as one, made so that their ciphertexts spell out the key."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Images, Pairs, Reconstruction
from pixelveil.attacks.pairs.affine_plans import KnownPlaintextAffine
from pixelveil.attacks.pairs.lane_plans import plan_from_pairs, read_with_plan
from pixelveil.attacks.pairs.position_codes import coded_images
from pixelveil.attacks.pairs.structure import lane_structure, no_shared_lanes
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_back

__all__ = ["ChosenPlaintext", "chosen_images"]

# More images average the noise of a projection away.
_PROBES = 32
# Of a map with a whitening before it, lengths are no proof, so that it takes so many times more.
_WHITE = 3
_CONTRAST, _SLOPE = 55.0, 1.5


def chosen_images(scheme: Scheme, *, shape: tuple[int, int, int], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return the images to be encrypted, uint8 (q, H, W, C), as large as those of the shape with padding.

    Lane plans: position codes. Orthogonal matrices: noise, of which any L blocks are linearly independent and no two
    of a length, so ``ceil(L / N)`` images. Projections: clouds, noise whose spectrum falls as that of photographs.

    Args:
        scheme: One that `ChosenPlaintext` applies to.
        shape: (H, W, C) of the plain images.
        generator: Draws what is random.

    >>> from pixelveil.schemes import create_scheme
    >>> [
    ...     len(chosen_images(create_scheme(name), shape=(224, 224, 3), generator=np.random.default_rng(0)))
    ...     for name in ("smkk", "tanaka-le", "madono-ele", "etc-gray", "vit-permutation", "vit-orthogonal")
    ... ]
    [1, 1, 3, 1, 1, 4]
    """
    height, width, channels = shape
    tall, wide = (-(-side // scheme.block) * scheme.block for side in (height, width))
    whole = (tall, wide, channels)
    if not no_shared_lanes(scheme):
        laid = coded_images(lane_structure(scheme, shape=shape), generator=generator)
        codes: NDArray[np.uint8] = lay_back(laid, shape=whole, planes=scheme.planes)
        return codes
    if scheme.name == "vit-orthogonal":
        side = scheme.block
        count = math.ceil(side * side * channels / (tall * wide // side**2))
        return generator.integers(256, size=(count, *whole), dtype=np.uint8)
    return _clouds(_PROBES, shape, generator)


def _clouds(count: int, shape: tuple[int, int, int], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return noise with amplitudes of ``frequency^-1.5``, colors nearly alike, uint8 (count, H, W, C)."""
    height, width, _ = shape
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    frequency[0, 0] = 1 / max(height, width)
    gray, tint = generator.normal(size=(count, height, width, 1)), generator.normal(size=(count, *shape))
    spectrum = np.fft.fft2(gray + 0.3 * tint, axes=(1, 2)) / frequency[:, :, None] ** _SLOPE
    values = np.fft.ifft2(spectrum, axes=(1, 2)).real
    values *= _CONTRAST / values.std(axis=(1, 2, 3), keepdims=True)
    return np.rint(np.clip(values + 127.5, 0, 255)).astype(np.uint8)


@dataclass(frozen=True, kw_only=True)
class ChosenPlaintext(Attack):
    """Have a few made-up images encrypted and read the key off.

    One algorithm for all lane plans: every lane of the chosen images carries a sequence of symbols that is its own in
    its block, below the middle so that a flip shows, and every block has symbols of its own; matching then gives
    source, flip and block order without doubt. Pixel keys, LE, EtC and the ViT schemes take one image, ELE three, maps
    of a block's own of 768 bytes two. An orthogonal matrix takes as many blocks as it has rows, three times as many
    where blocks were whitened first.

    Source: Chang and Case, arXiv 2004.13263 (helper images); position codes: the design study of this project.
    """

    name: ClassVar[str] = "chosen-plaintext"
    title: ClassVar[str] = "Chosen plaintext: position-coded images"
    citation: ClassVar[str] = "Chang and Case, arXiv 2004.13263 (2020); design study of this project"
    access: ClassVar[Access] = "oracle"
    cost: ClassVar[str] = "one to eight encryptions; seconds"

    def obstacle(self, scheme: Scheme) -> str:
        """Return why chosen images tell about no other; empty where they share a plan."""
        reason = no_shared_lanes(scheme)
        return KnownPlaintextAffine().obstacle(scheme) and reason if reason else ""

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims; see `Attack.run`."""
        self.check(evidence)
        assert evidence.oracle is not None  # noqa: S101 (for the type checker: check has made sure)
        generator = evidence.generator
        chosen = chosen_images(evidence.scheme, shape=evidence.shape, generator=generator)
        pairs = Pairs(plain=chosen, encrypted=evidence.oracle(chosen))
        if no_shared_lanes(evidence.scheme):
            linear = _read_affine(evidence, pairs, budget=budget, advance=advance)
            if not linear.facts.get("whitened"):
                return linear
            several = [chosen_images(evidence.scheme, shape=evidence.shape, generator=generator) for _ in range(_WHITE)]
            chosen = np.concatenate(several)
            pairs = Pairs(plain=chosen, encrypted=evidence.oracle(chosen))
            return _read_affine(evidence, pairs, budget=budget, advance=advance)
        found = plan_from_pairs(evidence.scheme, pairs, budget=budget or Budget(), advance=advance)
        images: Images = read_with_plan(found, evidence)
        facts = {"chosen": len(chosen), "explained": found.explained, "certain": found.certain}
        return Reconstruction(images=images, facts=facts)


def _read_affine(
    evidence: Evidence, pairs: Pairs, *, budget: Budget | None, advance: Callable[[int, int], None] | None
) -> Reconstruction:
    """Read the victims by a linear map, padded as the chosen images are."""
    shape = pairs.plain.shape[1:]
    held = replace(evidence, shape=shape, pairs=pairs)
    found = KnownPlaintextAffine().run(held, budget=budget, advance=advance)
    images = np.ascontiguousarray(found.images[:, : evidence.shape[0], : evidence.shape[1]])
    return Reconstruction(images=images, facts={**found.facts, "chosen": len(pairs.plain)})
