"""Small pictures from photographs that installed packages ship: victims and public ones from different photographs."""

from importlib import resources

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import structural_similarity

SECRET = (("skimage.data", "astronaut.png"), ("skimage.data", "coffee.png"), ("skimage.data", "chelsea.png"))
PUBLIC = (
    ("sklearn.datasets.images", "china.jpg"),
    ("sklearn.datasets.images", "flower.jpg"),
    ("skimage.data", "rocket.jpg"),
)


def photograph(package, name):
    with (resources.files(package) / name).open("rb") as file:
        return Image.open(file).convert("RGB")


def crops(files, *, count, side=32, scale=4, seed=0):
    """Square crops of photographs, averaged over `scale` pixels a side."""
    generator, sources = np.random.default_rng(seed), [np.asarray(photograph(*file)) for file in files]
    pictures = []
    for number in range(count):
        source = sources[number % len(sources)]
        top, left = (int(generator.integers(size - side * scale + 1)) for size in source.shape[:2])
        crop = source[top : top + side * scale, left : left + side * scale]
        pictures.append(crop.reshape(side, scale, side, scale, 3).mean(axis=(1, 3)))
    return np.rint(pictures).astype(np.uint8)


@pytest.fixture(scope="session")
def victims():
    """uint8 (300, 32, 32, 3)."""
    return crops(SECRET, count=300)


@pytest.fixture(scope="session")
def public():
    """uint8 (900, 32, 32, 3), from other photographs than `victims`."""
    return crops(PUBLIC, count=900, seed=1)


@pytest.fixture(scope="session")
def similarity():
    """The mean SSIM of the best version of a reconstruction, on the first twenty victims."""

    def best(reconstruction, plain):
        shown, plain = reconstruction.images[:20], plain[:20]
        readings = [read(shown) for read in (lambda images: images, *reconstruction.versions)]
        return max(
            float(
                np.mean(
                    [
                        structural_similarity(one, other, channel_axis=2, data_range=255)
                        for one, other in zip(read, plain, strict=False)
                    ]
                )
            )
            for read in readings
        )

    return best


@pytest.fixture(scope="session")
def large():
    """uint8 (2, 128, 128, 3), from the photographs of `victims`."""
    return crops(SECRET, count=2, side=128, scale=2)


@pytest.fixture(scope="session")
def noise():
    """uint8 (300, 32, 32, 3): what AES-CTR gives looks no different."""
    return np.random.default_rng(7).integers(256, size=(300, 32, 32, 3), dtype=np.uint8)
