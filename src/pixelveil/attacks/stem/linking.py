"""Two encrypted models beside each other: whether they come from one base, and what turns one key into the other.

Tokens of all keys of one base are in one basis: ``K'_1 y_1 + k'_1 = K'_2 y_2 + k'_2`` for the ciphertexts of one image.
So ``K'_1^+ K'_2 = A_1 A_2^-1`` translates ciphertexts of one client into another's, exactly where the embedding is at
least as wide as a block has values, though neither key nor base is known. In a model with a kernel for each position
the same ratio brings all positions under the key of the first.

Source: the design study of this project.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pixelveil.attacks.stem.embedding import Floats, PatchEmbedding, read_embedding
from pixelveil.attacks.stem.positions import order_from_base
from pixelveil.errors import UsageError
from pixelveil.plans import AffinePlan

if TYPE_CHECKING:
    from pixelveil.models import Stem

__all__ = ["Link", "link", "to_first_position", "translation"]

# Singular values below this share of the largest are rounding errors of float32 tensors.
_CUT = 1e-6


@dataclass(frozen=True, kw_only=True)
class Link:
    """Whether two encrypted models come from one base.

    Args:
        kernel: Correlation of the angles between rows of the two patch embeddings; 1 under orthogonal keys.
        span: Overlap of what their columns span, above chance; None where they span everything.
        positions: Share of position rows that have a partner.
        same_base: Whether one of the three says so.
    """

    kernel: float | None
    span: float | None
    positions: float | None
    same_base: bool


def link(first: Stem, second: Stem) -> Link:
    """Return whether two stems come from one base, by what no key changes.

    Args:
        first: A stem.
        second: Another one, of the same architecture and image size.
    """
    from pixelveil.models.resemblance import resemblance

    found = resemblance(first, reference=second.tensors)
    return Link(kernel=found.kernel, span=found.span, positions=found.positions, same_base=found.known)


def translation(*, source: Stem, target: Stem) -> AffinePlan:
    """Return the plan that turns ciphertexts for one stem into ciphertexts for another.

    Args:
        source: The stem of the ciphertexts.
        target: A stem of the same base under another key.

    Returns:
        In grey levels; apply it to float64 images. Where the embedding is narrower than a block it gives the part that
        the embedding reads, so that the target's model answers the same all the same.

    Raises:
        UsageError: A stem holds a key for each position.

    The translated ciphertext is ``A_t A_s^-1 (y - c_s) + c_t``, blocks in the target's order.
    """
    ours, theirs = (_shared(stem) for stem in (target, source))
    found = order_from_base(target.tensors, source.tensors, layout=target.info.layout)
    back = np.linalg.pinv(ours.kernel, rcond=_CUT)
    return AffinePlan(
        matrix=back @ theirs.kernel,
        offset=back @ (theirs.bias - ours.bias),
        block_order=None if found is None else found.order,
        channels=ours.channels,
    )


def to_first_position(embedding: PatchEmbedding) -> AffinePlan:
    """Return the plan that brings the blocks of all positions under the key of the first.

    Args:
        embedding: With a kernel for each position, (N, D, L), D >= L.

    Raises:
        UsageError: There is one kernel only.
    """
    if not embedding.by_position:
        raise UsageError("the model has one kernel for all positions")
    back: Floats = np.linalg.pinv(embedding.kernel[0], rcond=_CUT)
    return AffinePlan(
        matrix=back @ embedding.kernel,
        offset=(embedding.bias - embedding.bias[0]) @ back.T,
        channels=embedding.channels,
    )


def _shared(stem: Stem) -> PatchEmbedding:
    """Return a stem's embedding if it has one kernel for all positions."""
    info = stem.info
    embedding = read_embedding(stem.tensors, layout=info.layout, mean=info.mean, std=info.std)
    if embedding.by_position or embedding.turns is not None:
        raise UsageError("a stem with a key for each position is brought under one key first")
    return embedding
