"""Real images that installed packages bring along; nothing is ever downloaded.

Files are read from inside the packages rather than through their functions, which would fetch what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pixelveil.data.decode import decode_image
from pixelveil.demo.result import DataFacts
from pixelveil.errors import MissingExtraError
from pixelveil.training.dataset import ArrayImages

__all__ = ["PHOTOGRAPHS", "DemoData", "Photograph", "digits_data", "handwritten_digits", "photographs"]

# (package, file, title, whose it is); all may be used and changed freely, the last two with the author named.
PHOTOGRAPHS: tuple[tuple[str, str, str, str], ...] = (
    ("skimage.data", "astronaut.png", "astronaut", "Eileen Collins, NASA, public domain"),
    ("skimage.data", "coffee.png", "coffee", "Rachel Michetti, CC0"),
    ("skimage.data", "chelsea.png", "cat", "Stefan van der Walt, CC0"),
    ("skimage.data", "rocket.jpg", "rocket", "SpaceX, public domain"),
    ("sklearn.datasets.images", "china.jpg", "temple", "danielbuechele, CC BY 2.0"),
    ("sklearn.datasets.images", "flower.jpg", "flower", "vultilion, CC BY 2.0"),
)


@dataclass(frozen=True)
class DemoData:
    """The images of one run.

    Args:
        facts: What the report says about them.
        training: Images to learn from.
        validation: Images that choose the best epoch.
        test: Images that everything is measured on.
        given_test: The test images as they were given, if some were set aside; else nothing.
        shown: Pictures for the report.
    """

    facts: DataFacts
    training: ArrayImages
    validation: ArrayImages
    test: ArrayImages
    given_test: ArrayImages | None
    shown: tuple[Photograph, ...]


@dataclass(frozen=True)
class Photograph:
    """One picture to show.

    Args:
        title: What it is called in the report.
        credit: Whose it is and under which terms; empty for a user's own.
        pixels: uint8, shape (side, side, 3).
    """

    title: str
    credit: str
    pixels: NDArray[np.uint8]


def photographs(*, size: int = 224) -> tuple[Photograph, ...]:
    """Return the photographs that are installed, each scaled and cropped to a square.

    Args:
        size: Side in pixels.

    Raises:
        MissingExtraError: Not one is installed.
    """
    found = []
    for package, name, title, credit in PHOTOGRAPHS:
        try:
            file = resources.files(package) / name
        except ModuleNotFoundError:
            continue
        if file.is_file():
            with resources.as_file(file) as path:
                found.append(Photograph(title=title, credit=credit, pixels=decode_image(path, size=size)))
    if not found:
        raise MissingExtraError("the demo's photographs", extra="demo")
    return tuple(found)


def handwritten_digits(*, size: int = 32) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the 1,797 handwritten digits of scikit-learn, enlarged.

    They are the test part of Alpaydin and Kaynak's *Optical Recognition of Handwritten Digits* (UCI, CC BY 4.0),
    8x8 pixels with 17 levels, written by 13 people, and they stand in the order in which people wrote.

    Args:
        size: Side in pixels.

    Returns:
        Images, uint8, shape (1797, size, size, 3), and labels, shape (1797,).

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingExtraError("the demo's digits", extra="demo") from error

    digits: Any = load_digits()
    levels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    enlarged = [np.asarray(Image.fromarray(level).resize((size, size), Image.Resampling.BICUBIC)) for level in levels]
    return np.repeat(np.stack(enlarged)[..., None], 3, axis=3), np.asarray(digits.target, np.int64)


def digits_data(*, size: int = 32) -> DemoData:
    """Return the digits, cut in three without mixing: hardly any writer is in two parts.

    Args:
        size: Side in pixels.
    """
    images, labels = handwritten_digits(size=size)
    first, second = int(0.65 * len(images)), int(0.75 * len(images))
    parts = [
        ArrayImages(images[part], labels=labels[part])
        for part in (slice(0, first), slice(first, second), slice(second, None))
    ]
    facts = DataFacts(
        name="Handwritten digits (scikit-learn)",
        classes=tuple(str(digit) for digit in range(10)),
        image_size=size,
        training=len(parts[0]),
        validation=len(parts[1]),
        test=len(parts[2]),
        split="They are cut in the order in which 13 people wrote them, so that hardly anyone's hand is in two parts. "
        f"The originals have 8 x 8 pixels; they were enlarged to {size} x {size}.",
    )
    shown = photographs()[:3]
    return DemoData(facts=facts, training=parts[0], validation=parts[1], test=parts[2], given_test=None, shown=shown)
