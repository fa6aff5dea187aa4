"""A fixed bank of features for any picture, whatever made it: values, cells, textures and layout. Nothing is trained.

It stands for a pretrained network where none is at hand. It knows no scheme: each family looks at what people and
networks look at, and some do not care for a picture's negative, its order of colors, its turning or its order of parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Images

__all__ = ["FAMILIES", "bank_features", "pictures"]

Floats = NDArray[np.float32]

_SEED = 23
_VALUES = 1 << 18  # pixels that are looked at together; responses take 400 bytes each
_QUANTILES = 17
_SIDES = (1, 2, 4)
_CELLS = (4, 8, 16)
_FILTERS = 12
_GRID = 8
_MIDDLE = np.float32(127.5)
_RANGE = 99.5  # percent of float values that lie within the range of a picture


def pictures(images: Images) -> Floats:
    """Return any batch as pictures of three channels, about 0 to 255.

    Floats are moved and scaled as a set: from the middle of all, so that nearly all of them fit. Of images with other
    numbers of channels than one and three, mean, spread and largest value of each pixel are the three.

    Args:
        images: (n, H', W', C'), uint8 or float.

    Returns:
        float32 (n, H', W', 3).

    >>> pictures(np.zeros((2, 4, 4, 1), np.uint8)).shape, pictures(np.ones((2, 4, 4, 9))).shape
    ((2, 4, 4, 3), (2, 4, 4, 3))
    """
    values = images.astype(np.float32)
    if values.shape[-1] not in (1, 3):
        values = np.stack([values.mean(axis=-1), values.std(axis=-1), values.max(axis=-1)], axis=-1)
        values = (values - values.mean(axis=(0, 1, 2))) / np.maximum(values.std(axis=(0, 1, 2)), 1e-6)
    if images.dtype != np.uint8 or images.shape[-1] not in (1, 3):
        middle = np.median(values)
        reach = max(float(np.percentile(np.abs(values - middle), _RANGE)), 1e-6)
        values = (values - middle) * np.float32(_MIDDLE / reach) + _MIDDLE
    return np.repeat(values, 3, axis=-1) if values.shape[-1] == 1 else values


def bank_features(images: Images) -> Mapping[str, Floats]:
    """Return the features of a batch, by family.

    Args:
        images: (n, H', W', C'), uint8 or float.

    Returns:
        float32 (n, d) for each of `FAMILIES`.
    """
    # The range of floats is that of the set, so it is settled before the set is cut.
    values = pictures(images)
    step = max(1, _VALUES // (values.shape[1] * values.shape[2]))
    chunks = [values[start : start + step] for start in range(0, len(values), step)]
    return {name: np.concatenate([family(chunk) for chunk in chunks]) for name, family in FAMILIES.items()}


def _colors(values: Floats, *, side: int) -> Floats:
    """Return quantiles of each channel and of luminance, and the mean products of channels."""
    small = _reduced(values, side)
    light = small.mean(axis=-1, keepdims=True)
    flat = (small - light).reshape(len(small), -1, 3)
    products = flat.transpose(0, 2, 1) @ flat / flat.shape[1]
    rows = (np.sign(products) * np.sqrt(np.abs(products))).reshape(len(small), -1)
    return np.concatenate([_quantiles(np.concatenate([small, light], axis=-1)), rows], axis=1)


def _tones(values: Floats, *, side: int) -> Floats:
    """Return quantiles of distances from mid gray, sorted within the pixel, and of saturation; a negative has them."""
    small = _reduced(values, side)
    folded = np.sort(np.abs(small - _MIDDLE), axis=-1)
    return _quantiles(np.concatenate([folded, _saturation(small)], axis=-1))


def _cells(values: Floats, *, side: int) -> Floats:
    """Return quantiles over cells, in any order, of their energy and contrast."""
    centered = values - _MIDDLE
    mean = _reduced(centered, side)
    energy = _reduced(np.square(centered).mean(axis=-1, keepdims=True), side)
    contrast = np.maximum(energy - np.square(mean).mean(axis=-1, keepdims=True), 0)
    return _quantiles(np.sqrt(np.concatenate([energy, contrast], axis=-1)))


def _textures(values: Floats, *, side: int) -> Floats:
    """Return quantiles of responses to random filters; turned and mirrored pictures have the same."""
    return _quantiles(_responses(_reduced(values, side)))


def _outlines(values: Floats, *, side: int) -> Floats:
    """Return responses to random filters in their places."""
    return _grid(_responses(_reduced(values, side)))


def _layout(values: Floats) -> Floats:
    """Return the colors of 8x8 cells in their places."""
    return _grid(values)


def _folded_layout(values: Floats) -> Floats:
    """Return distances from mid gray, sorted within the pixel, and saturation in their places."""
    return _grid(np.concatenate([np.sort(np.abs(values - _MIDDLE), axis=-1), _saturation(values)], axis=-1))


FAMILIES: Mapping[str, Callable[[Floats], Floats]] = {
    "layout": _layout,
    "folded layout": _folded_layout,
    **{f"colors {side}": partial(_colors, side=side) for side in _SIDES},
    **{f"tones {side}": partial(_tones, side=side) for side in _SIDES},
    **{f"cells {side}": partial(_cells, side=side) for side in _CELLS},
    **{f"textures {side}": partial(_textures, side=side) for side in _SIDES},
    **{f"outlines {side}": partial(_outlines, side=side) for side in _SIDES},
}
"""What is looked at, by name and by the side of cells in pixels: pictures (n, H, W, 3) to rows (n, d)."""


def _responses(values: Floats) -> Floats:
    """Return absolute responses of luminance to random filters of 3x3 pixels, summed over turns and mirrorings.

    Random filters, rectified and pooled, tell textures nearly as trained ones do: Saxe et al., ICML (2011).
    """
    bank = np.random.default_rng(_SEED).normal(size=(_FILTERS, 3, 3)).astype(np.float32)
    bank -= bank.mean(axis=(1, 2), keepdims=True)
    bank /= np.linalg.norm(bank, axis=(1, 2), keepdims=True)
    orbit = np.stack([np.rot90(side, turn, axes=(1, 2)) for side in (bank, bank[:, :, ::-1]) for turn in range(4)])
    light = np.pad(values.mean(axis=-1), ((0, 0), (1, 1), (1, 1)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(light, (3, 3), axis=(1, 2))
    responses = np.abs(windows.reshape(*windows.shape[:3], 9) @ orbit.reshape(8 * _FILTERS, 9).T)
    return np.asarray(responses.reshape(*responses.shape[:3], 8, _FILTERS).sum(axis=3))


def _saturation(values: Floats) -> Floats:
    """Return the largest less the smallest channel of each pixel, (n, h, w, 1): no order of colors, no negative."""
    return np.asarray(values.max(axis=-1, keepdims=True) - values.min(axis=-1, keepdims=True))


def _reduced(values: Floats, side: int) -> Floats:
    """Return means of cells of ``side`` pixels; edges that fill no cell are left out, smaller images stay."""
    count, height, width, channels = values.shape
    rows, columns = height // side, width // side
    if side == 1 or rows == 0 or columns == 0:
        return values
    whole = values[:, : rows * side, : columns * side]
    return np.asarray(whole.reshape(count, rows, side, columns, side, channels).mean(axis=(2, 4)), np.float32)


def _grid(values: Floats) -> Floats:
    """Return means over 8x8 equal cells, flattened; pixels of smaller images are repeated."""
    for axis in (1, 2):
        if (size := values.shape[axis]) < _GRID:
            values = values.take(np.arange(_GRID) * size // _GRID, axis=axis)
    rows, columns = (np.linspace(0, size, _GRID + 1).astype(int) for size in values.shape[1:3])
    sums = np.add.reduceat(np.add.reduceat(values, rows[:-1], axis=1), columns[:-1], axis=2)
    areas = np.diff(rows)[:, None] * np.diff(columns)[None]
    return np.asarray((sums / areas[..., None]).reshape(len(values), -1), np.float32)


def _quantiles(values: Floats) -> Floats:
    """Return quantiles of each channel over all places, (n, 17 C)."""
    flat = np.sort(values.reshape(len(values), -1, values.shape[-1]), axis=1)
    places = np.linspace(0, flat.shape[1] - 1, _QUANTILES).astype(int)
    return np.asarray(flat[:, places].reshape(len(values), -1), np.float32)
