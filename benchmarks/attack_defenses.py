"""What lowers the leak of a shared key: whitening, keys of shorter life, block scrambling; and what still breaks it.

Images are split over k keys of equal budgets, k from 1 on; an attack sees all ciphertexts and knows which key each is
under, as file names and epochs tell. "neighbors" is the attack on covariances of neighboring blocks after whitening,
with signs and iterated Procrustes as against blocks that were not whitened: the strongest that we have. "components"
takes ciphertexts for unwhitened, as all earlier attacks do. "pairs" is Procrustes on known pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.attack_lifetime import NOISES, pooled, processes
from benchmarks.attack_measuring import cifar
from pixelveil import Key, create_scheme
from pixelveil.attacks import Budget, Evidence, Pairs, create_attack
from pixelveil.attacks.attack import Reconstruction
from pixelveil.attacks.controls import negative_control
from pixelveil.attacks.evaluate import Scores, higher, score
from pixelveil.attacks.pairs.affine_plans import rotation_from_pairs
from pixelveil.attacks.public_images.columns import public_images
from pixelveil.attacks.public_images.readings import color_readings, image_turns, products
from pixelveil.attacks.public_images.statistics_vit import read_blocks
from pixelveil.errors import UsageError
from pixelveil.plans.geometry import join_blocks, split_blocks
from pixelveil.schemes import Scheme
from pixelveil.schemes.fitting import fit_asset

__all__ = ["CASES", "ROTATIONS", "Case", "measured", "rotated", "run"]

Bytes = NDArray[np.uint8]
Row = dict[str, Any]
Read = Callable[[Evidence], Reconstruction]

_VICTIMS, _PUBLIC, _FITTED = 50, 500, 3000
_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row.

    Args:
        block: Side of a block in pixels.
        whitened: Whether blocks are whitened before the mixing, by other public images than the attacker's.
        scrambled: Whether blocks change places.
        images: Under one key.
        attack: "components", "neighbors" or "pairs".
    """

    block: int
    whitened: bool
    scrambled: bool
    images: int
    attack: str


def _grid() -> tuple[Case, ...]:
    """Return all cases, so that each step stands beside the one without it."""
    found = []
    for block, counts in ((4, (20, 50, 200, 2000)), (8, (50, 2000))):
        for whitened, attack in ((False, "components"), (True, "components"), (True, "neighbors")):
            for scrambled in (False, True):
                for images in counts:
                    # Whitened blocks taken for plain ones show nothing at any number; the ends are enough.
                    if whitened and attack == "components" and images not in (counts[0], counts[-1]):
                        continue
                    case = Case(block=block, whitened=whitened, scrambled=scrambled, images=images, attack=attack)
                    found.append(case)
        found += [
            Case(block=block, whitened=whitened, scrambled=True, images=pairs, attack="pairs")
            for whitened in (False, True)
            for pairs in (1, 4, 16)
        ]
    return tuple(found)


CASES = _grid()

# 2,000 images of vit-orthogonal in so many epochs of one key file.
ROTATIONS = (1, 10, 40, 100, 400)
_ROTATED_IMAGES = 2000
_GROUPS = 10


def run(data: Path | None) -> Row:
    """Return what each defense buys."""
    if data is None:
        raise UsageError("defenses are measured on CIFAR-10", hint="give its file: --data cifar10.npz")
    train, test = cifar(data)
    public, fitted = train[:_PUBLIC], train[_PUBLIC : _PUBLIC + _FITTED]
    plain = test[:_ROTATED_IMAGES]
    with processes() as pool:
        rows = pool.map(partial(measured, plain=plain, public=public, fitted=fitted), CASES)
        turned = pool.map(partial(rotated, plain=plain, public=public), ROTATIONS)
        return {
            "data": "CIFAR-10, 32x32",
            "public": _PUBLIC,
            "fitted": _FITTED,
            "cases": list(rows),
            "rotation": list(turned),
        }


def measured(case: Case, *, plain: Bytes, public: Bytes, fitted: Bytes) -> Row:
    """Return one row: what an attack reads of the victims, and the higher of its two controls.

    Args:
        case: What is measured.
        plain: uint8 (n, H, W, C).
        public: uint8 (m, H, W, C), the attacker's.
        fitted: uint8 (k, H, W, C), what the whitening is made of.
    """
    scheme = create_scheme("vit-orthogonal", block_size=case.block, scramble_blocks=case.scrambled)
    used = scheme.bind(fit_asset(scheme, images=fitted)) if case.whitened else scheme
    read = _READ[case.attack]
    known = case.images if case.attack == "pairs" else 0
    groups = [plain[: known + _VICTIMS]] if known else _groups(plain, images=case.images)
    told = used if known else scheme
    found, controls = _scored([(one, used) for one in groups], told, read=read, public=public, pairs=known)
    row: Row = {
        "block": case.block,
        "whitened": case.whitened,
        "scrambled": case.scrambled,
        "attack": case.attack,
        "pairs" if known else "images": case.images,
    }
    row |= _figures(found, controls)
    print(row, flush=True)
    return row


def rotated(keys: int, *, plain: Bytes, public: Bytes, block: int = 4) -> Row:
    """Return what is read of images that are split evenly over keys, one attack on the ciphertexts of each key.

    At most ten of the keys are attacked: all are alike.

    Args:
        keys: Number of keys.
        plain: uint8 (n, H, W, C).
        public: uint8 (m, H, W, C).
        block: Side of a block in pixels.
    """
    scheme = create_scheme("vit-orthogonal", block_size=block)
    each = len(plain) // keys
    groups = [plain[number * each : (number + 1) * each] for number in range(min(keys, _GROUPS))]
    found, controls = _scored([(one, scheme) for one in groups], scheme, read=_neighbors, public=public, pairs=0)
    row: Row = {"keys": keys, "images_per_key": each}
    row |= _figures(found, controls)
    print(row, flush=True)
    return row


def _groups(plain: Bytes, *, images: int) -> list[Bytes]:
    """Return images for as many keys as it takes to have enough victims."""
    keys = -(-_VICTIMS // images)
    return [plain[number * images : (number + 1) * images] for number in range(keys)]


def _scored(
    groups: Sequence[tuple[Bytes, Scheme]], told: Scheme, *, read: Read, public: Bytes, pairs: int
) -> tuple[list[Scores], Scores]:
    """Return scores of each group's victims, and the higher of the controls over all groups.

    Args:
        groups: Images under one key each, with what encrypts them.
        told: What the attacker is told of it; the asset shows by itself.
        read: The attack.
        public: The attacker's images.
        pairs: How many of a group, counted from the first, are known; they are no victims.
    """
    found, noises, others, victims = [], [], [], []
    for plain, scheme in groups:
        key = Key.generate(budget=1 << 40)

        def encrypt(images: Bytes, key: Key = key, scheme: Scheme = scheme) -> Any:
            return scheme.encrypt(images, key=key).images

        hidden = encrypt(plain)
        wanted = plain[pairs : pairs + _VICTIMS]
        evidence = Evidence(
            scheme=told,
            ciphertexts=hidden[pairs:],
            shape=plain.shape[1:],
            victims=len(wanted),
            public=public,
            pairs=Pairs(plain=plain[:pairs], encrypted=hidden[:pairs]) if pairs else None,
        )
        result = read(evidence)
        found.append(score(result, wanted))
        others.append(score(result, np.roll(wanted, 1, axis=0)))
        victims.append(wanted)
        if len(noises) < NOISES:
            noises.append(read(negative_control(evidence, encrypt=encrypt)))
    floors = [score(noises[number % len(noises)], wanted) for number, wanted in enumerate(victims)]
    return found, higher(pooled(floors), pooled(others))


def _figures(found: Sequence[Scores], controls: Scores) -> Row:
    """Return rounded means."""
    both = pooled(found)
    row: Row = {"victims": both.count}
    for name, one in (("ssim", "ssim"), ("edge_correlation", "edges")):
        row[name] = round(both.mean(one), 3)
        row[f"{name}_control"] = round(controls.mean(one), 3)
    return row


def _components(evidence: Evidence) -> Reconstruction:
    """Read ciphertexts as if blocks had not been whitened."""
    scheme, (height, width, channels), public = evidence.scheme, evidence.shape, public_images(evidence)
    block = (scheme.block, scheme.block)
    read = read_blocks(
        split_blocks(evidence.ciphertexts, block=block).astype(np.float32),
        public=split_blocks(public, block=block).astype(np.float32),
        grid=(height // scheme.block, width // scheme.block),
        scrambled=bool(getattr(scheme, "scramble_blocks", True)),
        shuffled=False,
        victims=evidence.victims,
        generator=evidence.generator,
        budget=Budget(seconds=_SECONDS),
    )
    images = np.rint(join_blocks(read, shape=evidence.shape, block=block)).clip(0, 255).astype(np.uint8)
    versions = products(image_turns(square=height == width), color_readings(channels=channels, jointly=True))
    return Reconstruction(images=images, versions=versions)


def _neighbors(evidence: Evidence) -> Reconstruction:
    """Read ciphertexts by the attack of the catalogue, which sees by itself whether blocks were whitened."""
    return create_attack("statistics-vit").run(evidence, budget=Budget(seconds=_SECONDS))


def _pairs(evidence: Evidence) -> Reconstruction:
    """Read with known pairs; a whitening is public, so that known images are whitened in the same way."""
    scheme, pairs = evidence.scheme, evidence.pairs
    if scheme.bound is None or pairs is None:
        return create_attack("known-plaintext-affine").run(evidence, budget=Budget(seconds=_SECONDS))
    block, matrix, mean = (scheme.block, scheme.block), scheme.arrays["matrix"], scheme.arrays["mean"]
    known, seen, victims = (
        split_blocks(images.astype(np.float64), block=block)
        for images in (pairs.plain, pairs.encrypted, evidence.ciphertexts[: evidence.victims])
    )
    scrambled = bool(scheme.parameters["scramble_blocks"])
    found = rotation_from_pairs((known - mean) @ matrix.T, seen, scrambled=scrambled)
    read = found.read(victims, covariance=np.eye(len(mean))) @ np.linalg.inv(matrix).T + mean
    images = np.rint(join_blocks(read, shape=evidence.shape, block=block)).clip(0, 255).astype(np.uint8)
    return Reconstruction(images=images)


_READ: dict[str, Read] = {"components": _components, "neighbors": _neighbors, "pairs": _pairs}
