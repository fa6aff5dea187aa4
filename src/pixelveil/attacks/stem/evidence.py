"""What an attacker holds who runs the encrypted model, trains it with clients, or is one of its clients."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Images
from pixelveil.attacks.stem.embedding import PatchEmbedding, read_embedding
from pixelveil.errors import UsageError
from pixelveil.plans import Plan
from pixelveil.schemes import Scheme

if TYPE_CHECKING:
    from torch import Tensor, nn

    from pixelveil.models import Stem
    from pixelveil.models.layout import Layout

T = TypeVar("T")

__all__ = ["Client", "ModelEvidence", "base_tensors", "held"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Client:
    """A client who works with the server.

    Args:
        plan: What its own key does to images.
        stem: The stem that the server runs for it, of the same base as the victims'.
    """

    plan: Plan = field(repr=False)
    stem: Stem = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelEvidence:
    """What an attacker holds beside ciphertexts. Never the victims' key; the algorithm always (Kerckhoffs).

    Args:
        scheme: The scheme, unbound to any key.
        stem: The victims' stem, as the server runs it. Its facts hold image size, mean and deviation.
        ciphertexts: (n, H, W, C) as the scheme gives them, grey levels; none where only updates are seen.
        victims: How many images are to be read, counted from the first.
        base: The plain stem that the encrypted one is thought to come from, see `base_tensors`.
        public: uint8 (m, H, W, C): images of the same kind, none of them a victim's.
        client: A client who helps.
        model: The whole encrypted model.
        labels: int64 (victims,): the classes that the model answers for them, which the server sees.
        updates: For each victim the gradients of all parameters from one step of training on it alone.
        seed: Of the attack's own randomness, which protects nothing.
    """

    scheme: Scheme
    stem: Stem = field(repr=False)
    ciphertexts: Images = field(repr=False)
    victims: int
    base: Mapping[str, Tensor] | None = field(default=None, repr=False)
    public: Images | None = field(default=None, repr=False)
    client: Client | None = None
    model: nn.Module | None = field(default=None, repr=False)
    labels: NDArray[np.int64] | None = field(default=None, repr=False)
    updates: Sequence[Mapping[str, Tensor]] | None = field(default=None, repr=False)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.ciphertexts.shape[1:] != self.shape:
            raise UsageError(f"ciphertexts are {self.ciphertexts.shape[1:]}, the model reads {self.shape}")
        held = max(len(self.ciphertexts), len(self.updates or ()))
        if not 0 < self.victims <= held:
            raise UsageError(f"{self.victims} victims are not among {held} images")

    @property
    def generator(self) -> np.random.Generator:
        """The attack's own randomness, the same in every run."""
        return np.random.default_rng(self.seed)

    @property
    def layout(self) -> Layout:
        """Which tensors of the model a key changes."""
        return self.stem.info.layout

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of the images."""
        return (*self.layout.image_size, self.layout.embedding.channels)

    @property
    def embedding(self) -> PatchEmbedding:
        """The victims' patch embedding."""
        return self.embedding_of(self.stem.tensors, layout=self.layout)

    def embedding_of(self, tensors: Mapping[str, Tensor], *, layout: Layout) -> PatchEmbedding:
        """Return the patch embedding among tensors of the same model.

        Args:
            tensors: All that ``layout.names`` names.
            layout: What they are.
        """
        return read_embedding(tensors, layout=layout, mean=self.stem.info.mean, std=self.stem.info.std)


def held(value: T | None, name: str) -> T:
    """Return a part of the evidence that must be there.

    Args:
        value: The part.
        name: What to call it.

    Raises:
        UsageError: It is missing.
    """
    if value is None:
        raise UsageError(f"the evidence lacks {name}")
    return value


def base_tensors(model: nn.Module, *, image_size: int | Sequence[int]) -> dict[str, Tensor]:
    """Return what the stem of a plain model would be, under the names that an encrypted one has.

    Args:
        model: A plain model, such as a public checkpoint; left as it is.
        image_size: Side, or height and width, of its images in pixels.

    Raises:
        UnsupportedModelError: It has no patch embedding that could be encrypted.
    """
    from pixelveil.models.families import settle_and_describe
    from pixelveil.models.planning import size_of
    from pixelveil.models.prepare import prepare, read_tensors

    settled = copy.deepcopy(model)
    layout = settle_and_describe(settled, image_size=size_of(image_size))
    prepare(settled, layout=layout)
    return {name: tensor.detach().cpu().clone() for name, tensor in read_tensors(settled, layout=layout).items()}
