"""What both unpaired attacks share: ciphertexts beside public images, a start from moments, and the reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Budget, Evidence, Images
from pixelveil.attacks.learned.cells import Cells, cells_of
from pixelveil.attacks.learned.fitting import Fit
from pixelveil.attacks.learned.moments import match_moments
from pixelveil.attacks.learned.tensors import scale_of, to_images, to_tensor
from pixelveil.attacks.public_images.columns import public_images
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_back

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

__all__ = ["Start", "Unpaired", "facts_of", "gather", "keyed_once", "mixes_images", "painted", "quieted", "read"]

Start = Literal["moments", "folded", "none"]
"""What a generator corrects: what moments give, distances from mid-grey, or nothing, as published."""

# Arrays of floats that a start from moments makes of all ciphertexts and of all public images.
_COPIES = 8
_MOST_IMAGES = 2000
_COMPONENTS = 16
_READ_AT_ONCE = 32
_NEARLY_ONE = 0.98
_QUIET = 0.1


@dataclass(frozen=True, kw_only=True, eq=False)
class Unpaired:
    """What a generator learns from.

    Args:
        cells: Which part of a ciphertext is read for which part of an image.
        encrypted: Ciphertexts about [-1, 1], (n, c, H', W'), the victims first.
        start: What they are read as before the first step, in [-1, 1], (n, C, H, W); None: nothing.
        public: Public images in [-1, 1], (m, C, H, W), as the scheme lays plain images out.
        began: Which start it is.
        turns: Isometries of a start from moments (`Moments.turns`); else None.
    """

    cells: Cells
    encrypted: Tensor = field(repr=False)
    start: Tensor | None = field(repr=False)
    public: Tensor = field(repr=False)
    began: Start
    turns: tuple[NDArray[np.float32], NDArray[np.float32]] | None = field(default=None, repr=False)

    def some(self, generator: torch.Generator, *, count: int) -> tuple[Tensor, Tensor | None]:
        """Draw ciphertexts with their starts."""
        import torch

        places = torch.randint(len(self.encrypted), (count,), generator=generator)
        return self.encrypted[places], None if self.start is None else self.start[places]

    def some_public(self, generator: torch.Generator, *, count: int) -> Tensor:
        """Draw public images, others than ciphertexts are drawn for: nothing is paired."""
        import torch

        return self.public[torch.randint(len(self.public), (count,), generator=generator)]

    def batch(self, count: int) -> int:
        """Return how many images make a step: as many as asked of 32x32, fewer of larger ones, at least 8."""
        pixels = self.public.shape[2] * self.public.shape[3]
        return min(count, max(8, count * 4096 // pixels))


def keyed_once(scheme: Scheme) -> bool:
    """Return whether one secret map is behind all ciphertexts: a shared key, or an asset that nobody else has."""
    return scheme.key_policy == "shared" or (scheme.key_policy == "none" and scheme.needs_asset)


def mixes_images(scheme: Scheme) -> str:
    """Return why a ciphertext is not of one image; empty where it is."""
    mixed = scheme.name in ("instahide", "pixel-block-mixing")
    return "a ciphertext holds parts of several images, of which no generator makes one" if mixed else ""


def gather(evidence: Evidence, *, start: bool, budget: Budget) -> Unpaired:
    """Return what a generator learns from.

    Args:
        evidence: With public images.
        start: Whether arithmetic goes first: moments under one key, folded values of pixels under many.
        budget: Whose memory counts.
    """
    scheme, cells = evidence.scheme, cells_of(evidence.scheme, evidence.shape)
    values = max(int(np.prod(cells.image_shape)), cells.count * cells.lanes)
    limit = min(_MOST_IMAGES, max(int(budget.megabytes * 1e6) // (4 * _COPIES * values), 50))
    ciphertexts = evidence.ciphertexts[: max(limit, evidence.victims)]
    public = public_images(evidence, limit=limit)
    encrypted = to_tensor(ciphertexts, scale=scale_of(ciphertexts))
    began: Start = "none"
    first = turns = None
    if start and keyed_once(scheme):
        began, columns = "moments", cells.split_encrypted(ciphertexts)
        middle = 127.5 if ciphertexts.dtype == np.uint8 else None
        plain = cells.split_plain(public)
        moments = match_moments(columns[:limit], plain, count=_COMPONENTS, middle=middle)
        first, turns = to_tensor(cells.join_plain(moments(columns))), moments.turns
    elif start and scheme.family in ("pixel", "filtered"):
        began, first = "folded", 2 * encrypted.abs() - 1
    return Unpaired(
        cells=cells,
        encrypted=encrypted,
        start=None if first is None else first.clamp(-_NEARLY_ONE, _NEARLY_ONE),
        public=to_tensor(public),
        began=began,
        turns=turns,
    )


def painted(network: nn.Module, encrypted: Tensor, start: Tensor | None) -> Tensor:
    """Return ``tanh(f(z))``, or ``tanh(arctanh(s) + f(z))`` where there is a start s; in [-1, 1], one tanh only.

    Args:
        network: f, with no last activation.
        encrypted: z.
        start: s, within (-1, 1).
    """
    logits: Tensor = network(encrypted)
    return logits.tanh() if start is None else (start.arctanh() + logits).tanh()


def quieted(network: nn.Module) -> nn.Module:
    """Return a network times a learned number that starts at 0.1: what has not learned shall not spoil a start."""
    import torch
    from torch import nn

    class Gain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = nn.Parameter(torch.tensor(_QUIET))

        def forward(self, values: Tensor) -> Tensor:
            return self.gain * values

    return nn.Sequential(network, Gain())


def read(network: nn.Module, data: Unpaired, evidence: Evidence, *, calibrated: bool) -> Images:
    """Return the victims, uint8 (victims, H, W, C), as a trained generator paints them.

    Args:
        network: In evaluation mode.
        data: What it has learned from.
        evidence: Whose victims they are.
        calibrated: Whether it reads the start in place of ciphertexts.
    """
    import torch

    found = []
    with torch.no_grad():
        for first in range(0, evidence.victims, _READ_AT_ONCE):
            last = min(first + _READ_AT_ONCE, evidence.victims)
            start = None if data.start is None else data.start[first:last]
            seen = data.encrypted[first:last] if start is None or not calibrated else start
            found.append(to_images(painted(network, seen, start)))
    images: Images = lay_back(np.concatenate(found), shape=evidence.shape, planes=evidence.scheme.planes)
    return images


def facts_of(made: Fit, data: Unpaired, images: Images, *, published: int) -> Mapping[str, float | int | str]:
    """Return what the attack says about itself, first of all how far it is from the published one.

    Args:
        made: The training.
        data: What it was on.
        images: What it read.
        published: Steps in the paper.
    """
    short = f"{made.steps} of {published} published steps"
    return {
        "steps": made.steps,
        "published_steps": published,
        "start": data.began,
        "training": short
        if made.steps >= published
        else f"{short}: a short run that fails is no evidence of resistance",
        "deviation": float(images.astype(np.float64).std()),
        "at_the_ends": float(np.mean((images == 0) | (images == 255))),
    }
