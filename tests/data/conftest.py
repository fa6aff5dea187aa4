"""Small drawn images in folders, as the data tests need them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pixelveil.keys import Key


def draw(number: int, *, size: tuple[int, int] = (24, 16)) -> Image.Image:
    """Draw a picture that differs with its number: a ramp, a disc and a bar."""
    width, height = size
    ramp = np.add.outer(np.arange(height) * 3, np.arange(width) * 5 + 17 * number) % 256
    image = Image.fromarray(np.stack([ramp, ramp[::-1], 255 - ramp], axis=-1).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    pen.ellipse((number % width, 2, number % width + 7, 9), fill=(200, 30 * number % 256, 40))
    pen.rectangle((0, number % height, 5, number % height + 2), fill=(5, 250, 9 * number % 256))
    return image


@pytest.fixture
def key() -> Key:
    return Key.generate(budget=10_000)


@pytest.fixture
def folder(tmp_path) -> Callable[..., Path]:
    """Return a maker of folders: paths of images are drawn, one size for all."""

    def make(*paths: str, size: tuple[int, int] = (24, 16), name: str = "plain") -> Path:
        root = tmp_path / name
        for number, path in enumerate(paths):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            draw(number, size=size).save(root / path)
        return root

    return make


@pytest.fixture
def pets(folder) -> Path:
    """Two splits of two classes with telling names, 22 images."""
    paths = [
        f"{split}/{label}/patient-{label}-{number:02}.png"
        for split, count in (("train", 7), ("test", 4))
        for label in ("cat", "dog")
        for number in range(count)
    ]
    return folder(*paths)
