"""Tiles of photographs that installed packages ship: players' public ones come from other photographs."""

from importlib import resources

import numpy as np
import pytest
from PIL import Image

from pixelveil.attacks.games import Deck

FILES = (
    ("skimage.data", "astronaut.png"),
    ("skimage.data", "coffee.png"),
    ("skimage.data", "ihc.png"),
    ("sklearn.datasets.images", "flower.jpg"),
    ("skimage.data", "chelsea.png"),
    ("sklearn.datasets.images", "china.jpg"),
)
SIDE, TILE = 256, 32


def _tiles(package, name):
    with (resources.files(package) / name).open("rb") as file:
        picture = np.asarray(Image.open(file).convert("RGB"))
    top, left = ((size - SIDE) // 2 for size in picture.shape[:2])
    crop = picture[top : top + SIDE, left : left + SIDE].reshape(SIDE // TILE, TILE, SIDE // TILE, TILE, 3)
    return crop.transpose(0, 2, 1, 3, 4).reshape(-1, TILE, TILE, 3)


@pytest.fixture(scope="session")
def tiles():
    """uint8 (256, 32, 32, 3) of four photographs, and (128, 32, 32, 3) of two others; each in a fixed random order."""
    generator = np.random.default_rng(0)
    sets = [np.concatenate([_tiles(*file) for file in files]) for files in (FILES[:4], FILES[4:])]
    return tuple(generator.permutation(one) for one in sets)


@pytest.fixture(scope="session")
def deck_of(tiles):
    """`deck_of(n)`: a deck of n tiles, public ones from other photographs; labels say whether a tile is bright."""

    def deck(count, **more):
        images, public = tiles[0][:count], tiles[1]
        light = images.mean(axis=(1, 2, 3))
        more.setdefault("labels", (light > np.median(light)).astype(int))
        return Deck(images=images, public=public, **more)

    return deck
