"""One unknown orthogonal matrix on all blocks: covariances between neighbors and third moments give it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Budget
from pixelveil.attacks.public_images.readings import image_turns

__all__ = [
    "LAGS",
    "Components",
    "Rotation",
    "components",
    "find_rotation",
    "lagged",
    "likeliest_signs",
    "refine",
    "third_moments",
]

Matrix = NDArray[np.float64]

# Steps down and right from a block to those whose values are compared with its own.
LAGS = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0))
_STARTS = 20
_ROWS = 60_000
_CUBED_ROWS = 20_000
# Third moments of so many components count.
_TRIPLES = 24


@dataclass(frozen=True, eq=False)
class Rotation:
    """Where blocks belong and how their components turn into those of plain images.

    Args:
        slot: For each place its block of the ciphertexts, (N,).
        matrix: Orthogonal (r, r): scores of ciphertexts times it are scores of plain images.
        total: How well signs fit; larger is better.
    """

    slot: NDArray[np.int64]
    matrix: Matrix
    total: float


@dataclass(frozen=True, eq=False)
class Components:
    """Blocks in their own principal components, the strongest first, scaled by a power of their variances.

    Args:
        scores: float32 (n, N, r).
        vectors: Orthonormal, (L, r).
        variances: Before scaling, (r,).
        scale: What scores were divided by, (r,).
        mean: Of all blocks, (L,).
    """

    scores: NDArray[np.float32]
    vectors: Matrix
    variances: NDArray[np.float64]
    scale: NDArray[np.float64]
    mean: NDArray[np.float64]


def components(blocks: NDArray[np.float32], *, rank: int, flatten: float = 0.25) -> Components:
    """Return blocks (n, N, L) in their leading principal components.

    Args:
        blocks: Values.
        rank: How many components are kept at most.
        flatten: Scores are divided by ``variance ** flatten``: 0 leaves variances as they are, 1/2 makes all equal.
    """
    count, number, lanes = blocks.shape
    flat = blocks.reshape(-1, lanes)
    mean = flat.mean(axis=0, dtype=np.float64)
    centered = flat - mean.astype(np.float32)
    sample = centered[:: -(-len(centered) // _ROWS)]
    variances, vectors = np.linalg.eigh((sample.T @ sample).astype(np.float64) / len(sample))
    variances, vectors = np.maximum(variances[::-1][:rank], 1e-3), vectors[:, ::-1][:, :rank]
    scale = variances**flatten
    scores = (centered @ (vectors / scale).astype(np.float32)).reshape(count, number, -1)
    return Components(scores, vectors, variances, scale, mean)


def lagged(
    scores: NDArray[np.float32], *, grid: tuple[int, int], lags: Sequence[tuple[int, int]] = LAGS
) -> list[Matrix]:
    """Return the covariances of blocks (n, N, r) with those a step away, one (r, r) for each step that the grid has.

    Args:
        scores: Centered values.
        grid: Rows and columns of blocks.
        lags: Steps down and right.
    """
    (rows, columns), lanes = grid, scores.shape[2]
    values, result = scores.reshape(-1, rows, columns, lanes), []
    for down, right in lags:
        if down >= rows or abs(right) >= columns:
            continue
        here = values[:, : rows - down, max(0, -right) : columns - max(0, right)].reshape(-1, lanes)
        there = values[:, down:, max(0, right) : columns + min(0, right)].reshape(-1, lanes)
        result.append((here.T @ there).astype(np.float64) / len(here))
    return result


def third_moments(scores: NDArray[np.float32], *, count: int) -> NDArray[np.float64]:
    """Return ``E[z_i z_j z_k]`` of the first components (n, N, r), each with variance 1, (count, count, count)."""
    flat = scores.reshape(-1, scores.shape[2])
    flat = flat[:: -(-len(flat) // _CUBED_ROWS), :count]
    flat = flat / np.maximum(flat.std(axis=0), 1e-6)
    size = flat.shape[1]
    pairs = (flat[:, :, None] * flat[:, None, :]).reshape(len(flat), -1)
    moments: NDArray[np.float64] = (pairs.T @ flat).astype(np.float64).reshape(size, size, size) / len(flat)
    return moments


def likeliest_signs(
    pairs: Matrix, triples: NDArray[np.float64], *, generator: np.random.Generator, budget: Budget | None = None
) -> tuple[float, NDArray[np.float64]]:
    """Return signs s with a large ``sum_ij P_ij s_i s_j + sum_ijk T_ijk s_i s_j s_k``, and that sum.

    Single signs are changed from the leading eigenvector of P and from random starts as long as the sum grows.

    Args:
        pairs: Symmetric (r, r).
        triples: Symmetric, of the first components, (m, m, m), m <= r.
        generator: Draws the random starts.
        budget: When it is spent no further start is made; the first always is.
    """
    size, first = len(pairs), len(triples)
    flat = np.ascontiguousarray(triples).reshape(first * first, first)
    pairs = pairs - np.diag(np.diag(pairs))
    leading = np.where(np.linalg.eigh(pairs)[1][:, -1] >= 0, 1.0, -1.0)
    starts = [leading, -leading, *generator.choice([-1.0, 1.0], (_STARTS, size))]
    best = -np.inf, leading
    for number, signs in enumerate(starts):
        if number and budget is not None and budget.spent:
            break
        for _ in range(6 * size):
            pull = 2 * pairs @ signs
            front = signs[:first]
            # Terms in which an index comes twice do not change with its sign's square: the bound is near enough.
            pull[:first] += 3 * ((flat @ front).reshape(first, first) @ front)
            gain = -2 * signs * pull
            index = int(gain.argmax())
            if gain[index] <= 1e-9:
                break
            signs[index] *= -1
        front = signs[:first]
        total = float(signs @ pairs @ signs + front @ (flat @ front).reshape(first, first) @ front)
        if total > best[0]:
            best = total, signs.copy()
    return best


def refine(
    seen: Sequence[Matrix],
    public: Sequence[Matrix],
    *,
    start: Matrix,
    rounds: int = 60,
    budget: Budget | None = None,
) -> Matrix:
    """Return an orthogonal R with a large ``sum_k <C_k, R C'_k R^T>``, by iterated Procrustes.

    ``R <- polar(sum_k C_k R C'_k^T + C_k^T R C'_k)``.

    Args:
        seen: Covariances C_k, (r, r).
        public: Covariances C'_k, as many.
        start: Orthogonal (r, r).
        rounds: How often at most.
        budget: When it is spent no further round is made.
    """
    rotation = start
    for _ in range(rounds):
        if budget is not None and budget.spent:
            break
        step = np.zeros_like(start)
        for own, other in zip(seen, public, strict=True):
            step += own @ rotation @ other.T + own.T @ rotation @ other
        left, _, right = np.linalg.svd(step)
        turned = left @ right
        if np.abs(turned - rotation).max() < 1e-4:
            break
        rotation = turned
    return rotation


def find_rotation(
    seen: Components,
    public: Components,
    *,
    places: NDArray[np.int64],
    grid: tuple[int, int],
    generator: np.random.Generator,
    budget: Budget | None = None,
) -> Rotation:
    """Return the rotation between the components of ciphertexts and of public images.

    Signs come from covariances between neighbors and from third moments, in each of the turns that the layout may have;
    the likeliest turn is refined.

    Args:
        seen: Of the ciphertexts, blocks in any order.
        public: Of public images, blocks in their places.
        places: The place of each block of the ciphertexts, up to a turn of the whole, (N,).
        grid: Rows and columns of blocks.
        generator: Draws random starts.
        budget: When it is spent no further turn is tried; the first always is.
    """
    wanted = lagged(public.scores, grid=grid)
    triples = third_moments(seen.scores, count=_TRIPLES) * third_moments(public.scores, count=_TRIPLES)
    numbers, slot = np.arange(grid[0] * grid[1]).reshape(1, *grid, 1), np.argsort(places)
    found: list[tuple[float, NDArray[np.int64], NDArray[np.float64], list[Matrix]]] = []
    for reading in image_turns(square=grid[0] == grid[1]):
        if found and budget is not None and budget.spent:
            break
        turned = slot[reading(numbers).ravel()]
        covariances = lagged(seen.scores[:, turned], grid=grid)
        pairs = np.zeros((seen.scores.shape[2],) * 2)
        for own, other in zip(covariances, wanted, strict=True):
            pairs += own * other
        total, signs = likeliest_signs((pairs + pairs.T) / 2, triples, generator=generator, budget=budget)
        found.append((total, turned, signs, covariances))
    total, turned, signs, covariances = max(found, key=lambda each: each[0])
    here = [np.diag(seen.variances / seen.scale**2), *covariances]
    there = [np.diag(public.variances / public.scale**2), *wanted]
    return Rotation(turned, refine(here, there, start=np.diag(signs), budget=budget), total)
