"""Learned decoder of known pairs: ridge regression, and a small network for what is not linear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Images, Reconstruction
from pixelveil.attacks.learned.fitting import Player, Schedule, fit, held_out, reproducible
from pixelveil.attacks.learned.networks import structural_loss, u_net
from pixelveil.attacks.learned.tensors import GRAY, Scale, scale_of, to_images, to_tensor
from pixelveil.attacks.pairs.regression import fit_decoder
from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

__all__ = ["PairDecoder", "decode_apart"]

_FOLDS = 3
_MOST_PAIRS = 2000
_PIXELS, _FEWEST, _MOST = 1 << 14, 2, 64
_AT_ONCE = 64


def decode_apart(encrypted: Images, plain: Images, *, folds: int = _FOLDS) -> Images:
    """Return pairs as ridge regression reads them when it is fitted on the other pairs only.

    A decoder reads the pairs that it is fitted on far too well: a network that learned from those would have nothing to
    correct, and would correct nothing in images that are new.

    Args:
        encrypted: (q, H', W', C'), q >= 2.
        plain: uint8 (q, H, W, C).
        folds: Parts; each is read by what the others give.

    Returns:
        float64 (q, H, W, C), grey levels, not clipped.
    """
    part = np.arange(len(plain)) % min(folds, len(plain))
    found = np.empty(plain.shape)
    for fold in range(int(part.max()) + 1):
        out = part == fold
        found[out] = fit_decoder(encrypted[~out], plain[~out]).decode(encrypted[out])
    return found


@dataclass(frozen=True, kw_only=True)
class PairDecoder(Attack):
    """Correct what ridge regression reads by a U-Net that has learned from the known pairs, each read by the others.

    ``x = r + g(r)`` with r the reading of the best linear decoder and g a network that begins as 0, trained by
    ``|x' - x| + w (1 - SSIM)``; where a scheme has no key and values keep their places, g sees the ciphertext too. The
    weights that are best on held-out pairs are kept, those before the first step among them, so that it reads no worse
    than ridge regression does. Truncated singular values, quantization and noise are what it makes up for; what no pair
    shows, such as the other factor of a decomposition, it paints as usual for images of this kind.

    Args:
        width: Channels of the network at its first level.
        rate: Highest learning rate.
        structure: Weight of the structural part of the loss, w.
        steps: At most.

    Source: the design study of this project (section 9.3, after Popescu et al., MED 2023, arXiv 2308.16530).
    """

    name: ClassVar[str] = "pair-decoder"
    title: ClassVar[str] = "Decoder learned from known pairs: ridge regression and a network"
    citation: ClassVar[str] = "design study of this project; after Popescu et al., MED (2023), arXiv 2308.16530"
    access: ClassVar[Access] = "pairs"
    cost: ClassVar[str] = "some regressions, quadratic in pairs or in values, whichever are fewer; then the time given"

    width: int = 32
    rate: float = 2e-3
    structure: float = 0.5
    steps: int = 5_000

    def obstacle(self, scheme: Scheme) -> str:
        """Return why there is nothing to learn from pairs; empty where there is."""
        if scheme.key_policy in ("derived", "ephemeral"):
            return "images share no key, so that pairs tell no more than own ones: the inverse network makes those"
        if scheme.reversible:
            return "it is linear and can be undone: known-plaintext attacks solve for its plan, without learning"
        return ""

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims; see `Attack.run`."""
        self.check(evidence)
        if evidence.pairs is None or not len(evidence.pairs.plain):
            raise UsageError("there are no known pairs")
        budget = budget or Budget()
        plain, encrypted = (part[:_MOST_PAIRS] for part in (evidence.pairs.plain, evidence.pairs.encrypted))
        victims = evidence.ciphertexts[: evidence.victims]
        decoder = fit_decoder(encrypted, plain)
        linear = decoder.decode(victims)
        facts: dict[str, float | int | str] = {"pairs": len(plain), "decoded": decoder.unit, "steps": 0}
        if len(plain) < 2 or budget.spent:
            return Reconstruction(images=to_images(to_tensor(linear)), facts=facts)
        view = _View(scale=scale_of(encrypted), sees=_sees(evidence))
        seen, read = view(decode_apart(encrypted, plain), encrypted), to_tensor(plain)
        with reproducible(evidence.seed):
            network = u_net(seen.shape[1], evidence.shape[2], width=self.width)
        train, held = held_out(len(plain))
        found = fit(
            [self._player(network, seen=seen[train], wanted=read[train])],
            schedule=Schedule(steps=self.steps),
            seed=evidence.seed,
            budget=budget,
            judge=lambda: self._loss(network, seen=seen[held], wanted=read[held]).item(),
            advance=advance,
        )
        facts.update({"steps": found.steps, "loss before": found.first, "loss": found.best})
        return Reconstruction(images=_read_all(network, view(linear, victims), evidence.shape[2]), facts=facts)

    def _loss(self, network: nn.Module, *, seen: Tensor, wanted: Tensor) -> Tensor:
        return structural_loss(seen[:, : wanted.shape[1]] + network(seen), wanted, weight=self.structure)

    def _player(self, network: nn.Module, *, seen: Tensor, wanted: Tensor) -> Player:
        import torch

        batch = int(np.clip(_PIXELS // (wanted.shape[2] * wanted.shape[3]), _FEWEST, _MOST))

        def loss(generator: torch.Generator) -> Tensor:
            chosen = torch.randint(len(seen), (batch,), generator=generator)
            some, target = seen[chosen], wanted[chosen]
            if torch.rand(1, generator=generator) < 1 / 2:
                some, target = some.flip(3), target.flip(3)
            return self._loss(network, seen=some, wanted=target)

        return Player(model=network, loss=loss, rate=self.rate)


@dataclass(frozen=True, kw_only=True)
class _View:
    """What the network sees: what was read, and the ciphertext where that is a picture too."""

    scale: Scale
    sees: bool

    def __call__(self, linear: Images, encrypted: Images) -> Tensor:
        import torch

        read = to_tensor(np.clip(linear, 0, 255), scale=GRAY)
        return torch.cat([read, to_tensor(encrypted, scale=self.scale)], dim=1) if self.sees else read


def _sees(evidence: Evidence) -> bool:
    """Return whether values of ciphertexts lie where those of images do; a shared key mixes them."""
    return evidence.scheme.key_policy == "none" and evidence.ciphertexts.shape[1:] == evidence.shape


def _read_all(network: nn.Module, seen: Tensor, channels: int) -> Images:
    import torch

    with torch.no_grad():
        parts = [to_images(some[:, :channels] + network(some)) for some in torch.split(seen, _AT_ONCE)]
    return np.concatenate(parts)
