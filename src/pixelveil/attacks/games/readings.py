"""What a player looks at in an encrypted image: small sets of numbers, some of which no key hides."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pixelveil.attacks.attack import Images
from pixelveil.attacks.games.cells import cells_of
from pixelveil.attacks.games.patches import patch_residuals
from pixelveil.schemes import Scheme
from pixelveil.steps.set_shuffle import SetShuffle

__all__ = ["Reading", "readings_for", "sketch"]

Floats = NDArray[np.float32]
Reading = Callable[[Images], Floats]
"""Turns a batch (n, H', W', C') into rows (n, d)."""

_LONGEST = 4096
_MOST_BLOCKS = 256
_QUANTILES = 128
_ROWS = 48
_SEED = 11
# Values of a part, when images are read some at a time.
_PART = 1 << 24


def readings_for(scheme: Scheme, *, shape: tuple[int, int, int]) -> Mapping[str, Reading]:
    """Return everything that is worth a look, by name; what follows from the steps comes first, what is slow last.

    Args:
        scheme: With its public parameters.
        shape: (H, W, C) of the plain images.
    """
    found: dict[str, Reading] = {}
    if (cells := cells_of(scheme)) is not None:
        found["cells"] = _sketched(cells)
    laid, made = scheme.laid_out_shape(shape), scheme.encrypted_shape(shape)
    side = scheme.block if made[0] * scheme.block != laid[0] else 1
    blocks = (made[0] // side) * (made[1] // side)
    if made[0] % side == 0 and made[1] % side == 0 and 1 < blocks <= _MOST_BLOCKS:
        found["blocks"] = _sketched(lambda images: gram_of_blocks(images, side=side))
    if any(isinstance(step, SetShuffle) for step in scheme.steps()):
        found["patches"] = lambda images: sketch(patch_residuals(images))
    found |= {
        "energy": energy_means,
        "values": lambda images: _by_parts(value_quantiles, images),
        "edges": edge_means,
        "thumbnail": lambda images: _by_parts(lambda part: cell_means(part.astype(np.float32)), images),
        "rows": _sketched(gram_of_rows),
        "spectrum": spectrum,
        "pixels": _sketched(lambda images: images.reshape(len(images), -1)),
        "distances": distance_profile,
    }
    return found


def sketch(rows: NDArray[np.float32], *, longest: int = _LONGEST) -> Floats:
    """Return rows with at most ``longest`` numbers, distances about kept.

    Each old number is added to a new one or taken off, at random but always alike.

    Source: Charikar, Chen and Farach-Colton, ICALP (2002), count sketch.

    Args:
        rows: (n, d).
        longest: Numbers kept.

    >>> sketch(np.ones((2, 10), np.float32)).shape, sketch(np.ones((2, 10), np.float32), longest=4).shape
    ((2, 10), (2, 4))
    """
    width = rows.shape[1]
    if width <= longest:
        return rows
    generator = np.random.default_rng(_SEED)
    signs = generator.choice(np.array([-1, 1], np.float32), width)
    places = generator.integers(longest, size=width)
    sums = sparse.csr_matrix((signs, (np.arange(width), places)), shape=(width, longest))
    return np.asarray(rows @ sums, np.float32)


def value_quantiles(images: Images) -> Floats:
    """Return quantiles of all values and of their distances from the middle: what a histogram tells."""
    flat = images.reshape(len(images), -1).astype(np.float32)
    places = np.linspace(0, flat.shape[1] - 1, min(_QUANTILES, flat.shape[1])).astype(int)
    middle = 127.5 if images.dtype == np.uint8 else np.float32(0)
    return np.concatenate([np.sort(one, axis=1)[:, places] for one in (flat, np.abs(flat - middle))], axis=1)


def gram_of_blocks(images: Images, *, side: int) -> Floats:
    """Return inner products of all pairs of blocks, blocks sorted by length: orthogonal maps and any order keep them.

    Args:
        images: (n, H', W', C').
        side: Of a block in pixels.
    """
    count, height, width, channels = images.shape
    # Floats are taken as they are: the mean of a set is no invariant.
    values = images - np.float32(127.5 if images.dtype == np.uint8 else 0)
    parts = values.astype(np.float32).reshape(count, height // side, side, width // side, side, channels)
    blocks = parts.transpose(0, 1, 3, 2, 4, 5).reshape(count, -1, side * side * channels)
    products = blocks @ blocks.transpose(0, 2, 1)
    order = np.argsort(np.diagonal(products, axis1=1, axis2=2), axis=1)
    products = np.take_along_axis(products, order[:, :, None], axis=1)
    products = np.take_along_axis(products, order[:, None, :], axis=2)
    number = products.shape[1]
    products = products[:, *np.triu_indices(number)]
    return np.asarray(np.sign(products) * np.sqrt(np.abs(products)), np.float32)


def gram_of_rows(images: Images) -> Floats:
    """Return inner products of rows, channel by channel: maps of columns, as projections are, about keep them."""
    values = images.astype(np.float32)
    step = -(-values.shape[1] // _ROWS)
    planes = values[:, ::step].transpose(0, 3, 1, 2)[:, :3]
    products = planes @ planes.transpose(0, 1, 3, 2)
    result = products[..., *np.triu_indices(products.shape[-1])].reshape(len(images), -1)
    return np.asarray(np.sign(result) * np.sqrt(np.abs(result)), np.float32)


def spectrum(images: Images) -> Floats:
    """Return logarithms of the singular values of up to three channels, largest first: secret rotations keep them."""
    planes = (images - _center(images)).transpose(0, 3, 1, 2)[:, :3]
    found = np.linalg.svd(planes, compute_uv=False)
    return np.asarray(np.log1p(found).reshape(len(images), -1), np.float32)


def cell_means(values: Floats, *, sides: tuple[int, ...] = (4, 8, 16)) -> Floats:
    """Return means over grids of about so many cells a side, of values (n, H', W', C')."""
    found: list[Floats] = []
    for side in sides:
        if side > min(values.shape[1:3]) and found:
            break
        rows, columns = (np.linspace(0, size, min(side, size) + 1).astype(int) for size in values.shape[1:3])
        sums = np.add.reduceat(np.add.reduceat(values, rows[:-1], axis=1), columns[:-1], axis=2)
        areas = np.diff(rows)[:, None] * np.diff(columns)[None]
        found.append((sums / areas[..., None]).reshape(len(values), -1))
    return sketch(np.concatenate(found, axis=1).astype(np.float32))


def energy_means(images: Images) -> Floats:
    """Return mean distances from the middle over grids of cells: no inversion changes them."""
    center = _center(images)
    return _by_parts(lambda part: cell_means(np.abs(part - center).mean(axis=-1, keepdims=True)), images)


def edge_means(images: Images) -> Floats:
    """Return mean steps between neighbors over grids of cells, of folded values sorted within their pixel."""
    center = _center(images)

    def steps(part: Images) -> Floats:
        values = np.sort(np.abs(part - center), axis=-1)
        down = np.abs(np.diff(values, axis=1, append=values[:, -1:]))
        right = np.abs(np.diff(values, axis=2, append=values[:, :, -1:]))
        return cell_means(np.concatenate([down, right], axis=-1))

    return _by_parts(steps, images)


def distance_profile(images: Images) -> Floats:
    """Return, for each image, its sorted distances to all others of the set: projections under one key keep them."""
    flat = sketch(images.reshape(len(images), -1).astype(np.float32))
    flat = flat - flat.mean(axis=0)
    squares = np.square(flat).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * flat @ flat.T, 0))
    places = np.linspace(0, len(flat) - 1, 64).astype(int)
    profile = np.sort(distances, axis=1)[:, places]
    return np.asarray(profile / max(float(profile.mean()), 1e-9), np.float32)


def _sketched(reading: Callable[[Images], NDArray[np.generic]]) -> Reading:
    return lambda images: _by_parts(lambda part: sketch(reading(part).astype(np.float32)), images)


def _by_parts(reading: Callable[[Images], Floats], images: Images) -> Floats:
    """Return a reading of each image alone, made of some images at a time: floats of all would fill the memory."""
    size = max(1, _PART // max(1, images[0].size))
    return np.concatenate([reading(images[start : start + size]) for start in range(0, len(images), size)])


def _center(images: Images) -> Floats:
    """Return the middle of the range of bytes; of floats the mean of the set."""
    if images.dtype == np.uint8:
        return np.full(images.shape[-1], 127.5, np.float32)
    return np.asarray(images.mean(axis=(0, 1, 2)), np.float32)
