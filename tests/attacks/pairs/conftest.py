"""Photographs that installed packages ship, and what an attacker holds of them."""

from importlib import resources

import numpy as np
import pytest
from PIL import Image

from pixelveil import Key
from pixelveil.attacks import Evidence, Pairs

FILES = (
    ("skimage.data", "astronaut.png"),
    ("skimage.data", "coffee.png"),
    ("skimage.data", "chelsea.png"),
    ("sklearn.datasets.images", "china.jpg"),
    ("sklearn.datasets.images", "flower.jpg"),
    ("skimage.data", "ihc.png"),
)


@pytest.fixture(scope="session")
def photographs():
    """Center crops of six photographs, averaged over `scale` pixels a side: uint8 (6, side, side, 3)."""

    def cropped(side, scale=1):
        pictures = []
        for package, name in FILES:
            with (resources.files(package) / name).open("rb") as file:
                source = np.asarray(Image.open(file).convert("RGB"))
            top, left = ((size - side * scale) // 2 for size in source.shape[:2])
            crop = source[top : top + side * scale, left : left + side * scale]
            pictures.append(crop.reshape(side, scale, side, scale, 3).mean(axis=(1, 3)))
        return np.rint(pictures).astype(np.uint8)

    return cropped


@pytest.fixture(scope="session")
def held():
    """Evidence on the images after the first `pairs`: those are known, and the oracle encrypts under the same key."""

    def evidence(scheme, plain, *, pairs=0):
        key = None if scheme.key_policy == "none" else Key.generate(budget=10_000)

        def oracle(images):
            return scheme.encrypt(images, key=key).images

        encrypted = oracle(plain)
        return Evidence(
            scheme=scheme,
            ciphertexts=encrypted[pairs:],
            shape=plain.shape[1:],
            victims=len(plain) - pairs,
            pairs=Pairs(plain=plain[:pairs], encrypted=encrypted[:pairs]),
            oracle=oracle,
        )

    return evidence


@pytest.fixture(scope="session")
def small(photographs):
    """uint8 (18, 32, 32, 3)."""
    return np.concatenate([photographs(32, scale) for scale in (8, 4, 2)])
