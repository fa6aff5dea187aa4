"""Attacks with known and chosen images.

The small photographs are nine sources at three scales, so that known images and victims share sources there. That does
not matter where a key comes back exactly; the rows on CIFAR-10 have known images and victims that share none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.attack_measuring import cifar, evidence_of, measured, photographs
from pixelveil import Key, create_scheme
from pixelveil.attacks.measures import psnr, ssim
from pixelveil.attacks.pairs.affine_plans import KnownPlaintextAffine
from pixelveil.attacks.pairs.chosen import ChosenPlaintext
from pixelveil.attacks.pairs.curve import pair_curve
from pixelveil.attacks.pairs.lane_plans import KnownPlaintextLanes
from pixelveil.attacks.pairs.matching import match_lanes
from pixelveil.attacks.pairs.regression import ridge
from pixelveil.attacks.pairs.structure import lane_structure
from pixelveil.plans import LanePlan
from pixelveil.schemes import SCHEMES

__all__ = ["run"]

Row = dict[str, Any]


def run(data: Path | None) -> Row:
    """Return all rows; those on CIFAR-10 where its file is given."""
    small = np.concatenate([photographs(32, scale=scale) for scale in (8, 4, 2)])
    large = photographs(224)
    results: Row = {
        "known lanes": _known(small, large),
        "LE by known blocks": _le_blocks(small),
        "curves": _curves(small),
        "orthogonal by known images": _orthogonal(large),
        "chosen": _chosen(small, large),
    }
    if data:
        train, test = cifar(data)
        results["cifar-10 curves"] = _curves(test[:216])
        results["cifar-10 ridge on full Gaussian projections"] = _ridge_table(train[:4000], test[:50])
        results["cifar-10 factorizations"] = _factorizations(train[:2000], test[:200])
    return results


def _known(small: NDArray[np.uint8], large: NDArray[np.uint8]) -> list[Row]:
    attack, rows = KnownPlaintextLanes(), []
    for name, parameters, plain, pairs, study in (
        ("skk", {"key_policy": "shared", "shuffle": "none"}, small, 1, {"ssim": 1.0}),
        ("smkk", {}, small, 1, {"ssim": 0.82, "certain": 0.972}),
        ("smkk", {}, small, 2, {"ssim": 1.0}),
        ("tanaka-le", {}, small, 1, {"ssim": 1.0}),
        ("etc-color", {}, large, 1, {}),
        ("etc-color", {"block_size": 4}, small, 1, {}),
        ("etc-gray", {}, large, 1, {}),
        ("etc-gray", {}, large, 2, {}),
        ("vit-permutation", {}, large, 1, {"ssim": 1.0, "lanes": "768/768"}),
        ("vit-restricted", {}, large, 1, {}),
        ("vit-compressible", {}, large, 1, {}),
        ("vit-compressible", {"per_block": True}, large, 1, {}),
        ("vit-compressible", {"per_block": True}, large, 2, {}),
    ):
        rows.append(measured(attack, create_scheme(name, **parameters), plain, pairs=pairs, study=study))
    return rows


def _le_blocks(plain: NDArray[np.uint8], *, keys: int = 20) -> list[Row]:
    """Return the share of lanes that so many random known blocks give, over keys, and the similarity."""
    study = {1: (0.069, None), 2: (0.55, None), 4: (0.70, 0.78), 8: (0.91, 0.91), 16: (0.975, 0.98)}
    scheme, generator, rows = create_scheme("tanaka-le"), np.random.default_rng(0), []
    structure = lane_structure(scheme, shape=(32, 32, 3))
    for blocks, (share, similarity) in study.items():
        right, alike = [], []
        for _ in range(keys):
            plan = scheme.plan(key=Key.generate(), shape=(32, 32, 3))
            encrypted = plan.apply(plain)
            lanes, seen = (structure.split(images).reshape(-1, 96) for images in (plain[:9], encrypted[:9]))
            chosen = generator.permutation(len(lanes))[:blocks]
            source, flip, _ = match_lanes(lanes[chosen], seen[chosen], top=15)
            right.append(float(((source == plan.source[0, 0]) & (flip == plan.flip[0, 0])).mean()))
            read = LanePlan(source=source, flip=flip, block_size=4, lane="nibble").invert().apply(encrypted[9:])
            alike.append(float(ssim(read, plain[9:]).mean()))
        row = {"blocks": blocks, "lanes": round(float(np.mean(right)), 3), "ssim": round(float(np.mean(alike)), 3)}
        rows.append({**row, "study": {"lanes": share, "ssim": similarity}})
    return rows


def _curves(plain: NDArray[np.uint8]) -> list[Row]:
    rows = []
    for name, parameters in (
        ("smkk", {}),
        ("tanaka-le", {}),
        ("madono-ele", {}),
        ("etc-color", {"block_size": 4}),
        ("etc-gray", {"block_size": 4}),
        ("vit-permutation", {"block_size": 4}),
        ("vit-permutation", {"block_size": 4, "per_block": True}),
        ("vit-compressible", {"block_size": 8, "sub_block_size": 4, "per_block": True}),
        ("vit-orthogonal", {"block_size": 4}),
        ("vit-orthogonal", {"block_size": 8}),
    ):
        scheme = create_scheme(name, **parameters)
        attack = KnownPlaintextAffine() if name == "vit-orthogonal" else KnownPlaintextLanes()
        evidence, _ = evidence_of(scheme, plain, pairs=16)
        curve = pair_curve(attack, evidence, plain=plain[16:])
        rows.append(
            {
                "scheme": name,
                "parameters": parameters,
                "ssim": {count: round(curve.mean(count), 3) for count in curve.similarity},
                "q50": curve.needed(),
                "q95": curve.needed(share=0.95),
            }
        )
    return rows


def _orthogonal(plain: NDArray[np.uint8]) -> list[Row]:
    """Return the similarity of the other photographs, over all turns of which ones are known."""
    rows, scheme = [], create_scheme("vit-orthogonal")
    for pairs, study in ((1, 0.92), (2, 0.972), (4, 1.0), (5, None)):
        found = [
            measured(KnownPlaintextAffine(), scheme, np.roll(plain, turn, axis=0), pairs=pairs, control=turn == 0)
            for turn in range(0, 9, 2)
        ]
        row = {**found[0], "ssim": round(float(np.mean([one["ssim"] for one in found])), 3)}
        row["edges"] = round(float(np.mean([one["edges"] for one in found])), 3)
        rows.append({**row, "draws": len(found), "study": {"ssim": study}})
    return rows


def _chosen(small: NDArray[np.uint8], large: NDArray[np.uint8]) -> list[Row]:
    rows = []
    for name, parameters, plain, study in (
        ("smkk", {}, small, "1 image"),
        ("tanaka-le", {}, small, "3 blocks"),
        ("madono-ele", {}, small, "3 to 5 images"),
        ("etc-color", {}, large, "1 image"),
        ("etc-gray", {}, large, ""),
        ("vit-permutation", {}, large, "2 blocks, and the order of blocks"),
        ("vit-permutation", {"per_block": True}, large, ""),
        ("vit-restricted", {}, large, ""),
        ("vit-compressible", {"per_block": True}, large, ""),
        ("vit-orthogonal", {}, large, "4 images"),
    ):
        row = measured(ChosenPlaintext(), create_scheme(name, **parameters), plain, control=False)
        rows.append({**row, "study": study} if study else row)
    return rows


def _ridge_table(known: NDArray[np.uint8], victims: NDArray[np.uint8]) -> list[Row]:
    """Return what 4,000 pairs read through Gaussian projections of whole images with noise."""
    study = {
        (64, 0.0): (0.55, 22.9),
        (64, 0.1): (0.55, 22.7),
        (64, 0.5): (0.47, 20.8),
        (256, 0.0): (0.74, 28.9),
        (256, 0.1): (0.65, 26.1),
        (256, 0.5): (0.45, 21.5),
        (1024, 0.0): (0.87, 34.5),
        (1024, 0.1): (0.62, 26.1),
        (1024, 0.5): (0.38, 20.5),
        (3072, 0.0): (0.99, None),
        (3072, 0.1): (0.43, 22.4),
        (3072, 0.5): (0.21, 16.9),
    }
    generator, rows = np.random.default_rng(0), []
    plain, wanted = (images.reshape(len(images), -1) / 255 for images in (known, victims))
    for (size, noise), (similarity, decibels) in study.items():
        matrix = generator.normal(size=(3072, size)) / np.sqrt(size)
        seen, target = (values @ matrix for values in (plain, wanted))
        seen += noise * generator.normal(size=seen.shape)
        target += noise * generator.normal(size=target.shape)
        best: Row = {}
        for strength in (1e-8, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0):
            found = ridge(seen[400:], plain[400:], strength=strength)
            error = float(((found(seen[:400]) - plain[:400]) ** 2).mean())
            if not best or error < best["error"]:
                read = np.rint(np.clip(found(target) * 255, 0, 255)).astype(np.uint8).reshape(victims.shape)
                best = {"error": error, "strength": strength, "read": read}
        rows.append(
            {
                "size": size,
                "noise": noise,
                "ssim": round(float(ssim(best["read"], victims).mean()), 3),
                "psnr": round(float(np.minimum(psnr(best["read"], victims), 99).mean()), 1),
                "strength": best["strength"],
                "study": {"ssim": similarity, "psnr": decibels},
            }
        )
    return rows


def _factorizations(known: NDArray[np.uint8], victims: NDArray[np.uint8]) -> list[Row]:
    basis = create_scheme("svd-popescu", components=8)
    asset = SCHEMES["svd-popescu"].fit(known[1000:], settings=basis.parameters)
    rows = []
    for scheme in (
        create_scheme("svd-wang"),
        create_scheme("svd-wang", factor="image"),
        create_scheme("svd-wang", projection="both"),
        create_scheme("svd-popescu", components=8, asset=asset),
        create_scheme("svd-popescu", components=8, variant="per_image"),
    ):
        for pairs in (1, 10, 100, 1000):
            plain = np.concatenate([known[:pairs], victims])
            rows.append(measured(KnownPlaintextAffine(), scheme, plain, pairs=pairs))
    return rows
