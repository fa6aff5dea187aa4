"""The layout of scrambled blocks: those next to each other are linked in all images, whatever was done inside them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Budget
from pixelveil.attacks.public_images.assignment import fit_of, improve_by_swaps, matches, relax_from
from pixelveil.attacks.public_images.correlations import with_values_of

__all__ = ["column_links", "embedding", "find_layout", "matrix_links"]

Links = NDArray[np.float64]

_STRONGEST = 6
# Links are strong: so many images show them.
_LINKED = 600
_NEAREST = (4, 6, 8, 12)
_ANGLES = 12
_KEPT = 5
# Powers of the links and how far each step strays from what it starts with: coarse first, then neighbors alone.
_STEPS = ((1, 0.5), (2, 0.3), (4, 0.3))


def column_links(columns: NDArray[np.float32], *, budget: Budget | None = None) -> Links:
    """Return for each two blocks the mean of their strongest absolute correlations, (N, N).

    It does not change when values inside blocks are shuffled or inverted.

    Args:
        columns: Standardized values of blocks, (n, N, L); the first 600 images count.
        budget: When it is spent the blocks that are left are linked to nothing but those before them.
    """
    columns = columns[:_LINKED]
    count, blocks, lanes = columns.shape
    flat = columns.reshape(count, blocks * lanes)
    links = np.zeros((blocks, blocks))
    strongest = min(_STRONGEST, lanes * lanes)
    for block in range(blocks):
        if budget is not None and budget.spent:
            break
        both = np.abs(columns[:, block].T @ flat).reshape(lanes, blocks, lanes).transpose(1, 0, 2)
        links[block] = np.partition(both.reshape(blocks, -1), -strongest, axis=1)[:, -strongest:].mean(axis=1)
    result: Links = (links + links.T) / (2 * count)
    np.fill_diagonal(result, 1)
    return result


def matrix_links(blocks: NDArray[np.float32]) -> Links:
    """Return for each two blocks the RV coefficient of their values, ``|C_ab|^2 / (|C_aa| |C_bb|)``, (N, N).

    It does not change when all blocks are multiplied by orthogonal matrices. What chance adds to it is taken off
    (U-centered Gram matrices, Szekely and Rizzo, Annals of Statistics 42, 2014).

    Args:
        blocks: Values of blocks, (n, N, L).
    """
    count, number, _ = blocks.shape
    centered = (blocks - blocks.mean(axis=0)).transpose(1, 0, 2)
    grams = centered @ centered.swapaxes(1, 2)
    own = np.arange(count)
    grams[:, own, own] = 0
    sums = grams.sum(axis=2) / max(count - 2, 1)
    grams += sums.sum(axis=1)[:, None, None] / max(count - 1, 1) - sums[:, :, None] - sums[:, None, :]
    grams[:, own, own] = 0
    flat = grams.reshape(number, -1)
    inner = (flat @ flat.T).astype(np.float64)
    size = np.sqrt(np.maximum(np.diag(inner), 1e-12))
    links: Links = np.sqrt(np.maximum(inner / np.outer(size, size), 0))
    return links


def embedding(links: Links, *, nearest: int) -> NDArray[np.float64]:
    """Return a plane map of blocks (N, 2) whose distances are shortest paths over linked neighbors (Isomap).

    Source: Tenenbaum, de Silva and Langford, Science 290 (2000).

    Args:
        links: (N, N).
        nearest: How many neighbors of each block are joined to it.
    """
    from scipy.sparse.csgraph import shortest_path

    number = len(links)
    order = np.argsort(-(links - 2 * np.eye(number)), axis=1)[:, : min(nearest, number - 1)]
    joined = np.zeros((number, number), bool)
    joined[np.arange(number)[:, None], order] = True
    # Zeros are no edges to SciPy: equal blocks keep a little distance.
    paths = shortest_path(np.where(joined | joined.T, np.maximum(1 - links, 0) + 0.02, 0), directed=False)
    finite = np.isfinite(paths)
    paths[~finite] = 1.5 * paths[finite].max()
    center = np.eye(number) - 1 / number
    values, vectors = np.linalg.eigh(-0.5 * center @ (paths**2) @ center)
    points: NDArray[np.float64] = vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0))
    return points / max(float(np.sqrt((points**2).mean())), 1e-12)


def find_layout(
    links: Links,
    public: Links,
    *,
    generator: np.random.Generator,
    starts: int = 6,
    budget: Budget | None = None,
) -> NDArray[np.int64]:
    """Return for each block of the ciphertexts its place, (N,).

    Plane maps of both link matrices, turned and mirrored, and some random starts are improved by quadratic assignment.

    Args:
        links: Of the ciphertexts' blocks, (N, N).
        public: Of public images' blocks, the same measure.
        generator: Draws random starts.
        starts: Of the quadratic assignment beside those from maps.
        budget: When it is spent, no further start is improved; spent before the beginning, blocks stay.
    """
    if budget is not None and budget.spent:
        return np.arange(len(links))
    seen = with_values_of(links, public)
    sharp, sharp_public = seen ** _STEPS[-1][0], public ** _STEPS[-1][0]
    maps = sorted(_mapped(seen, public), key=lambda places: -fit_of(sharp, sharp_public, places))[:_KEPT]
    random = [places for _, places in matches(seen, public, starts=starts, generator=generator, budget=budget)]
    best, best_fit = maps[0], -np.inf
    for number, start in enumerate([*maps, *random[:_KEPT]]):
        if number and budget is not None and budget.spent:
            break
        places = start
        for power, stray in _STEPS:
            if budget is not None and budget.spent:
                break
            places = relax_from(seen**power, public**power, places=places, stray=stray, budget=budget)
        places = improve_by_swaps([sharp], [sharp_public], places=places, budget=budget)
        fit = fit_of(sharp, sharp_public, places)
        if fit > best_fit:
            best, best_fit = places, fit
    return best


def _mapped(seen: Links, public: Links) -> Iterator[NDArray[np.int64]]:
    """Yield the places that turned and mirrored maps of the ciphertexts' blocks give."""
    from scipy.optimize import linear_sum_assignment

    target = embedding(public, nearest=_NEAREST[1])
    for nearest in _NEAREST:
        points = embedding(seen, nearest=nearest)
        for mirror in (1, -1):
            for angle in np.arange(_ANGLES) * (2 * np.pi / _ANGLES):
                turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
                turned = (points * (1, mirror)) @ turn
                distances = ((turned[:, None] - target[None]) ** 2).sum(axis=2)
                yield linear_sum_assignment(distances)[1].astype(np.int64)
