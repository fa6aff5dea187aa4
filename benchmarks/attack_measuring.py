"""Photographs that packages ship, and one row of a table of attacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil import Key
from pixelveil.attacks import Attack, Budget, Evidence, Pairs
from pixelveil.attacks.controls import negative_control
from pixelveil.attacks.evaluate import score
from pixelveil.schemes import Scheme

__all__ = ["PHOTOGRAPHS", "cifar", "evidence_of", "measured", "photographs"]

Bytes = NDArray[np.uint8]

PHOTOGRAPHS = (
    "astronaut",
    "coffee",
    "chelsea",
    "rocket",
    "immunohistochemistry",
    "hubble_deep_field",
    "retina",
    "china",
    "flower",
)


def photographs(side: int, *, scale: int = 1) -> Bytes:
    """Return center crops of nine photographs of scikit-image and scikit-learn, averaged over ``scale`` pixels."""
    from skimage import data
    from sklearn.datasets import load_sample_image

    pictures = []
    for name in PHOTOGRAPHS:
        source = load_sample_image(f"{name}.jpg") if name in ("china", "flower") else getattr(data, name)()
        top, left = ((size - side * scale) // 2 for size in source.shape[:2])
        crop = source[top : top + side * scale, left : left + side * scale]
        pictures.append(crop.reshape(side, scale, side, scale, 3).mean(axis=(1, 3)))
    return np.rint(pictures).astype(np.uint8)


def cifar(path: Path) -> tuple[Bytes, Bytes]:
    """Return images of CIFAR-10 from an .npz file: training set, test set."""
    with np.load(path, allow_pickle=False) as content:
        return content["x_train"], content["x_test"]


def evidence_of(scheme: Scheme, plain: Bytes, *, pairs: int = 0) -> tuple[Evidence, Callable[[Bytes], Any]]:
    """Return what an attacker holds of the images after the first ``pairs``, which are known; and the encryption."""
    keyless = scheme.key_policy in ("ephemeral", "none")
    key = None if keyless else Key.generate(budget=1_000_000)

    def encrypt(images: Bytes) -> Any:
        return scheme.encrypt(images, key=key).images

    encrypted = encrypt(plain)
    evidence = Evidence(
        scheme=scheme,
        ciphertexts=encrypted[pairs:],
        shape=plain.shape[1:],
        victims=len(plain) - pairs,
        pairs=Pairs(plain=plain[:pairs], encrypted=encrypted[:pairs]),
        oracle=encrypt,
    )
    return evidence, encrypt


def measured(
    attack: Attack,
    scheme: Scheme,
    plain: Bytes,
    *,
    pairs: int = 0,
    control: bool = True,
    study: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return one row: mean SSIM and edge correlation of the attack and of its control."""
    evidence, encrypt = evidence_of(scheme, plain, pairs=pairs)
    found = attack.run(evidence, budget=Budget(seconds=300))
    scores = score(found, plain[pairs:])
    row: dict[str, Any] = {
        "attack": attack.name,
        "scheme": scheme.name,
        "parameters": {name: value for name, value in scheme.parameters.items() if name != "asset"},
        "side": plain.shape[1],
        "victims": scores.count,
        "ssim": round(scores.mean("ssim"), 3),
        "edges": round(scores.mean("edges"), 3),
    }
    if pairs:
        row["pairs"] = pairs
    if control:
        floor = score(attack.run(negative_control(evidence, encrypt=encrypt)), plain[pairs:])
        row["ssim_control"], row["edges_control"] = round(floor.mean("ssim"), 3), round(floor.mean("edges"), 3)
    facts = {name: round(value, 4) if isinstance(value, float) else value for name, value in found.facts.items()}
    if facts:
        row["facts"] = facts
    if study:
        row["study"] = dict(study)
    return row
