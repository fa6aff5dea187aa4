"""Brute force: how many keys there are, how many an attacker has to try, and the trial of all small seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Images, Pairs, Reconstruction
from pixelveil.attacks.public_images.readings import roughness
from pixelveil.errors import UsageError
from pixelveil.plans import LanePlan
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_back, lay_out
from pixelveil.schemes.legacy import LEGACY_PLANS
from pixelveil.schemes.legacy.arrays import LegacyArrays
from pixelveil.schemes.legacy.material import legacy_bits
from pixelveil.schemes.legacy.seeds import RECIPES, Generator, SeededScheme, draw

__all__ = ["BruteForce", "Found", "KeySpace", "key_space", "search_seeds", "seeded_plan"]

# Bits of the key that all key streams of this package follow from.
_KEY_BITS = 256.0
_SHOWN_EVERY = 256
# A wrong key's image is as rough as noise, give or take; the right one's is smoother by tens of standard deviations.
_FOUND_ABOVE = 6.0
_GRAY = 128


@dataclass(frozen=True, kw_only=True)
class KeySpace:
    """How many keys there are. Neither number tells what an attack costs that needs no key.

    Args:
        nominal: Bits of all the plans that a scheme could draw.
        effective: Bits of what they are drawn from: a seed, or a key of 256 bits.
    """

    nominal: float
    effective: float

    def years(self, *, rate: float) -> float:
        """Return how long half of all keys take at a rate per second."""
        return float(2.0 ** min(self.effective - 1, 1000) / rate / 31_557_600)


def key_space(scheme: Scheme, *, shape: tuple[int, int, int]) -> KeySpace:
    """Return the key space of a scheme.

    Args:
        scheme: Bound to its asset, where another program's seed stands for a key.
        shape: (H, W, C) of the plain images.

    >>> from pixelveil.schemes import create_scheme
    >>> space = key_space(create_scheme("tanaka-le"), shape=(32, 32, 3))
    >>> round(space.nominal), space.effective
    (594, 256.0)
    """
    nominal, known = scheme.key_bits(shape), _KEY_BITS
    if scheme.legacy and scheme.bound is not None:
        known = legacy_bits(scheme.bound) or nominal
    return KeySpace(nominal=nominal, effective=min(nominal, known))


def seeded_plan(scheme: Scheme, *, generator: Generator, seed: int, shape: tuple[int, int, int]) -> LanePlan:
    """Return what a scheme does to images if a public program drew its key from a seed.

    Args:
        scheme: With its parameters.
        generator: Of which library the random numbers are.
        seed: The seed.
        shape: (H, W, C) of the laid-out images.

    Raises:
        UsageError: No public program draws this scheme so.
    """
    parameters = scheme.parameters
    asked = SeededScheme(seed=seed, generator=generator, shape=shape, block=scheme.block, parameters=parameters)
    arrays, _ = draw(scheme.name, asked=asked)
    material = LegacyArrays(arrays=arrays, parameters=parameters, channel_bug=False, shape=shape, block=scheme.block)
    return LEGACY_PLANS[scheme.name](material)


@dataclass(frozen=True, kw_only=True)
class Found:
    """The end of a search.

    Args:
        generator: Of the best seed.
        seed: The seed.
        margin: By how many standard deviations its image is smoother than those of the others; infinite where a known
            pair proves it.
        tried: How many seeds were tried.
    """

    generator: Generator
    seed: int
    margin: float
    tried: int

    @property
    def certain(self) -> bool:
        """Whether it is the key, not the best of many wrong ones."""
        return self.margin > _FOUND_ABOVE


def search_seeds(
    scheme: Scheme,
    encrypted: Images,
    *,
    generators: tuple[Generator, ...],
    bits: int,
    pairs: Pairs | None = None,
    budget: Budget | None = None,
    advance: Callable[[int, int], None] | None = None,
) -> Found:
    """Try seeds from 0 on, of all generators in turn, until one is beyond doubt.

    Args:
        scheme: With its parameters.
        encrypted: uint8 (n, H', W', C'); the first image is decrypted under every seed, and the smoothest result wins.
        generators: Which libraries the program may have used.
        bits: How many bits of seed to try with each.
        pairs: A known plain image with its ciphertext ends the search when a seed explains it.
        budget: When it is spent the best so far is returned.
        advance: Called with how many seeds are done and of all.
    """
    budget, count = budget or Budget(), len(generators) << bits
    shape, probe = encrypted.shape[1:], encrypted[:1]
    known = None
    if pairs is not None:
        known = lay_out(pairs.plain[:1], block=scheme.block, planes=scheme.planes), pairs.encrypted[:1]
    scores: list[float] = []
    best, chosen = np.inf, (generators[0], 0)
    tried = 0
    for seed, generator in _candidates(generators, bits):
        if tried % _SHOWN_EVERY == 0:
            if tried and (budget.spent or _margin(scores) > _FOUND_ABOVE):
                break
            if advance:
                advance(tried, count)
        plan = seeded_plan(scheme, generator=generator, seed=seed, shape=shape)
        if known is not None:
            if np.array_equal(plan.apply(known[0], threads=1), known[1]):
                return Found(generator=generator, seed=seed, margin=np.inf, tried=tried + 1)
            tried += 1
            continue
        tried += 1
        scores.append(roughness(plan.invert().apply(probe, threads=1)))
        if scores[-1] < best:
            best, chosen = scores[-1], (generator, seed)
    if advance:
        advance(count, count)
    return Found(generator=chosen[0], seed=chosen[1], margin=_margin(scores), tried=tried)


def _margin(scores: list[float]) -> float:
    """Return by how many standard deviations of the others the lowest score lies below their mean."""
    lowest, *others = np.sort(scores) if scores else [0.0]
    spread = float(np.std(others)) if len(others) > 1 else 0.0
    return (float(np.mean(others)) - float(lowest)) / spread if spread else 0.0


def _candidates(generators: tuple[Generator, ...], bits: int) -> Iterator[tuple[int, Generator]]:
    return ((seed, generator) for seed in range(1 << bits) for generator in generators)


@dataclass(frozen=True, kw_only=True)
class BruteForce(Attack):
    """Try every small seed of the random numbers that public programs draw keys with.

    Key spaces of thousands of bits mean nothing where all of a key follows from a seed: published code seeds NumPy or
    Python with small integers. Images under each seed are decrypted and the smoothest is taken; with a known pair the
    search stops at the seed that explains it. On keys of this package, 256 bits from the operating system, it finds
    nothing, and gives gray pictures: the best of many wrong keys is no reading.

    Source: the design study of this project; Carlini et al., arXiv 2011.05315 (seeds of InstaHide's challenge).

    Args:
        bits: How many bits of seed to try with each generator, 16 by default: a minute.
    """

    name: ClassVar[str] = "brute-force"
    title: ClassVar[str] = "Brute force: all small seeds of public programs"
    citation: ClassVar[str] = "design study of this project; Carlini et al., arXiv 2011.05315 (2021)"
    access: ClassVar[Access] = "ciphertexts"
    cost: ClassVar[str] = "linear in seeds; some thousand a second and core for images of 32 x 32"

    bits: int = 16

    def obstacle(self, scheme: Scheme) -> str:
        """Return why no seed can stand for the key; empty where public programs draw it from one."""
        if scheme.key_policy != "shared":
            return "every image has a key of its own, which no public program draws from a seed for all"
        return "" if _generators(scheme) else "no public program is known that draws its key from a seed"

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims under the seed that is found, if any is; see `Attack.run`. The facts say so."""
        self.check(evidence)
        scheme, encrypted = evidence.scheme, evidence.ciphertexts[: evidence.victims]
        found = search_seeds(
            scheme,
            encrypted,
            generators=_generators(scheme),
            bits=self.bits,
            pairs=evidence.pairs,
            budget=budget,
            advance=advance,
        )
        images: NDArray[np.uint8] = np.full((len(encrypted), *evidence.shape), _GRAY, np.uint8)
        if found.certain:
            plan = seeded_plan(scheme, generator=found.generator, seed=found.seed, shape=encrypted.shape[1:])
            images = lay_back(plan.invert().apply(encrypted), shape=evidence.shape, planes=scheme.planes)
        facts = {
            "seed": found.seed,
            "generator": found.generator,
            "tried": found.tried,
            "margin": round(min(found.margin, 1e6), 1),
            "key found": int(found.certain),
        }
        return Reconstruction(images=images, facts=facts)


def _generators(scheme: Scheme) -> tuple[Generator, ...]:
    """Return the generators that public programs draw all of a scheme's key with."""
    shape = scheme.laid_out_shape((2 * scheme.block, 2 * scheme.block, 3))
    found: list[Generator] = []
    for name, generator in RECIPES:
        if name != scheme.name:
            continue
        try:
            seeded_plan(scheme, generator=generator, seed=0, shape=shape)
        except UsageError:
            continue  # the program draws a part only, or a variant without this scheme's parameters
        found.append(generator)
    return tuple(found)
