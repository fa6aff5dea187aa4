"""Small pictures from photographs that installed packages ship: victims and public ones from different photographs."""

from importlib import resources

import numpy as np
import pytest
from PIL import Image

from pixelveil import Key
from pixelveil.attacks import Evidence

SECRET = (("skimage.data", "astronaut.png"), ("skimage.data", "coffee.png"), ("skimage.data", "chelsea.png"))
PUBLIC = (
    ("sklearn.datasets.images", "china.jpg"),
    ("sklearn.datasets.images", "flower.jpg"),
    ("skimage.data", "rocket.jpg"),
)


def crops(files, *, count, side=24, scale=4, seed=0):
    """Square crops of photographs, averaged over `scale` pixels a side."""
    generator, pictures, sources = np.random.default_rng(seed), [], []
    for package, name in files:
        with (resources.files(package) / name).open("rb") as file:
            sources.append(np.asarray(Image.open(file).convert("RGB")))
    for number in range(count):
        source = sources[number % len(sources)]
        top, left = (int(generator.integers(size - side * scale + 1)) for size in source.shape[:2])
        crop = source[top : top + side * scale, left : left + side * scale]
        pictures.append(crop.reshape(side, scale, side, scale, 3).mean(axis=(1, 3)))
    return np.rint(pictures).astype(np.uint8)


@pytest.fixture(scope="session")
def victims():
    """uint8 (24, 24, 24, 3)."""
    return crops(SECRET, count=24)


@pytest.fixture(scope="session")
def public():
    """uint8 (200, 24, 24, 3), from other photographs than `victims`."""
    return crops(PUBLIC, count=200, seed=1)


@pytest.fixture(scope="session")
def held():
    """What an attacker holds: `held(scheme, plain, public=...)` encrypts plain images under a fresh key."""

    def evidence(scheme, plain, **more):
        keyless = scheme.key_policy in ("ephemeral", "none")
        encrypted = scheme.encrypt(plain, key=None if keyless else Key.generate(budget=1000)).images
        return Evidence(scheme=scheme, ciphertexts=encrypted, shape=plain.shape[1:], victims=len(plain), **more)

    return evidence
