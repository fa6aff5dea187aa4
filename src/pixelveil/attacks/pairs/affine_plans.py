"""Known plain images against linear maps: Procrustes where lengths are kept, ridge regression everywhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Images, Pairs, Reconstruction
from pixelveil.attacks.pairs.regression import Decoder, fit_decoder, ridge
from pixelveil.attacks.public_images.columns import public_images
from pixelveil.errors import UsageError
from pixelveil.plans.geometry import join_blocks, split_blocks
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_back, lay_out
from pixelveil.steps.whitening import fit_whitening

__all__ = [
    "KnownPlaintextAffine",
    "Rotation",
    "match_by_lengths",
    "procrustes",
    "rotation_from_pairs",
    "smooth_covariance",
]

Floats = NDArray[np.float64]

# Directions that hold less than this share of the strongest one's energy are rounding, not images.
_RANK = 1e-12
# Correlation of neighboring pixels, and of two colors of one pixel, in photographs.
_NEIGHBORS, _COLORS = 0.95, 0.97
_RIDGE = 1e-6
_ROUNDS = 3
_EXACT = 1e-10
# Where an orthogonal matrix is all there is, no more than rounding is left of pairs.
_ROUNDING = 1e-2
_LEAST_SQUARES = ("svd-wang", "svd-popescu")


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """What pairs tell of ``y_j = Q x_{order[j]}``.

    Args:
        matrix: The partial isometry that is known of Q, (L, L); all of Q where ``rank`` is L.
        order: (N,), the source block of each block.
        rank: In how many directions it is known.
    """

    matrix: Floats = field(repr=False)
    order: NDArray[np.int64] = field(repr=False)
    rank: int

    def read(self, blocks: Floats, *, covariance: Floats) -> Floats:
        """Return plain blocks (n, N, L) of encrypted ones.

        The part of x in the known directions V is ``Q^T y``; what is most likely in the others follows from it,
        ``x = S V (V^T S V)^-1 V^T Q^T y``.

        Args:
            blocks: Encrypted (n, N, L).
            covariance: S of plain blocks, (L, L), up to a factor.
        """
        parts = (blocks @ self.matrix)[:, np.argsort(self.order)]
        if self.rank == self.matrix.shape[0]:
            return parts
        directions = np.linalg.svd(self.matrix)[2][: self.rank]
        spread = directions @ covariance
        weights = np.linalg.solve(spread @ directions.T + _RIDGE * np.eye(self.rank), spread)
        return np.asarray(parts @ directions.T @ weights)

    def unexplained(self, known: Floats, seen: Floats) -> float:
        """Return the share of encrypted blocks that the map does not make of the plain ones, in lengths.

        Args:
            known: Plain blocks (q, N, L).
            seen: Encrypted blocks (q, N, L).
        """
        left = seen - known[:, self.order] @ self.matrix.T
        return float(np.linalg.norm(left) / max(float(np.linalg.norm(seen)), 1e-12))


def smooth_covariance(*, side: int, channels: int) -> Floats:
    """Return correlations of the values of a block of a photograph, (L, L): ``0.95^distance``, 0.97 between colors.

    Args:
        side: Of the block in pixels.
        channels: Values of a pixel.
    """
    places = np.arange(side)
    line = _NEIGHBORS ** np.abs(places[:, None] - places)
    colors = np.full((channels, channels), _COLORS) + (1 - _COLORS) * np.eye(channels)
    return np.asarray(np.kron(np.kron(line, line), colors))


def rotation_from_pairs(known: Floats, seen: Floats, *, scrambled: bool) -> Rotation:
    """Return the orthogonal map and the block order that explain pairs.

    Args:
        known: Plain blocks (q, N, L).
        seen: Encrypted blocks (q, N, L).
        scrambled: Whether blocks changed places.
    """
    order = match_by_lengths(known, seen) if scrambled else np.arange(known.shape[1])
    lanes = known.shape[2]
    for _ in range(_ROUNDS):
        matrix, rank = procrustes(known[:, order].reshape(-1, lanes), seen.reshape(-1, lanes))
        again = _rematched(known @ matrix.T, seen) if scrambled else order
        if np.array_equal(again, order):
            break
        order = again
    return Rotation(matrix=matrix, order=order, rank=rank)


def match_by_lengths(known: Floats, seen: Floats) -> NDArray[np.int64]:
    """Return for each seen block the known one whose lengths over all images are nearest, each once.

    An orthogonal matrix keeps ``|x|``, and with it ``|x_a|^2 + |x_b|^2`` of two images; float ciphertexts match in all
    but equal blocks.

    Args:
        known: (q, N, L).
        seen: (q, N, L).
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    here, there = (np.linalg.norm(blocks, axis=2).T for blocks in (seen, known))
    return np.asarray(linear_sum_assignment(cdist(here, there, "cityblock"))[1], np.int64)


def procrustes(known: Floats, seen: Floats) -> tuple[Floats, int]:
    """Return the orthogonal Q with the smallest ``|seen - known Q^T|``, in as many directions as samples tell.

    ``Q = U V^T`` with ``U S V^T = seen^T known``; directions without samples are left out, so that ``Q^T y`` is the
    part of x in the known ones.

    Args:
        known: Samples (S, L).
        seen: Samples (S, L).

    Returns:
        Q (L, L), and its rank.

    Source: Schoenemann, Psychometrika 31 (1966).

    >>> turned, rank = procrustes(np.eye(3), np.eye(3)[[1, 2, 0]])
    >>> turned.round(6).tolist(), rank
    ([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], 3)
    """
    left, values, right = np.linalg.svd(seen.T @ known)
    rank = int((values > _RANK * values[:1].max(initial=1e-300)).sum())
    return left[:, :rank] @ right[:rank], rank


def _rematched(made: Floats, seen: Floats) -> NDArray[np.int64]:
    """Return the order in which what the map makes of known blocks is nearest to the seen ones."""
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    blocks = made.shape[1]
    here, there = (values.transpose(1, 0, 2).reshape(blocks, -1) for values in (seen, made))
    return np.asarray(linear_sum_assignment(cdist(here, there))[1], np.int64)


@dataclass(frozen=True, kw_only=True)
class KnownPlaintextAffine(Attack):
    """Take back linear maps that images share: an orthogonal matrix on blocks, a projection, a basis.

    * Orthogonal: blocks match by their lengths, the matrix is a Procrustes solution. One photograph of 196 blocks tells
      196 of 768 directions, those that photographs have most energy in; the others are filled in as a smooth picture
      would have them. Four photographs tell all. Where pairs show that blocks were whitened first, they are matched
      after a whitening of public images; many pairs then give the whole map by least squares.
    * Factorizations and projections: ridge regression from encrypted rows, or from whole encrypted images where pairs
      are many, whichever predicts pairs better that it was not fitted on.

    Source: Schoenemann (1966); Liu, Giannella and Kargupta (2006) on rotated data; the design study of this project.
    """

    name: ClassVar[str] = "known-plaintext-affine"
    title: ClassVar[str] = "Known plaintext against orthogonal matrices, projections and bases"
    citation: ClassVar[str] = "design study of this project; after Liu, Giannella and Kargupta, PKDD (2006)"
    access: ClassVar[Access] = "pairs"
    cost: ClassVar[str] = "cubic in the values of a block or in the number of pairs; seconds"

    def obstacle(self, scheme: Scheme) -> str:
        """Return why known images tell about no other; empty where they share a linear map."""
        if scheme.name == "vit-orthogonal":
            shared = scheme.key_policy == "shared"
            return "" if shared else "every image has a matrix of its own: a known one tells about no other"
        return "" if scheme.name in _LEAST_SQUARES else "no linear map of many values is shared by its images"

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims; see `Attack.run`. It is one decomposition, so that the budget is not looked at."""
        self.check(evidence)
        pairs = evidence.pairs
        assert pairs is not None  # noqa: S101 (for the type checker: check has made sure)
        if not len(pairs.plain) or pairs.plain.shape[1:] != evidence.shape:
            raise UsageError(f"pairs of {pairs.plain.shape} tell nothing about images of {evidence.shape}")
        read = _read_rotated if evidence.scheme.name == "vit-orthogonal" else _read_projected
        images, facts = read(evidence, pairs)
        if advance:
            advance(1, 1)
        clipped = np.rint(np.clip(images, 0, 255)).astype(np.uint8)
        return Reconstruction(images=clipped, facts={"pairs": len(pairs.plain), **facts})


def _read_rotated(evidence: Evidence, pairs: Pairs) -> tuple[Images, dict[str, float | int | str]]:
    scheme, block = evidence.scheme, (evidence.scheme.block, evidence.scheme.block)
    known = split_blocks(lay_out(pairs.plain, block=block[0], planes=scheme.planes), block=block).astype(np.float64)
    seen = split_blocks(pairs.encrypted.astype(np.float64), block=block)
    scrambled = bool(scheme.parameters["scramble_blocks"])
    found = rotation_from_pairs(known, seen, scrambled=scrambled)
    victims = split_blocks(evidence.ciphertexts[: evidence.victims].astype(np.float64), block=block)
    whitened = evidence.public is not None and found.unexplained(known, seen) > _ROUNDING
    if whitened:
        whitening = fit_whitening(public_images(evidence), block_size=scheme.block)
        found, blocks = _read_whitened(known, seen, victims, whitening=whitening, scrambled=scrambled)
    else:
        blocks = found.read(victims, covariance=smooth_covariance(side=block[0], channels=evidence.shape[2]))
    images = join_blocks(blocks, shape=evidence.ciphertexts.shape[1:], block=block)
    return lay_back(images, shape=evidence.shape, planes=scheme.planes), {"rank": found.rank, "whitened": int(whitened)}


def _read_whitened(
    known: Floats, seen: Floats, victims: Floats, *, whitening: Mapping[str, Floats], scrambled: bool
) -> tuple[Rotation, Floats]:
    """Return the orthogonal map after a whitening like the one that is given, and the victims' plain blocks."""
    matrix, mean = whitening["matrix"], whitening["mean"]
    found, lanes = rotation_from_pairs((known - mean) @ matrix.T, seen, scrambled=scrambled), len(mean)
    samples = seen.reshape(-1, lanes)
    if len(samples) > 2 * lanes:  # then the pairs themselves tell what whitening it was
        line = ridge(samples, known[:, found.order].reshape(-1, lanes), strength=_EXACT)
        return found, line(victims.reshape(-1, lanes)).reshape(victims.shape)[:, np.argsort(found.order)]
    return found, found.read(victims, covariance=np.eye(lanes)) @ np.linalg.inv(matrix).T + mean


def _read_projected(evidence: Evidence, pairs: Pairs) -> tuple[Images, dict[str, float | int | str]]:
    found: Decoder = fit_decoder(pairs.encrypted, pairs.plain)
    images = found.decode(evidence.ciphertexts[: evidence.victims])
    return images, {"decoder": found.unit, "strength": found.strength}
