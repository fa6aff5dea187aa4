"""Training images from the gradients of one step, in closed form, because the position table is learned.

The gradient of the position table is the gradient g of the loss with respect to the first tokens, ``dl/dP = g``. It
makes two products solvable for what was multiplied by it, for one image and if the rows of g are independent:

* ``dl/dW = g^T x`` of the patch embedding W: the input blocks x themselves, in any network that adds positions to its
  first tokens, without knowing a single weight.
* ``W_q^T dW_q + W_k^T dW_k + W_v^T dW_v = g^T z`` of a first attention that reads its tokens z directly (Lu et al.,
  "APRIL: finding the Achilles' heel on privacy for vision transformers", CVPR 2022); then ``x = W^+ (z - e - b)``.

A model that trains on encrypted images gives the encrypted images, exactly; with the base they are decoded. Against
it: freeze the position table, or use a fixed one; more images in a step, or more steps in an update.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pixelveil.attacks.attack import Access, Budget, Reconstruction
from pixelveil.attacks.stem.embedding import Floats, as_array, patch_rows
from pixelveil.attacks.stem.evidence import ModelEvidence, held
from pixelveil.attacks.stem.model_attack import ModelAttack
from pixelveil.attacks.stem.tokens import plain_or_ciphertext
from pixelveil.errors import UsageError
from pixelveil.plans.geometry import flatten_order, join_blocks

if TYPE_CHECKING:
    from torch import Tensor

    from pixelveil.models.info import StemInfo

__all__ = ["April", "blocks_from_gradients", "input_from_gradients", "tokens_from_attention"]

# Directions of g below this share of its largest are not solved for: in float32 they are rounding errors.
_CUT = 1e-6


def blocks_from_gradients(positions: Floats, kernel: Floats) -> Floats:
    """Return the blocks x of ``dl/dW = g^T x``, (N, L), as the patch embedding read them.

    Args:
        positions: g, gradient of the position table's rows of patches, (N, D).
        kernel: dl/dW, gradient of the patch embedding, (D, L).

    >>> generator = np.random.default_rng(0)
    >>> seen, blocks = generator.normal(size=(4, 6)), generator.normal(size=(4, 3))
    >>> bool(np.allclose(blocks_from_gradients(seen, seen.T @ blocks), blocks))
    True
    """
    result: Floats = np.linalg.pinv(positions.T, rcond=_CUT) @ kernel
    return result


def tokens_from_attention(positions: Floats, *, weight: Floats, gradient: Floats) -> Floats:
    """Return the tokens z that a first attention read, positions included, (T, D).

    Exact for an attention without normalization before it and without a shortcut around it, T <= D.

    Args:
        positions: g, gradient of the position table, (T, D).
        weight: Of queries, keys and values, one below the other, (3 D, D).
        gradient: Of that weight.
    """
    blocks = weight.reshape(3, -1, weight.shape[1]), gradient.reshape(3, -1, weight.shape[1])
    product = sum(one.T @ other for one, other in zip(*blocks, strict=True))
    result: Floats = np.linalg.pinv(positions.T, rcond=_CUT) @ product
    return result


def input_from_gradients(update: Mapping[str, Tensor], *, info: StemInfo) -> Floats:
    """Return the image that a step of training was made with, float64 (H, W, C), grey levels; encrypted if it was.

    Args:
        update: Gradients by the names of the model's parameters.
        info: The facts of the encrypted model.

    Raises:
        UsageError: Gradients of the patch embedding or of a position table are missing, or each position has a key.
    """
    layout, embedding = info.layout, info.layout.embedding
    tables = [entry for entry in layout.gathers if len(entry.axes) == 1 and entry.name in update]
    if not tables or embedding.weight not in update:
        raise UsageError("the update lacks the gradients of the patch embedding or of a position table")
    if layout.form != "shared":
        raise UsageError("the model has a key for each position; its kernel reads other blocks than its input's")
    side, channels = embedding.patch_size, embedding.channels
    kernel = as_array(update[embedding.weight]).reshape(update[embedding.weight].shape[0], -1)
    places = flatten_order(block=(side, side), channels=channels, flatten=embedding.flatten)
    positions = patch_rows(update[tables[0].name], tables[0], count=layout.patches)
    blocks = blocks_from_gradients(positions, kernel)[:, places]
    levels = 255.0 * (blocks * np.tile(info.std, side * side) + np.tile(info.mean, side * side))
    image: Floats = join_blocks(levels[None], shape=(*layout.image_size, channels), block=(side, side))[0]
    return image


@dataclass(frozen=True, kw_only=True)
class April(ModelAttack):
    """Solve the gradients of single training images for the images; decode them where the base is known.

    Without a base the reconstruction is the ciphertext: training under a key hides the picture from this attack as
    far as the scheme does. It breaks training on plain images in which gradients of the position table are shared.

    Args:
        drift: By which share of its own size each weight is thought to have moved since the base was known.
    """

    name: ClassVar[str] = "april"
    title: ClassVar[str] = "Training images from gradients of position and patch embedding (APRIL)"
    citation: ClassVar[str] = "Lu et al., APRIL, CVPR (2022), arXiv 2112.14087; with the patch embedding's gradient"
    access: ClassVar[Access] = "gradients"
    cost: ClassVar[str] = "one pseudo-inverse an image"
    needs: ClassVar[tuple[str, ...]] = ("updates",)

    drift: float = 0.0

    def run(
        self,
        evidence: ModelEvidence,
        *,
        budget: Budget | None = None,
        advance: Callable[[int, int], None] | None = None,
    ) -> Reconstruction:
        """Read the victims; see `ModelAttack.run`. Each takes milliseconds, so that the budget is not looked at."""
        self.check(evidence)
        inputs = []
        for number, update in enumerate(held(evidence.updates, "updates")[: evidence.victims]):
            inputs.append(input_from_gradients(update, info=evidence.stem.info))
            if advance:
                advance(number + 1, evidence.victims)
        return Reconstruction(images=plain_or_ciphertext(np.stack(inputs), evidence=evidence, drift=self.drift))
