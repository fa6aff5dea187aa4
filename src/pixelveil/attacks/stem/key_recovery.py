"""The key itself, from the encrypted patch embedding beside the plain one: K' = K A^-1 is solved for A.

* Permutations and inversions: the columns of K' are those of K, some with the other sign, so that matching columns by
  their correlation gives the key, for any width and far beyond the drift of fine-tuning.
* Orthogonal matrices: the Procrustes problem, with second moments of ciphertexts where the base has drifted, see
  `orthogonal_keys`. Where the embedding is narrower than a block, the key is known on the row space of K, and the rest
  of a block is estimated.
* Any other matrix: least squares, which is what decoding tokens does.

The block order is that of the nearest rows of the position table. Source: the design study of this project; the
transformation is that of Kiya et al., IEICE Trans. E106-D(1), 2023.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Budget, Images, Reconstruction
from pixelveil.attacks.stem.embedding import Floats, PatchEmbedding
from pixelveil.attacks.stem.evidence import ModelEvidence, held
from pixelveil.attacks.stem.model_attack import ModelAttack
from pixelveil.attacks.stem.orthogonal_keys import Seen, find_isometry
from pixelveil.attacks.stem.positions import Order, order_from_base
from pixelveil.attacks.stem.tokens import Prior, as_images, common_error, decoder, prior_of
from pixelveil.plans import AffinePlan
from pixelveil.plans.geometry import join_blocks
from pixelveil.schemes import Scheme
from pixelveil.steps import OrthogonalMixing
from pixelveil.steps.whitening import Whitening

__all__ = ["Kind", "RecoveredKey", "StemKey", "kind_of", "match_columns", "recover_key"]

Kind = Literal["signed", "orthogonal", "affine"]
"""What the key does inside a block, as the scheme says."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RecoveredKey:
    """What undoes a key, as it was found.

    Args:
        plan: Decrypts images whose blocks are all under the key of the first position.
        embedding: The encrypted patch embedding, which brings blocks there.
        agreement: How well the two embeddings fit under the key: the correlation of matched columns, or the share of
            the encrypted kernel that the key explains.
    """

    plan: AffinePlan
    embedding: PatchEmbedding = field(repr=False)
    agreement: float

    def decrypt(self, ciphertexts: Images) -> Images:
        """Return uint8 images (n, H, W, C) of ciphertexts in grey levels."""
        side, shape = (self.embedding.side,) * 2, ciphertexts.shape[1:]
        turned = join_blocks(self.embedding.blocks(ciphertexts), shape=(shape[0], shape[1], shape[2]), block=side)
        return as_images(self.plan.apply(turned))


def match_columns(encrypted: Floats, base: Floats) -> tuple[NDArray[np.int64], NDArray[np.int8], float]:
    """Return the signed permutation by which columns moved, ``K'[:, l] = sign[l] K[:, index[l]]``.

    The sum of absolute correlations is the largest possible with no column taken twice. Cost: O(D L^2 + L^3).

    Args:
        encrypted: K', (D, L).
        base: K, (D, L), perhaps before some fine-tuning.

    Returns:
        int64 (L,), int8 (L,), and the mean absolute correlation of matched columns.

    >>> base = np.random.default_rng(0).normal(size=(16, 3))
    >>> index, sign, agreement = match_columns(base[:, [2, 0, 1]] * [1, -1, 1], base)
    >>> index.tolist(), sign.tolist(), round(agreement, 6)
    ([2, 0, 1], [1, -1, 1], 1.0)
    """
    from scipy.optimize import linear_sum_assignment

    units = [kernel / np.maximum(np.linalg.norm(kernel, axis=0), 1e-300) for kernel in (encrypted, base)]
    alike = units[0].T @ units[1]
    index = linear_sum_assignment(np.abs(alike), maximize=True)[1].astype(np.int64)
    matched = np.take_along_axis(alike, index[:, None], axis=1)[:, 0]
    return index, np.where(matched < 0, -1, 1).astype(np.int8), float(np.abs(matched).mean())


def recover_key(
    encrypted: PatchEmbedding,
    base: PatchEmbedding,
    *,
    kind: Kind,
    prior: Prior,
    order: Order | None = None,
    ciphertexts: Images | None = None,
) -> RecoveredKey:
    """Return what undoes the key that turned one patch embedding into another.

    Args:
        encrypted: K' and k'.
        base: K and k, one kernel for all positions.
        kind: What the key does inside blocks.
        prior: Of plain blocks; it fills in what a narrow embedding does not tell.
        order: int64 (N,), source block of each place; None: blocks stayed.
        ciphertexts: (n, H, W, C), grey levels: they correct an orthogonal key when the base has drifted.
    """
    many = encrypted.by_position
    kernels = encrypted.kernel if many else encrypted.kernel[None]
    biases = encrypted.bias if many else encrypted.bias[None]
    seen = None if many or ciphertexts is None else Seen.of(encrypted, ciphertexts)
    if kind == "signed":
        found = [_undo_signed(kernel, base) for kernel in kernels]
    elif kind == "orthogonal":
        found = [_undo_orthogonal(kernel, base, prior, seen) for kernel in kernels]
    else:
        found = [_undo_affine(kernel, bias, base, prior) for kernel, bias in zip(kernels, biases, strict=True)]
    back = None if order is None else np.argsort(order)
    places = back if many and back is not None else range(len(found))
    matrices, offsets = (np.stack([found[place][part] for place in places]) for part in (0, 1))
    plan = AffinePlan(
        matrix=matrices if many else matrices[0],
        offset=offsets if many else offsets[0],
        block_order=back,
        channels=base.channels,
    )
    return RecoveredKey(plan=plan, embedding=encrypted, agreement=float(np.mean([one[2] for one in found])))


def kind_of(scheme: Scheme) -> Kind:
    """Return what a scheme does inside blocks; its steps are public."""
    if any(isinstance(step, Whitening) for step in scheme.steps()):
        return "affine"  # whitened before it is turned: no longer an isometry of the plain embedding
    return "orthogonal" if any(isinstance(step, OrthogonalMixing) for step in scheme.steps()) else "signed"


def _undo_signed(encrypted: Floats, base: PatchEmbedding) -> tuple[Floats, Floats, float]:
    """Return matrix and offset of ``x = A^-1 (y - c)`` for y = x[index], or 255 - x[index] where the sign is -1."""
    index, sign, agreement = match_columns(encrypted, base.kernel)
    matrix = np.zeros((len(index), len(index)))
    matrix[index, np.arange(len(index))] = sign
    return matrix, -matrix @ np.where(sign < 0, 255.0, 0.0), agreement


def _undo_orthogonal(
    encrypted: Floats, base: PatchEmbedding, prior: Prior, seen: Seen | None
) -> tuple[Floats, Floats, float]:
    """Return them for y = A x with an orthogonal A; what it does not tell of a block comes from the prior."""
    found = find_isometry(encrypted, base.kernel, prior=prior, seen=seen)
    reading = found.right.T
    expected = reading @ prior.mean
    if found.errors is not None and seen is not None:
        rest = found.left.T @ seen.mean - expected
        expected = expected + common_error(rest, matrix=reading, prior=prior, errors=found.errors, images=seen.images)
    gain = decoder(reading, prior=prior, errors=found.errors)
    return gain @ found.left.T, prior.mean - gain @ expected, 1.0 - found.unexplained


def _undo_affine(encrypted: Floats, bias: Floats, base: PatchEmbedding, prior: Prior) -> tuple[Floats, Floats, float]:
    """Return them for any matrix and offset: what decodes the tokens."""
    gain = decoder(base.kernel, prior=prior)
    matrix = gain @ encrypted
    left = np.linalg.norm(base.kernel @ matrix - encrypted) / np.linalg.norm(encrypted)
    offset = prior.mean + gain @ (bias - base.bias - base.kernel @ prior.mean)
    return matrix, offset, 1.0 - float(left)


@dataclass(frozen=True, kw_only=True)
class StemKey(ModelAttack):
    """Compute the key from the encrypted model and the one it comes from, and decrypt with it.

    Unlike decoding tokens it holds when the base was fine-tuned before it was encrypted: columns are matched at any
    realistic drift, and an orthogonal matrix is averaged over all rows. It breaks every scheme that a model absorbs;
    a base that is secret, or unrelated, gives no key.
    """

    name: ClassVar[str] = "stem-key"
    title: ClassVar[str] = "The key from an encrypted model and the public one it comes from"
    citation: ClassVar[str] = "design study of this project"
    access: ClassVar[Access] = "model"
    cost: ClassVar[str] = "cubic in the values of a block and in the number of blocks; once per key"
    needs: ClassVar[tuple[str, ...]] = ("base",)

    def run(
        self,
        evidence: ModelEvidence,
        *,
        budget: Budget | None = None,
        advance: Callable[[int, int], None] | None = None,
    ) -> Reconstruction:
        """Read the victims; see `ModelAttack.run`. The work is one pass, so that the budget is not looked at."""
        self.check(evidence)
        known, layout = held(evidence.base, "base"), evidence.layout
        found = order_from_base(evidence.stem.tensors, known, layout=layout)
        key = recover_key(
            evidence.embedding,
            evidence.embedding_of(known, layout=layout.in_form("shared")),
            kind=kind_of(evidence.scheme),
            prior=prior_of(evidence),
            order=None if found is None else found.order,
            ciphertexts=evidence.ciphertexts,
        )
        if advance:
            advance(1, 1)
        return Reconstruction(
            images=key.decrypt(evidence.ciphertexts[: evidence.victims]),
            facts={"agreement": key.agreement, "position_agreement": found.agreement if found else 1.0},
        )
