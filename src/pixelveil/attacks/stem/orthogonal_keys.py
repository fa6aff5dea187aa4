"""Orthogonal keys from two patch embeddings, and from what ciphertexts must look like where the embedding has drifted.

Without drift ``K' = K A^T`` gives A by the Procrustes problem (Schoenemann, Psychometrika 31, 1966). Fine-tuning moves
K, by far the most along the mean block, which all gradients share; and the mean block is also by far the largest part
of every block, so that a small error there is seen everywhere. But ciphertexts show where the key has put it: with T
the images of the eigenvectors v of public blocks' second moments, of eigenvalues e, the estimate is the least of ::

    |K' T - K V|^2 / (2 c) + (n / 2) sum_i t_i^T S t_i / e_i

over orthogonal T, with the second moments S of the ciphertexts, the variance c of the drift, and a weight n for how
far public blocks are trusted. Its curvature tells how far each two directions may be turned into each other, hence
what is uncertain of a decrypted block. Source: this project.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from pixelveil.attacks.attack import Images
from pixelveil.attacks.stem.embedding import Floats, PatchEmbedding
from pixelveil.attacks.stem.tokens import Errors, Prior

__all__ = ["Isometry", "Seen", "find_isometry", "procrustes"]

# A residual below this share of the kernel's energy is what float32 tensors leave, not drift.
_ROUNDING = 1e-10

# Second moments of public blocks are trusted as if they were known from so many blocks of the victims' own kind.
_TRUST = 30.0
_ROUNDS = 40
_SMALLEST_STEP = 1e-3
_GAIN = 1e-7


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """Moments of the ciphertexts' blocks.

    Args:
        mean: float64 (L,).
        moments: float64 (L, L), of second order, about zero.
        images: Of how many images.
    """

    mean: Floats = field(repr=False)
    moments: Floats = field(repr=False)
    images: int

    @classmethod
    def of(cls, embedding: PatchEmbedding, ciphertexts: Images) -> Self:
        """Return them for ciphertexts (n, H, W, C), grey levels, as an encrypted embedding reads them."""
        blocks = embedding.blocks(ciphertexts).reshape(-1, embedding.lanes)
        return cls(mean=blocks.mean(axis=0), moments=blocks.T @ blocks / len(blocks), images=len(ciphertexts))


@dataclass(frozen=True, kw_only=True, eq=False)
class Isometry:
    """An orthogonal key on r directions: ``left^T y`` reads ``right^T x``.

    Args:
        left: (L, r), orthonormal.
        right: (L, r), orthonormal.
        errors: What is wrong with these readings; None: nothing.
        unexplained: Share of the encrypted kernel that no isometry explains, 0 to 1.
    """

    left: Floats = field(repr=False)
    right: Floats = field(repr=False)
    errors: Errors | None
    unexplained: float


def find_isometry(encrypted: Floats, base: Floats, *, prior: Prior, seen: Seen | None = None) -> Isometry:
    """Return the orthogonal key that turned one kernel into another.

    Args:
        encrypted: K', (D, L).
        base: K, (D, L), perhaps before some fine-tuning.
        prior: Of plain blocks.
        seen: Moments of ciphertexts; None: they do not help. They only do where D >= L.
    """
    left, right = procrustes(encrypted, base)
    residual = float(np.square(encrypted - base @ right @ left.T).sum())
    share, errors = residual / float(np.square(encrypted).sum()), None
    if share > _ROUNDING:
        (width, lanes), rank = base.shape, right.shape[1]
        drift = residual / (width * lanes - rank * lanes + rank * (rank + 1) / 2)
        if seen is not None and rank == lanes:
            left, right, turns = _refine(left @ right.T, encrypted, base, drift=drift, prior=prior, seen=seen)
            errors = _errors(turns, right, readings=right, prior=prior)
        else:
            energies, axes = np.linalg.eigh(base.T @ base)
            energies = np.maximum(energies, 1e-12 * energies[-1])
            errors = _errors(drift / np.add.outer(energies, energies), axes, readings=right, prior=prior)
    return Isometry(left=left, right=right, errors=errors, unexplained=share**0.5)


def procrustes(encrypted: Floats, base: Floats) -> tuple[Floats, Floats]:
    """Return U and V, (L, r) each, with ``A = U V^T`` on the row space of K: the isometry nearest to ``K'^T K``.

    Args:
        encrypted: K' = K A^T, (D, L).
        base: K, (D, L).

    >>> base = np.random.default_rng(0).normal(size=(8, 4))
    >>> turn = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    >>> left, right = procrustes(base @ turn.T, base)
    >>> bool(np.allclose(left @ right.T, turn))
    True
    """
    from scipy.linalg import svd

    # The faster driver of LAPACK fails on some kernels of smooth filters, whose singular values span many decades.
    left, sizes, right = svd(encrypted.T @ base, lapack_driver="gesvd")
    rank = int((sizes > 1e-10 * sizes[0]).sum())
    return left[:, :rank], right[:rank].T


def _refine(
    start: Floats, encrypted: Floats, base: Floats, *, drift: float, prior: Prior, seen: Seen
) -> tuple[Floats, Floats, Floats]:
    """Return T and V, and the variance of the turn in the plane of each two directions, (L, L).

    Newton's method on the turns with the diagonal of its matrix alone, each step as far as it gains (Cayley).
    """
    values, right = np.linalg.eigh(prior.covariance + np.outer(prior.mean, prior.mean))
    values = np.maximum(values, 1e-9 * values[-1])
    energy, target, one = encrypted.T @ encrypted, base @ right, np.eye(len(values))

    def cost(left: Floats) -> float:
        kernel = np.square(encrypted @ left - target).sum() / drift
        return float(kernel + _TRUST * ((seen.moments @ left) * left / values).sum()) / 2

    left, step = start @ right, 1.0
    least, turns = cost(left), np.zeros_like(energy)
    for _ in range(_ROUNDS):
        slope = encrypted.T @ (encrypted @ left - target) / drift + _TRUST * (seen.moments @ left) / values
        pull = left.T @ slope
        stiff = [np.einsum("ij,ik,kj->j", left, one_of, left, optimize=True) for one_of in (energy, seen.moments)]
        bend = stiff[0] / drift + _TRUST * stiff[1] / values[:, None]
        bend, own = bend + bend.T, np.diag(pull)
        curvature = np.maximum(bend - own[:, None] - own, 0.1 * bend)
        turns, move = 1 / curvature, (pull.T - pull) / curvature
        gained = False
        while step > _SMALLEST_STEP and not gained:
            moved = left @ np.linalg.solve(one - step / 2 * move, one + step / 2 * move)
            found = cost(moved)
            gained = found < least - _GAIN * abs(least)
            step = min(1.0, 2 * step) if gained else step / 2
        if not gained:
            break
        left, least = moved, found
    return left, right, turns


def _errors(turns: Floats, axes: Floats, *, readings: Floats, prior: Prior) -> Errors:
    """Return what turns of such variances in the planes of each two axes do to readings.

    To first order reading i goes wrong by the sum over j of the turn of i and j times the part of a block along j; the
    part that the mean block has in it is the same for all blocks.

    Args:
        turns: Variances, (L, L); those of more than a random turn are none.
        axes: (L, L), orthonormal.
        readings: (L, r), orthonormal.
        prior: Of the blocks.
    """
    turns = np.minimum(turns, 1 / len(axes))
    own = turns @ np.einsum("ij,ik,kj->j", axes, prior.covariance, axes, optimize=True)
    common = turns @ np.square(axes.T @ prior.mean)
    basis = readings.T @ axes
    return Errors(own=(basis * own) @ basis.T, common=(basis * common) @ basis.T)
