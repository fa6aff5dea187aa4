"""A copy of a secret patch encoder, from plain and encoded images whose matching is only guessed at first."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from pixelveil.attacks.attack import Budget, Images
from pixelveil.attacks.games.patches import aligned
from pixelveil.attacks.games.rehearsal import calibrated, similarity
from pixelveil.plans.geometry import split_blocks
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_out
from pixelveil.steps import OrthogonalMixing
from pixelveil.steps.patch_encoder import PatchEncoder
from pixelveil.steps.set_shuffle import SetShuffle

__all__ = ["Copy", "added_vectors", "fit_copy", "no_encoder", "patch_features", "recover_encoder"]

Floats = NDArray[np.float32]

_RANK = 96
_RANDOM = 512
_SEED = 13
_STRENGTHS = (1e-4, 1e-2, 1e-1, 1.0)
_SURE = 0.5
# Patches that a copy is fitted on at most.
_PATCHES = 16_000


def no_encoder(scheme: Scheme) -> str:
    """Return why there is no encoder to copy; empty where there is.

    >>> from pixelveil.schemes import create_scheme
    >>> no_encoder(create_scheme("neuracrypt")), no_encoder(create_scheme("vit-orthogonal", key_policy="derived"))
    ('', 'every image has an encoder of its own')
    """
    if not any(isinstance(step, OrthogonalMixing | PatchEncoder) for step in scheme.steps()):
        return "it has no secret map of patches to vectors; the attacks on pairs read what moves or inverts values"
    return "" if scheme.key_policy == "shared" else "every image has an encoder of its own"


@dataclass(frozen=True, kw_only=True, eq=False)
class Copy:
    """A copy of a secret encoder, as far as its leading components go.

    Args:
        weights: (features, r): what a patch adds to the mean of its position.
        scale: Each component counts in this unit, its error, (r,).
    """

    weights: Floats = field(repr=False)
    scale: Floats = field(repr=False)

    def __call__(self, features: Floats) -> Floats:
        """Return what patches (n, N, features) add, (n, N, r), in units of their errors."""
        return np.asarray(features @ self.weights / self.scale, np.float32)


def patch_features(scheme: Scheme, images: Images) -> Floats:
    """Return features of patches (n, N, k): values, their differences from the image's mean patch, random ReLU units.

    Args:
        scheme: Whose patches they are.
        images: uint8 (n, H, W, C).
    """
    block = scheme.block
    images = lay_out(images, block=block, planes=scheme.planes)
    patches = (split_blocks(images, block=(block, block)).astype(np.float32) - 127.5) / 127.5
    both = np.concatenate([patches, patches - patches.mean(axis=1, keepdims=True)], axis=-1)
    spread = both.std(axis=1, keepdims=True)  # units are normalized over the patches of an image
    normal = both / np.maximum(spread, 0.1)
    generator = np.random.default_rng(_SEED)
    width = both.shape[-1]
    units = generator.normal(size=(width, _RANDOM)).astype(np.float32) / np.sqrt(width).astype(np.float32)
    return np.concatenate([both, np.maximum(normal @ units, 0), np.maximum(2 * both @ units, 0)], axis=-1)


def fit_copy(features: Floats, added: Floats) -> Copy:
    """Return the ridge regression from patches to what they add, of the strength that fits images held out best.

    Args:
        features: (n, N, k) of matched images.
        added: (n, N, r), what their encodings add to the mean.
    """
    most = max(_PATCHES // features.shape[1], 8)
    features, added = features[:most], added[:most]
    held = np.arange(len(features)) % 4 == 0
    rows, targets = (one[held].reshape(-1, one.shape[-1]) for one in (features, added))
    train, test = _products(features[~held], added[~held]), _products(features[held], added[held])
    found = []
    for strength in _STRENGTHS:
        errors = np.mean((rows @ _ridge(*train, strength=strength) - targets) ** 2, axis=0)
        found.append((float(errors.mean()), strength, errors))
    _, strength, errors = min(found, key=lambda one: one[0])
    scale = np.sqrt(errors) + 1e-3 * float(added.std())
    both = train[0] + test[0], train[1] + test[1]
    return Copy(weights=_ridge(*both, strength=strength), scale=np.asarray(scale, np.float32))


def recover_encoder(
    features: Floats, added: Floats, answers: NDArray[np.intp], *, rounds: int, budget: Budget | None = None
) -> tuple[Copy, NDArray[np.intp], NDArray[np.intp]]:
    """Return a copy of the encoder, the order of patches, and which image is which, from a first guess of the latter.

    Each round estimates the order of patches, fits a copy on the images that are matched best, and matches again by
    what the copy makes of the plain images.

    Args:
        features: (K, N, k) of the plain images.
        added: (K, N, r) of the encoded ones, in another order, patches in one order for all.
        answers: First guess of the plain image of each encoded one, (K,).
        rounds: How often.
        budget: When it is spent, the rounds that are left are not played.
    """
    count = len(added)
    lengths = np.linalg.norm(features - features.mean(axis=0), axis=-1), np.linalg.norm(added, axis=-1)
    # Patch order[q] of a plain image is patch q of its encoding.
    order, sure = _assign(_correlations(lengths[0][answers], lengths[1])), np.arange(count)
    copy = fit_copy(features[answers][:, order][sure], added[sure])
    for _ in range(rounds):
        if budget is not None and budget.spent:
            break
        made = copy(features)
        target = added / copy.scale
        order = _assign(np.einsum("npr,nqr->pq", made[answers[sure]], target[sure], optimize=True))
        scores = calibrated(similarity(made[:, order].reshape(count, -1), target.reshape(count, -1)))
        found, places = linear_sum_assignment(scores, maximize=True)
        answers = np.empty(count, np.intp)
        answers[places] = found
        margin = scores[answers, np.arange(count)]
        sure = np.argsort(-margin)[: max(int(_SURE * count), 8)]
        copy = fit_copy(features[answers][:, order][sure], added[sure])
    return copy, order, answers


def added_vectors(scheme: Scheme, encoded: Images) -> Floats:
    """Return what patches of encoded images add to the mean of their position, in leading components, (n, N, r).

    Args:
        scheme: The scheme.
        encoded: (n, H', W', C'), all under one key.
    """
    side = scheme.block if encoded.shape[1] % scheme.block == 0 and encoded.shape[3] <= 3 else 1
    vectors = split_blocks(encoded, block=(side, side)).astype(np.float32)
    if any(isinstance(step, SetShuffle) for step in scheme.steps()):
        vectors = aligned(vectors)
    vectors = vectors - vectors.mean(axis=0)
    flat = vectors.reshape(-1, vectors.shape[-1])
    variances, directions = np.linalg.eigh((flat.T @ flat).astype(np.float64))
    leading = directions[:, ::-1][:, : min(_RANK, len(variances))].astype(np.float32)
    return np.asarray(vectors @ leading, np.float32)


def _correlations(left: Floats, right: Floats) -> NDArray[np.float64]:
    """Return correlations of columns (n, p) and (n, q), (p, q)."""
    both = [(one - one.mean(axis=0)) / np.maximum(one.std(axis=0), 1e-9) for one in (left, right)]
    return np.asarray(both[0].T @ both[1] / len(left), np.float64)


def _assign(scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return for each column its row, each once."""
    rows, columns = linear_sum_assignment(scores, maximize=True)
    answer = np.empty(len(columns), np.intp)
    answer[columns] = rows
    return answer


def _products(features: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """Return what a regression needs of its rows, whatever its strength."""
    rows, values = features.reshape(-1, features.shape[-1]), targets.reshape(-1, targets.shape[-1])
    return rows.T @ rows, rows.T @ values


def _ridge(products: Floats, values: Floats, *, strength: float) -> Floats:
    weight = strength * float(np.trace(products)) / len(products)
    return np.linalg.solve(products + weight * np.eye(len(products), dtype=np.float32), values)
