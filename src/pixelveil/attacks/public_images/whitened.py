"""Blocks whitened before one orthogonal matrix: inside a block nothing is left, between neighbors there is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Budget
from pixelveil.attacks.public_images.correlations import standardized
from pixelveil.attacks.public_images.layout import column_links, find_layout, matrix_links
from pixelveil.attacks.public_images.orthogonal import Components, Rotation, find_rotation, lagged

__all__ = ["is_white", "neighbor_components", "read_whitened_blocks"]

# Natural blocks have some tens of times as much variance in their first direction as in the mean of all.
_PEAK = 4.0
_LINKED = 300
_PASSES = 2


def is_white(blocks: NDArray[np.float32]) -> bool:
    """Tell whether blocks (n, N, L) have about the same variance in all directions, as natural ones never do.

    Few blocks never do: their covariance has a peak by chance.
    """
    flat = blocks.reshape(-1, blocks.shape[2])
    flat = flat[:: -(-len(flat) // 20_000)]
    centered = flat - flat.mean(axis=0)
    variances = np.linalg.eigvalsh((centered.T @ centered).astype(np.float64))
    # What chance adds to the largest of L variances that are all one, of S blocks (Marchenko and Pastur).
    chance = (1 + np.sqrt(flat.shape[1] / len(flat))) ** 2
    return bool(variances[-1] < _PEAK * chance * variances.mean())


def neighbor_components(blocks: NDArray[np.float32], *, slot: NDArray[np.int64], grid: tuple[int, int]) -> Components:
    """Return centered blocks in the eigenvectors of the symmetrized covariance of neighbors, the largest first.

    ``S = sum_k C_k + C_k^T`` over the steps right and down: it does not change when the layout is turned as a whole.

    Args:
        blocks: (n, N, L), in any order.
        slot: For each place its block, (N,).
        grid: Rows and columns of blocks.
    """
    mean = blocks.mean(axis=(0, 1), dtype=np.float64)
    centered = blocks - mean.astype(np.float32)
    covariance = np.zeros((blocks.shape[2],) * 2)
    for one in lagged(centered[:, slot], grid=grid, lags=((0, 1), (1, 0))):
        covariance += one + one.T
    vectors = np.linalg.eigh(covariance)[1][:, ::-1]
    size = np.sqrt(np.maximum((centered**2).mean(dtype=np.float64), 1e-6))
    scores: NDArray[np.float32] = centered @ (vectors / size).astype(np.float32)
    ones = np.ones(vectors.shape[1])
    return Components(scores, vectors, ones, ones * size, mean)


def read_whitened_blocks(
    blocks: NDArray[np.float32],
    *,
    public: NDArray[np.float32],
    grid: tuple[int, int],
    scrambled: bool,
    victims: int,
    generator: np.random.Generator,
    budget: Budget | None = None,
) -> NDArray[np.float32]:
    """Return the blocks of the first images (victims, N, L), whitened as public ones are, in place and without mean.

    Right up to a turn of the image, an order of channels and a sign. Eigenvectors of neighbors' covariances take the
    place of principal components; signs, iterated Procrustes over all steps and the layout are as against blocks that
    were not whitened (`read_blocks`).

    Args:
        blocks: Of ciphertexts, (n, N, L).
        public: Of other images, (m, N, L), whitened as the attacker does it.
        grid: Rows and columns of blocks.
        scrambled: Whether blocks have changed places.
        victims: How many images are read.
        generator: Draws random starts.
        budget: When it is spent, the layout is not looked for once more.
    """
    slot = places = np.arange(blocks.shape[1])
    wanted = neighbor_components(public, slot=slot, grid=grid)
    if scrambled:
        links = matrix_links(blocks[:_LINKED]), matrix_links(public[:_LINKED])
        places = find_layout(links[0], links[1], generator=generator, budget=budget)
    best, own = _rotation(blocks, wanted, places=places, grid=grid, generator=generator, budget=budget)
    for _ in range(_PASSES if scrambled else 0):
        if budget is not None and budget.spent:
            break
        read = _read(own, best, wanted)
        links = column_links(standardized(read)), column_links(standardized(public))
        order = np.argsort(find_layout(links[0], links[1], generator=generator, budget=budget))
        places = np.argsort(best.slot[order])
        again, seen = _rotation(blocks, wanted, places=places, grid=grid, generator=generator, budget=budget)
        if again.total <= best.total * (1 + 1e-3):
            break
        best, own = again, seen
    return _read(own, best, wanted)[:victims]


def _rotation(
    blocks: NDArray[np.float32],
    wanted: Components,
    *,
    places: NDArray[np.int64],
    grid: tuple[int, int],
    generator: np.random.Generator,
    budget: Budget | None,
) -> tuple[Rotation, Components]:
    own = neighbor_components(blocks, slot=np.argsort(places), grid=grid)
    return find_rotation(own, wanted, places=places, grid=grid, generator=generator, budget=budget), own


def _read(own: Components, rotation: Rotation, public: Components) -> NDArray[np.float32]:
    back = (rotation.matrix * public.scale) @ public.vectors.T
    result: NDArray[np.float32] = own.scores[:, rotation.slot] @ back.astype(np.float32)
    return result
