"""Random crops of the photographs that scikit-image and scikit-learn ship: images without any download."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["crops", "photograph"]

_OF_SCIKIT_LEARN = ("china", "flower")


def photograph(name: str) -> NDArray[np.uint8]:
    """Return one photograph, uint8 (H, W, 3)."""
    from skimage import data
    from sklearn.datasets import load_sample_image

    found: NDArray[np.uint8] = load_sample_image(f"{name}.jpg") if name in _OF_SCIKIT_LEARN else getattr(data, name)()
    return found


def crops(names: Sequence[str], count: int, *, side: int = 32, scale: int = 4, seed: int = 0) -> NDArray[np.uint8]:
    """Return random crops of photographs in turn, averaged over ``scale`` pixels a side.

    Args:
        names: Of the photographs.
        count: How many crops.
        side: Of a crop in pixels, after averaging.
        scale: Pixels that become one.
        seed: Of the places.
    """
    generator, sources = np.random.default_rng(seed), [photograph(name) for name in names]
    pictures = []
    for number in range(count):
        source = sources[number % len(sources)]
        top, left = (int(generator.integers(size - side * scale + 1)) for size in source.shape[:2])
        crop = source[top : top + side * scale, left : left + side * scale]
        pictures.append(crop.reshape(side, scale, side, scale, 3).mean(axis=(1, 3)))
    return np.rint(pictures).astype(np.uint8)
