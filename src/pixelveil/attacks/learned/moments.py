"""Moments: what means and covariances give of ciphertexts under one key, before any network learns.

In each cell the principal components of ciphertexts are taken for those of public images, in the order of their
variances. Signs, which a covariance does not tell, are found together: public images say how a component of one cell
goes with that of another, and the signs that agree with it most are the first eigenvector of both matrices, multiplied
entry by entry. The same agreement is the weight of the component, so that noise adds little.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Moments", "Principal", "common_signs", "match_moments", "principal_components"]

Floats = NDArray[np.float32]

# Beyond so many values of a cell its axes come from a matrix of images, of which so many take part.
_LANES = 256
_IMAGES = 256
_ANCHORS = 512
_LEAST = 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class Principal:
    """Principal components of each cell.

    Args:
        center: Means, (cells, D).
        axes: Unit vectors, the largest variance first, (cells, k, D).
        spread: Standard deviations along them, (cells, k).
    """

    center: Floats = field(repr=False)
    axes: Floats = field(repr=False)
    spread: Floats = field(repr=False)

    def scores(self, columns: Floats) -> Floats:
        """Return standardized components (n, cells, k) of columns (n, cells, D)."""
        parts = (columns - self.center).transpose(1, 0, 2) @ self.axes.transpose(0, 2, 1)
        return np.asarray(parts.transpose(1, 0, 2) / np.maximum(self.spread, _LEAST), np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """``x = m + sum_k a_k s_k <v_k, z - n> / t_k u_k`` in each cell: an affine map of low rank.

    Args:
        encrypted: n, v, t: components of ciphertexts.
        plain: m, u, s: components of public images.
        signs: Of each component in each cell, (cells, k).
        agreement: a: how far public images agree with each component over all cells, 0 to 1, (k,).
    """

    encrypted: Principal
    plain: Principal
    signs: Floats = field(repr=False)
    agreement: Floats

    def __call__(self, columns: Floats) -> Floats:
        """Return columns (n, cells, D) of ciphertexts as columns (n, cells, D') of images."""
        weights = self.signs * self.plain.spread * self.agreement
        parts = (self.encrypted.scores(columns) * weights).transpose(1, 0, 2) @ self.plain.axes
        return np.asarray(parts.transpose(1, 0, 2) + self.plain.center, np.float32)

    @property
    def turns(self) -> tuple[Floats, Floats]:
        """The isometries ``sum_k u_k v_k^T`` of the cells, as u (cells, k, D') and v (cells, k, D)."""
        return self.plain.axes * self.signs[..., None], self.encrypted.axes


def principal_components(columns: Floats, *, count: int) -> Principal:
    """Return the first principal components of each cell.

    Args:
        columns: float32 (n, cells, D).
        count: How many, at most D and n.
    """
    center = columns.mean(axis=0)
    rows = (columns - center).transpose(1, 0, 2)
    if rows.shape[2] <= _LANES:
        values, vectors = np.linalg.eigh(rows.transpose(0, 2, 1) @ rows / rows.shape[1])
        axes = vectors[:, :, ::-1][:, :, :count].transpose(0, 2, 1)
        spread = np.sqrt(np.maximum(values[:, ::-1][:, :count], 0))
    else:
        rows = rows[:, :_IMAGES]
        values, vectors = np.linalg.eigh(rows @ rows.transpose(0, 2, 1) / rows.shape[1])
        spread = np.sqrt(np.maximum(values[:, ::-1][:, :count], 0))
        axes = vectors[:, :, ::-1][:, :, :count].transpose(0, 2, 1) @ rows
        axes = axes / np.maximum(np.linalg.norm(axes, axis=2, keepdims=True), _LEAST)
    return Principal(center=center, axes=np.ascontiguousarray(axes, np.float32), spread=spread.astype(np.float32))


def common_signs(encrypted: Floats, plain: Floats) -> tuple[Floats, float]:
    """Return the signs under which one component of all cells goes together as in public images, and how well it does.

    Args:
        encrypted: Standardized scores of ciphertexts, (n, cells).
        plain: The same of public images, (m, cells).

    Returns:
        1 or -1 for each cell, up to one sign for all; correlation of the two matrices, not below 0.

    >>> generator = np.random.default_rng(0)
    >>> scores = generator.normal(size=(300, 1)) + 0.5 * generator.normal(size=(300, 4))
    >>> signs, agreement = common_signs(scores[:150] * [1, -1, -1, 1], scores[150:])
    >>> (signs * signs[0]).tolist(), agreement > 0.5
    ([1.0, -1.0, -1.0, 1.0], True)
    """
    cells = encrypted.shape[1]
    if cells == 1:
        return np.ones(1, np.float32), 1.0
    anchors = np.unique(np.linspace(0, cells - 1, min(cells, _ANCHORS)).astype(np.intp))
    ours = encrypted.T @ encrypted[:, anchors] / len(encrypted)
    theirs = plain.T @ plain[:, anchors] / len(plain)
    ours[anchors, np.arange(len(anchors))] = theirs[anchors, np.arange(len(anchors))] = 0
    first = np.linalg.eigh(ours[anchors] * theirs[anchors])[1][:, -1]
    signs = np.where(np.einsum("pa,pa,a->p", ours, theirs, first) < 0, -1, 1).astype(np.float32)
    few, public = ours[anchors] * signs[anchors] * signs[anchors, None], theirs[anchors]
    norm = float(np.sqrt((few * few).sum() * (public * public).sum()))
    return signs, max(float((few * public).sum()) / norm, 0.0) if norm > 0 else 0.0


def match_moments(encrypted: Floats, plain: Floats, *, count: int, middle: float | None = None) -> Moments:
    """Return the affine map of each cell that gives ciphertexts the means and covariances of public images.

    The one sign that is left for each component is that of its third moments and, where the scheme only moves and
    inverts values about a middle, of its means.

    Args:
        encrypted: Columns of ciphertexts under one key, float32 (n, cells, D).
        plain: Columns of public images, float32 (m, cells, D').
        count: Components at most.
        middle: What inversions leave as it is; None: unknown.
    """
    count = min(count, encrypted.shape[2], plain.shape[2], len(encrypted) - 1, len(plain) - 1)
    ours, theirs = (principal_components(columns, count=count) for columns in (encrypted, plain))
    left, right = ours.scores(encrypted), theirs.scores(plain)
    signs, agreement = np.ones((encrypted.shape[1], count), np.float32), np.zeros(count, np.float32)
    thirds = np.asarray((left * left * left).mean(axis=0) * (right * right * right).mean(axis=0) / 6)
    if middle is not None:
        offsets = [one.scores(np.full((1, *one.center.shape), middle, np.float32))[0] for one in (ours, theirs)]
        thirds = thirds + offsets[0] * offsets[1]
    for number in range(count):
        found, agreement[number] = common_signs(left[:, :, number], right[:, :, number])
        signs[:, number] = found if (found * thirds[:, number]).sum() >= 0 else -found
    return Moments(encrypted=ours, plain=theirs, signs=signs, agreement=agreement)
