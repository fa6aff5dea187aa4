"""What attacks of the catalogue make of photographs: for the pictures of the pages, with the figures beside them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.claims_floats import bytes_of, literal_leading_bit
from benchmarks.crops import crops, photograph
from pixelveil import Key, create_scheme
from pixelveil.attacks import ATTACKS, Attack, Budget, Evidence, Pairs, create_attack
from pixelveil.attacks.attack import Access
from pixelveil.attacks.controls import negative_control
from pixelveil.attacks.evaluate import score
from pixelveil.audit.positive import POSITIVES
from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme
from pixelveil.schemes.fitting import fit_asset
from pixelveil.schemes.legacy.material import legacy_from_seed

__all__ = ["CLAIMS", "SIDE", "Shown", "Views", "attempts", "best", "claim", "excess", "expected", "views"]

Pixels = NDArray[np.uint8]

SIDE = 128
# Attacks on small blocks with keys of their own need many images, and smaller ones do.
_SMALL, _SMALL_BLOCK = 64, 4
_VICTIMS, _PAIRS, _MANY_PAIRS, _PUBLIC = 8, 4, 100, 200
# Ciphertexts under one key, by side; of some families fewer do, and more would only take time.
_COLLECTED = {SIDE: 200, _SMALL: 300}
_FEW = {"pixel": 10, "decrepit": 60}
# Where each image has a key of its own; networks that learn from ciphertexts want fifty.
_ALONE = 60
_SECRET, _OTHERS = ("astronaut", "coffee", "chelsea"), ("china", "flower", "rocket")
_UNCOUNTED = 1 << 30
# Keys come from the operating system, so that there is no seed to search for; the attack has a picture on its own page.
_HOPELESS = ("brute-force",)
# Who is tried first, and from which SSIM on nobody who knows more is asked.
_TIERS: tuple[tuple[Access, ...], ...] = (("ciphertexts", "public images"), ("pairs",), ("oracle",))
_READS, _SLACK, _ENOUGH = 0.3, 0.05, 0.8
_LEARNED = "pixelveil.attacks.learned"

CLAIMS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "skk-one-key": ("smkk", {}, "leading-bit", "statistics-skk"),
    "skk": ("skk", {}, "leading-bit", "minimum-difference-plus"),
    "huang": ("huang", {"statistic": "max"}, "leading-bit", "energy"),
    "lin": ("skk-g", {}, "leading-bit", "deconvolution"),
    "wang": ("svd-wang", {"factor": "image"}, "leading-bit", "known-plaintext-affine"),
    "vit": ("vit-orthogonal", {}, "leading-bit", "statistics-vit"),
}
"""Of each claim that pictures can show: scheme, parameters, the attack of the claim, the stronger one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Views:
    """Photographs in their roles; public images and pairs are of other photographs than the victims.

    Args:
        encrypted: uint8 (n, H, W, 3), under one key where the scheme has one; the first is the one that is shown.
        public: uint8 (m, H, W, 3).
        pairs: uint8 (q, H, W, 3).
    """

    encrypted: Pixels = field(repr=False)
    public: Pixels = field(repr=False)
    pairs: Pixels = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """One reconstruction and its figures.

    Args:
        row: Attack, access, scheme and figures with those of the control, as JSON values.
        plain: uint8 (H, W, 3).
        encrypted: As the scheme gives it.
        reading: uint8 (H, W, 3); None where no attack applies.
    """

    row: Mapping[str, Any]
    plain: Pixels = field(repr=False)
    encrypted: NDArray[Any] = field(repr=False)
    reading: Pixels | None = field(default=None, repr=False)


@cache
def views(side: int = SIDE) -> Views:
    """Return the photographs at one size."""
    source = photograph("astronaut")
    first = np.asarray(Image.fromarray(source).resize((side, side), Image.Resampling.LANCZOS))
    scale = 128 // side
    some = crops(_SECRET, _COLLECTED[side] - 1, side=side, scale=scale)
    others = crops(_OTHERS, _PUBLIC + _MANY_PAIRS, side=side, scale=scale, seed=1)
    return Views(encrypted=np.concatenate([first[None], some]), public=others[:_PUBLIC], pairs=others[_PUBLIC:])


def side_of(scheme: Scheme) -> int:
    """Return the size at which a scheme is attacked here."""
    return _SMALL if scheme.name == "madono-ele" or 1 < scheme.block <= _SMALL_BLOCK else SIDE


def best(name: str, *, seconds: float) -> tuple[Shown, list[Mapping[str, Any]]]:
    """Return the best reconstruction of a scheme with its defaults, and the figures of all attempts.

    Attackers who know least are asked first; whoever knows more is asked only where those read little.

    Args:
        name: Of the scheme.
        seconds: For each attack and each control.
    """
    scheme = create_scheme(name)
    shown = views(side_of(scheme))
    if scheme.needs_asset:
        scheme = scheme.bind(fit_asset(scheme, images=shown.encrypted[_VICTIMS:]))
    tried = list(attempts(scheme, shown, seconds=seconds))
    rows, found = [one.row for one in tried], [one for one in tried if one.reading is not None]
    if not found:
        encrypted = _Held(scheme, shown).ciphertexts[0]
        row = {"scheme": name, "side": shown.encrypted.shape[1]}
        return Shown(row=row, plain=shown.encrypted[0], encrypted=encrypted), rows
    # Whoever knows less is shown, unless somebody who knows more reads where they hardly do.
    enough = min(_READS, max(excess(one.row) for one in found) - _SLACK)
    for tier in _TIERS:
        able = [one for one in found if one.row["access"] in tier]
        if able and (chosen := max(able, key=lambda one: excess(one.row))) and excess(chosen.row) >= enough:
            return chosen, rows
    return max(found, key=lambda one: excess(one.row)), rows


def excess(row: Mapping[str, Any]) -> float:
    """Return how far an attempt is above its control: the larger of SSIM's and edge correlation's excess."""
    return float(max(row[measure] - row[f"{measure}_control"] for measure in ("ssim", "edges")))


def attempts(scheme: Scheme, shown: Views, *, seconds: float) -> Iterator[Shown]:
    """Yield what the applicable attacks make of the photographs, until one of them reads nearly all.

    Args:
        scheme: With its asset, where it needs one.
        shown: The photographs.
        seconds: For each attack and each control.
    """
    held = _Held(scheme, shown)
    for tier in _TIERS:
        reached = 0.0
        kinds = [kind for kind in ATTACKS.values() if kind.access in tier and kind.name not in _HOPELESS]
        # Arithmetic first: networks take the whole of their time.
        for kind in sorted(kinds, key=lambda one: (one.__module__.startswith(_LEARNED), one.name)):
            learned = kind.__module__.startswith(_LEARNED)
            attack = create_attack(kind.name)
            if attack.obstacle(scheme) or (learned and reached >= _ENOUGH):
                continue
            try:
                one = _shown(attack, held, seconds=seconds)
            except UsageError as error:  # too few images for it, or too large ones
                row = {"attack": kind.name, "access": kind.access, "left_out": str(error)}
                yield Shown(row=row, plain=shown.encrypted[0], encrypted=held.ciphertexts[0])
                continue
            reached = max(reached, one.row["ssim"])
            yield one
        if reached >= _ENOUGH:
            return


def expected(name: str, *, seconds: float) -> Shown | None:
    """Return what an attack makes of the scheme that it must break; None where none is registered.

    Args:
        name: Of the attack.
        seconds: For the attack and for its control.
    """
    wanted = POSITIVES.get(name)
    if wanted is None:
        return None
    scheme = create_scheme(wanted.scheme, **wanted.parameters)
    shown = views(side_of(scheme))
    held = _Held(scheme, shown, images=wanted.images, pairs=wanted.pairs)
    if wanted.seed is not None:
        shape = shown.encrypted.shape[1:]
        bound = scheme.bind(legacy_from_seed(scheme, seed=wanted.seed, rng=wanted.generator, shape=shape))
        held = _Held(bound, shown, images=wanted.images)
    return _shown(create_attack(name), held, seconds=seconds)


def claim(name: str, *, seconds: float) -> tuple[Shown, Shown]:
    """Return what the attack of a claim and the stronger one make of the same photographs.

    Args:
        name: Of the claim.
        seconds: For each attack and each control.
    """
    scheme_name, parameters, weak, strong = CLAIMS[name]
    scheme = create_scheme(scheme_name, **parameters)
    held = _Held(scheme, views(side_of(scheme)))
    stronger = _shown(create_attack(strong), held, seconds=seconds)
    if not create_attack(weak).obstacle(scheme):
        return _shown(create_attack(weak), held, seconds=seconds), stronger
    # It undoes nothing that is in this scheme; as published it gives something all the same, and that is shown.
    row = {"attack": weak, "scheme": scheme_name, "applies": False}
    reading = bytes_of(literal_leading_bit(np.asarray(held.ciphertexts[:1], np.float64)))[0]
    return Shown(row=row, plain=stronger.plain, encrypted=stronger.encrypted, reading=reading), stronger


class _Held:
    """Ciphertexts under a key that nobody keeps, and what attackers know beside them."""

    def __init__(self, scheme: Scheme, shown: Views, *, images: int = 0, pairs: int = 0) -> None:
        self.scheme, self.shown = scheme, shown
        self._key = None if scheme.key_policy in ("ephemeral", "none") else Key.generate(budget=_UNCOUNTED)
        alone = scheme.key_policy != "shared"
        many = _FEW.get(scheme.family, len(shown.encrypted))
        count = images or (_ALONE if alone else many)
        self.plain = shown.encrypted[: min(count, len(shown.encrypted))]
        self.ciphertexts = self.encrypt(self.plain)
        self.pairs = shown.pairs[: pairs or (_MANY_PAIRS if scheme.family == "matrix" else _PAIRS)]

    def encrypt(self, images: Pixels) -> Any:
        return self.scheme.encrypt(images, key=self._key).images

    def evidence(self, access: Access) -> Evidence:
        unbound = create_scheme(
            self.scheme.name, **{name: one for name, one in self.scheme.parameters.items() if name != "asset"}
        )
        pairs = Pairs(plain=self.pairs, encrypted=self.encrypt(self.pairs)) if access in ("pairs", "oracle") else None
        return Evidence(
            scheme=unbound,
            ciphertexts=self.ciphertexts,
            shape=self.plain.shape[1:],
            victims=min(_VICTIMS, len(self.plain)),
            public=None if access == "ciphertexts" else self.shown.public,
            pairs=pairs,
            oracle=self.encrypt if access == "oracle" else None,
        )


def _shown(attack: Attack, held: _Held, *, seconds: float) -> Shown:
    start = time.perf_counter()
    evidence = held.evidence(attack.access)
    plain = held.plain[: evidence.victims]
    found = score(attack.run(evidence, budget=Budget(seconds=seconds)), plain)
    noise = negative_control(evidence, encrypt=held.encrypt)
    floor = score(attack.run(noise, budget=Budget(seconds=seconds)), plain)
    row: dict[str, Any] = {
        "attack": attack.name,
        "access": attack.access,
        "scheme": held.scheme.name,
        "parameters": {name: one for name, one in held.scheme.parameters.items() if name != "asset"},
        "side": plain.shape[1],
        "images": len(held.plain),
        "victims": len(plain),
        "pairs": 0 if evidence.pairs is None or attack.access != "pairs" else len(evidence.pairs.plain),
    }
    row["seconds"] = round(time.perf_counter() - start, 1)
    for measure in ("ssim", "edges"):
        row[measure] = round(found.mean(measure), 3)
        row[f"{measure}_control"] = round(floor.mean(measure), 3)
        row[f"{measure}_shown"] = round(float(found.measures[measure][0]), 3)
    return Shown(row=row, plain=plain[0], encrypted=evidence.ciphertexts[0], reading=found.images[0])
