"""The server's own tokens, decoded: with a known patch embedding every encrypted image is a plain one.

The encrypted model computes ``K' y + k' = K x + k``, literally the plain model's tokens, whatever the key. Whoever
knows K and k solves for x: exactly where ``D >= L`` and K has full rank; otherwise by the best linear estimate ::

    x = m + S K^T (K S K^T)^+ (z - k - K m)

with the mean m and covariance S of blocks of public images (Wiener filter). A new key changes nothing of this. If the
base was fine-tuned before it was encrypted, tokens are readings with errors, most of which all blocks have in common.

Source: the design study of this project.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from pixelveil.attacks.attack import Access, Budget, Images, Reconstruction
from pixelveil.attacks.stem.embedding import Floats, PatchEmbedding
from pixelveil.attacks.stem.evidence import ModelEvidence, held
from pixelveil.attacks.stem.model_attack import ModelAttack
from pixelveil.attacks.stem.positions import Order, order_from_base
from pixelveil.plans.geometry import join_blocks, split_blocks

__all__ = [
    "Errors",
    "PlainTokens",
    "Prior",
    "as_images",
    "blocks_to_images",
    "common_error",
    "decode_tokens",
    "decoder",
    "plain_or_ciphertext",
    "prior_of",
    "public_prior",
    "read_ciphertexts",
    "smooth_prior",
]

# Directions whose variance is below this share of the largest are not read: they would only multiply rounding errors.
_CUT = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class Prior:
    """What is known of blocks before any is seen.

    Args:
        mean: float64 (L,), grey levels.
        covariance: float64 (L, L).
        spread: float64 (L, L), covariance of the mean block of an image.
    """

    mean: Floats = field(repr=False)
    covariance: Floats = field(repr=False)
    spread: Floats = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Errors:
    """What is wrong with readings of blocks, as covariances (r, r).

    Args:
        own: Of each block.
        common: Of all blocks alike: what drift makes of the mean block, the largest part of it all.
    """

    own: Floats = field(repr=False)
    common: Floats = field(repr=False)


def public_prior(images: Images, *, side: int) -> Prior:
    """Return mean and covariances of the blocks of public images.

    Few images leave a covariance without full rank; a hundredth of `smooth_prior` fills it up.

    Args:
        images: uint8 (m, H, W, C).
        side: Of a block, in pixels.
    """
    blocks = split_blocks(images, block=(side, side)).astype(np.float64)
    lanes, smooth = blocks.shape[2], smooth_prior(side=side, channels=images.shape[3])
    means, values = blocks.mean(axis=1), blocks.reshape(-1, lanes)
    centered = means - values.mean(axis=0)
    return Prior(
        mean=values.mean(axis=0),
        covariance=np.cov(values.T, bias=True) + 0.01 * smooth.covariance,
        spread=centered.T @ centered / len(means) + 0.01 * smooth.spread,
    )


def smooth_prior(*, side: int, channels: int) -> Prior:
    """Return what holds for any natural image: neighbors are alike, colors too (first-order Markov field).

    >>> smooth_prior(side=2, channels=3).covariance.shape
    (12, 12)
    """
    distance = np.abs(np.subtract.outer(np.arange(side), np.arange(side)))
    line, color = 0.95**distance, 0.9 + 0.1 * np.eye(channels)
    covariance = 60.0**2 * np.kron(np.kron(line, line), color)
    return Prior(mean=np.full(side * side * channels, 127.5), covariance=covariance, spread=covariance / 4)


def decoder(matrix: Floats, *, prior: Prior, errors: Errors | None = None) -> Floats:
    """Return the gain ``S H^T (H S H^T + E)^+`` of the best linear estimate from readings ``H x``, (L, r).

    With full column rank and no errors it is a left inverse of H, whatever the prior.

    Args:
        matrix: H, (r, L).
        prior: Of the blocks.
        errors: Of the readings; None: they are exact.
    """
    if errors is not None:
        both = prior.covariance @ matrix.T
        return np.asarray(np.linalg.solve(matrix @ both + errors.own, both.T).T, np.float64)
    values, vectors = np.linalg.eigh(prior.covariance)
    root = vectors * np.sqrt(np.maximum(values, _CUT * values[-1]))
    return np.asarray(root @ np.linalg.pinv(matrix @ root, rcond=_CUT**0.5), np.float64)


def common_error(mean: Floats, *, matrix: Floats, prior: Prior, errors: Errors, images: int) -> Floats:
    """Return the error that all readings have in common, as far as their mean shows it, (r,).

    The mean of blocks of many images is nearly that of public ones, so that what is left is error.

    Args:
        mean: Mean reading less what the prior expects, (r,).
        matrix: H, (r, L).
        prior: Of the blocks.
        errors: Of the readings.
        images: How many the mean is of.
    """
    natural = matrix @ prior.spread @ matrix.T / images
    result: Floats = errors.common @ np.linalg.solve(errors.common + natural, mean)
    return result


def decode_tokens(tokens: Floats, *, embedding: PatchEmbedding, prior: Prior, drift: float = 0.0) -> Floats:
    """Return the blocks of plain images, float64 (n, N, L), grey levels, in the order of the tokens.

    Args:
        tokens: (n, N, D), without position information.
        embedding: The plain model's.
        prior: Of the blocks.
        drift: By which share of its own size each weight has moved since the embedding was known.
    """
    expected = embedding.bias + embedding.kernel @ prior.mean
    rest, errors = tokens - expected, None
    if drift:
        unit = drift**2 * float(embedding.kernel.var()) * np.eye(embedding.width)
        errors = Errors(own=unit * np.trace(prior.covariance), common=unit * (prior.mean @ prior.mean))
        mean = rest.mean(axis=(0, 1))
        rest = rest - common_error(mean, matrix=embedding.kernel, prior=prior, errors=errors, images=len(tokens))
    result: Floats = prior.mean + rest @ decoder(embedding.kernel, prior=prior, errors=errors).T
    return result


def blocks_to_images(blocks: Floats, *, order: Order | None, shape: tuple[int, int, int], side: int) -> Images:
    """Return uint8 images (n, H, W, C) of blocks (n, N, L), put back from the order of the ciphertext.

    Args:
        blocks: Grey levels; rounded and clipped.
        order: int64 (N,), source block of each place; None: blocks stayed.
        shape: (H, W, C).
        side: Of a block, in pixels.
    """
    placed = blocks if order is None else blocks[:, np.argsort(order)]
    return as_images(join_blocks(placed, shape=shape, block=(side, side)))


def as_images(values: Images) -> Images:
    """Return grey levels of any kind as uint8, rounded and clipped."""
    images: Images = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return images


@dataclass(frozen=True, kw_only=True)
class PlainTokens(ModelAttack):
    """Decode the tokens that the server computes, with the patch embedding of a base model; order from its positions.

    Exact where the embedding is at least as wide as a block has values. It breaks every scheme that a model absorbs,
    with any key policy and any number of keys, since tokens do not depend on the key. It needs the plain embedding:
    against one that is secret it finds noise.

    Args:
        drift: By which share of its own size each weight is thought to have moved since the base was known.
    """

    name: ClassVar[str] = "plain-tokens"
    title: ClassVar[str] = "The server decodes its own tokens with a known patch embedding"
    citation: ClassVar[str] = "design study of this project"
    access: ClassVar[Access] = "model"
    cost: ClassVar[str] = "one singular value decomposition, then linear in images"
    needs: ClassVar[tuple[str, ...]] = ("base",)

    drift: float = 0.0

    def run(
        self,
        evidence: ModelEvidence,
        *,
        budget: Budget | None = None,
        advance: Callable[[int, int], None] | None = None,
    ) -> Reconstruction:
        """Read the victims; see `ModelAttack.run`. The work is one pass, so that the budget is not looked at."""
        self.check(evidence)
        found = order_from_base(evidence.stem.tensors, held(evidence.base, "base"), layout=evidence.layout)
        images = read_ciphertexts(evidence.ciphertexts[: evidence.victims], evidence=evidence, drift=self.drift)
        if advance:
            advance(1, 1)
        return Reconstruction(images=images, facts={"position_agreement": found.agreement if found else 1.0})


def read_ciphertexts(ciphertexts: Images, *, evidence: ModelEvidence, drift: float = 0.0) -> Images:
    """Return uint8 plain images of ciphertexts (n, H, W, C), grey levels of any kind, by the base of the evidence.

    Args:
        ciphertexts: Encrypted as the victims' are.
        evidence: With a base.
        drift: See `decode_tokens`.

    Raises:
        UsageError: There is no base.
    """
    layout, known = evidence.layout, held(evidence.base, "base")
    base = evidence.embedding_of(known, layout=layout.in_form("shared"))
    found = order_from_base(evidence.stem.tensors, known, layout=layout)
    tokens = evidence.embedding.tokens(ciphertexts)
    blocks = decode_tokens(tokens, embedding=base, prior=prior_of(evidence), drift=drift)
    return blocks_to_images(blocks, order=None if found is None else found.order, shape=evidence.shape, side=base.side)


def plain_or_ciphertext(inputs: Images, *, evidence: ModelEvidence, drift: float = 0.0) -> Images:
    """Return what the inputs of an encrypted model show: plain images if the evidence has a base, else themselves.

    Args:
        inputs: (n, H, W, C), grey levels of any kind.
        evidence: What the attacker holds.
        drift: See `decode_tokens`.
    """
    return as_images(inputs) if evidence.base is None else read_ciphertexts(inputs, evidence=evidence, drift=drift)


def prior_of(evidence: ModelEvidence) -> Prior:
    """Return the prior from public images, or where there are none from what holds for any."""
    embedding = evidence.layout.embedding
    if evidence.public is None or not len(evidence.public):
        return smooth_prior(side=embedding.patch_size, channels=embedding.channels)
    return public_prior(evidence.public, side=embedding.patch_size)
