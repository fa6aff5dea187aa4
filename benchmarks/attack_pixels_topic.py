"""Attacks on ciphertexts alone: single pixels, filtered pixels, seeds."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attack_measuring import cifar, evidence_of, measured, photographs
from pixelveil import create_scheme
from pixelveil.attacks import Budget
from pixelveil.attacks.ciphertexts.brute_force import BruteForce, key_space
from pixelveil.attacks.ciphertexts.deconvolution import Deconvolution
from pixelveil.attacks.ciphertexts.energy import Energy
from pixelveil.attacks.ciphertexts.leading_bit import LeadingBit, fold
from pixelveil.attacks.ciphertexts.minimum_difference import MinimumDifference, minimum_difference
from pixelveil.attacks.ciphertexts.minimum_difference_plus import MinimumDifferencePlus
from pixelveil.attacks.measures import edge_correlation, ssim
from pixelveil.schemes.legacy.material import legacy_from_seed

__all__ = ["run"]

Row = dict[str, Any]
# Below 2^14; LE is searched up to 2^15 all the same.
_SEED = 12_345


def run(data: Path | None) -> Row:
    """Return all rows; those on CIFAR-10 where its file is given."""
    results: Row = {
        "pixels": _pixels(),
        "literal readings": _literal(),
        "filters": _filters(),
        "seeds": _seeds(),
        "processor seconds for 1,000 images of 224x224": _speed(),
    }
    if data:
        plain = cifar(data)[1][:200]
        attacks = (LeadingBit(), MinimumDifference(), MinimumDifferencePlus())
        schemes = [create_scheme("skk", shuffle=shuffle) for shuffle in ("none", "per_pixel")]
        results["cifar-10"] = [measured(attack, scheme, plain) for scheme in schemes for attack in attacks]
        results["cifar-10"].append(measured(Deconvolution(), create_scheme("skk-g"), plain))
        results["cifar-10"] += [measured(Energy(), create_scheme(name), plain) for name in ("skk-g", "huang")]
    return results


def _pixels() -> list[Row]:
    plain, small = photographs(256), photographs(64, scale=4)
    inverted, shuffled = create_scheme("skk", shuffle="none"), create_scheme("skk")
    bound = {"ssim_of_folded_plain_image": round(float(ssim(fold(small), small).mean()), 3)}
    bound["edges_of_folded_plain_image"] = round(float(edge_correlation(fold(small), small).mean()), 3)
    plus = {"ssim": 0.50, "edges": 0.82, "side": 64}
    return [
        measured(LeadingBit(), inverted, plain, study={"ssim": 0.647, "edges": 0.85}),
        measured(MinimumDifference(), inverted, plain, study={"ssim": 0.536, "edges": 0.83}),
        measured(LeadingBit(), shuffled, plain, study={"ssim": 0.334, "edges": 0.62}),
        measured(MinimumDifference(), shuffled, plain, study={"ssim": 0.257, "edges": 0.52}),
        measured(MinimumDifferencePlus(), shuffled, plain),
        {**measured(MinimumDifferencePlus(), shuffled, small, study=plus), **bound},
    ]


def _literal() -> list[Row]:
    """Return the published readings without ours: one leading bit, the true first pixel."""
    plain, rows = photographs(256), []
    for shuffle, leading, following in (
        ("none", {"ssim": 0.592, "edges": 0.85}, {"ssim": 0.605, "edges": 0.85}),
        ("per_pixel", {"ssim": 0.286, "edges": 0.62}, {"ssim": 0.417, "edges": 0.61}),
    ):
        encrypted = evidence_of(create_scheme("skk", shuffle=shuffle), plain)[0].ciphertexts
        followed = minimum_difference(encrypted, seeds=plain[:, 0, 0], shuffled=shuffle != "none")
        for name, read, study in (
            ("leading bit 0", fold(encrypted), leading),
            ("minimum difference, true first pixel", followed, following),
        ):
            rows.append(
                {
                    "reading": name,
                    "shuffle": shuffle,
                    "ssim": round(float(ssim(read, plain).mean()), 3),
                    "edges": round(float(edge_correlation(read, plain).mean()), 3),
                    "study": study,
                }
            )
    return rows


def _filters() -> list[Row]:
    plain, rows = photographs(128, scale=2), []
    for kernel, sigma, study in (
        (5, 0.5, {"edges": 0.64, "edges_leading_bit": 0.38}),
        (7, 0.8, {"edges": 0.61, "edges_leading_bit": 0.03}),
        (3, 0.8, {}),
        (9, 1.0, {"edges": 0.29}),
        (5, 1.1, {}),
        (13, 1.5, {"edges": 0.01}),
    ):
        scheme = create_scheme("skk-g", kernel=kernel, sigma=sigma)
        rows.append(measured(LeadingBit(), scheme, plain))
        rows.append(measured(Deconvolution(), scheme, plain, study=study))
        rows.append(measured(Energy(), scheme, plain))
    sliding_mean = create_scheme("huang", statistic="mean", mode="sliding")
    rows.append(measured(Deconvolution(), sliding_mean, plain, study={"edges_leading_bit": 0.01}))
    for parameters, study in (
        ({"statistic": "max", "filter_size": 2}, {"edges": 0.42, "ssim": 0.187}),
        ({"statistic": "max"}, {"edges": 0.30, "ssim": 0.273}),
        ({"statistic": "min"}, {}),
        ({"statistic": "mean"}, {}),
        ({}, {}),
        ({"mode": "sliding"}, {"edges": 0.43, "ssim": 0.229}),
        ({"negative_positive": "global", "shuffle": "per_image"}, {}),
    ):
        scheme = create_scheme("huang", **parameters)
        rows.append(measured(LeadingBit(), scheme, plain, control=False))
        rows.append(measured(Energy(), scheme, plain, study=study))
    return rows


def _seeds() -> list[Row]:
    plain, rows = photographs(32, scale=8), []
    for name, parameters, generator, bits in (
        ("tanaka-le", {}, "numpy", 15),
        ("smkk", {}, "numpy", 14),
        ("etc-color", {"block_size": 4}, "python", 14),
    ):
        scheme = create_scheme(name, **parameters)
        bound = scheme.bind(legacy_from_seed(scheme, seed=_SEED, rng=generator, shape=plain.shape[1:]))
        evidence, _ = evidence_of(bound, plain)
        start = time.process_time()
        # The search is measured whole: time on a busy machine must not end it.
        found = BruteForce(bits=bits).run(replace(evidence, scheme=scheme, pairs=None), budget=Budget(seconds=36_000))
        seconds = time.process_time() - start
        space = key_space(bound, shape=plain.shape[1:])
        rows.append(
            {
                "scheme": name,
                "nominal_bits": round(space.nominal, 1),
                "effective_bits": space.effective,
                "found": bool(found.facts["seed"] == _SEED and np.array_equal(found.images, plain)),
                "facts": dict(found.facts),
                "processor_seconds": round(seconds, 1),
                "seeds_per_second_of_one_core": round(float(found.facts["tried"]) / seconds),
            }
        )
    return rows


def _speed() -> Row:
    images = np.random.default_rng(0).integers(256, size=(1000, 224, 224, 3), dtype=np.uint8)
    minimum_difference(images[:2])
    result = {}
    for name, attack in (("leading-bit", fold), ("minimum-difference", minimum_difference)):
        start = time.process_time()
        attack(images)
        result[name] = round(time.process_time() - start, 2)
    return result
