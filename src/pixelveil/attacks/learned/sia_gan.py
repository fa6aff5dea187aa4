"""SIA-GAN: a network that has learned each block position's key by itself, against public images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Reconstruction
from pixelveil.attacks.learned.cells import Cells
from pixelveil.attacks.learned.fitting import Player, Schedule, fit, reproducible
from pixelveil.attacks.learned.sia_networks import attention_discriminator, sia_generator
from pixelveil.attacks.learned.unpaired import facts_of, gather, keyed_once, mixes_images, painted, quieted, read
from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["SiaGan"]

_PUBLISHED_STEPS = 78_200
_PAINTER_RATE, _JUDGE_RATE = 1e-4, 4e-4
_BETAS = (0.0, 0.9)
# Of a weight in bytes: itself, divided by its norm, their gradients, both moments of Adam, and what comes and goes.
_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class SiaGan(Attack):
    """Train one network for each block position, then a common decoder, against a discriminator with attention.

    Hinge loss: D makes ``E max(0, 1 - D(x)) + E max(0, 1 + D(G(z)))`` small, G makes ``-E D(G(z))`` small. Published
    are 100 epochs over 50,000 ciphertexts, 78,200 steps of 64, on a graphics processor; `facts` says how many were
    made, since a short run that fails is no evidence of resistance. The published code also lets a classifier of the
    known labels judge; labels are no part of the evidence here, so that this loss is left out.

    Ours, and stronger than published: weights of positions start as common ones, turned by what moments give, and the
    decoder corrects what moments give (`match_moments`). ``start=False`` is the published attack. The last weights are
    taken. Defaults are narrower than published: 16, 64 and 128 are the published widths. Blocks that change places are
    not put back: outputs look natural then, and show another arrangement.

    The positive control of audits is passed by the start alone: it shows that means and covariances are read; the
    steps in `facts` show how far training went beyond them.

    Source: Madono, Tanaka, Onishi and Ogawa, "SIA-GAN: scrambling inversion attack using generative adversarial
    network", IEEE Access (2021).

    Args:
        steps: At most.
        batch: Images of 32x32 in a step; of larger ones fewer.
        channels: Of a pixel that the adaptation network gives; fewer where memory is short.
        width: Of the decoder.
        judge_width: Of the first stage of the discriminator.
        start: Whether arithmetic goes first.
    """

    name: ClassVar[str] = "sia-gan"
    title: ClassVar[str] = "SIA-GAN: a network for each block position, without pairs"
    citation: ClassVar[str] = "Madono, Tanaka, Onishi and Ogawa, SIA-GAN, IEEE Access (2021)"
    access: ClassVar[Access] = "public images"
    cost: ClassVar[str] = "steps times pixels; days without an accelerator as published"
    grows: ClassVar[bool] = True
    minimum: ClassVar[int] = 50

    steps: int = _PUBLISHED_STEPS
    batch: int = 64
    channels: int = 4
    width: int = 12
    judge_width: int = 12
    start: bool = True

    def obstacle(self, scheme: Scheme) -> str:
        """Return why a network for each position learns nothing; empty where one key is behind all images."""
        if not keyed_once(scheme):
            return "each image has a key of its own, and it learns one key for each block position"
        return mixes_images(scheme)

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims; see `Attack.run`."""
        import torch

        self.check(evidence)
        budget = budget or Budget()
        data = gather(evidence, start=self.start, budget=budget)
        channels = self._channels(data.cells, budget=budget)
        with reproducible(evidence.seed):
            painter = sia_generator(cells=data.cells, channels=channels, width=self.width, turns=data.turns)
            painter = painter if data.start is None else quieted(painter)
            judge = attention_discriminator(shape=data.cells.image_shape, width=self.judge_width)
        count = data.batch(self.batch)

        def paint(generator: torch.Generator) -> Tensor:
            return painted(painter, *data.some(generator, count=count))

        def judge_loss(generator: torch.Generator) -> Tensor:
            with torch.no_grad():
                fake = paint(generator)
            real = judge(data.some_public(generator, count=count))
            loss: Tensor = (1 - real).relu().mean() + (1 + judge(fake)).relu().mean()
            return loss

        def paint_loss(generator: torch.Generator) -> Tensor:
            loss: Tensor = -judge(paint(generator)).mean()
            return loss

        made = fit(
            [
                Player(model=judge, loss=judge_loss, rate=_JUDGE_RATE, betas=_BETAS, clip=0),
                Player(model=painter, loss=paint_loss, rate=_PAINTER_RATE, betas=_BETAS, clip=0),
            ],
            schedule=Schedule(steps=self.steps, warm=1, last=1.0),
            seed=evidence.seed,
            budget=budget,
            advance=advance,
        )
        images = read(painter, data, evidence, calibrated=False)
        facts = {**facts_of(made, data, images, published=_PUBLISHED_STEPS), "channels": channels}
        return Reconstruction(images=images, facts=facts)

    def _channels(self, cells: Cells, *, budget: Budget) -> int:
        """Return as many channels as half of the memory holds for all positions, and no more than asked for."""
        each = _BYTES * cells.count * cells.lanes * cells.given[0] * cells.given[1]
        possible = int(budget.megabytes * 1e6 / 2) // each
        if not possible:
            raise UsageError(
                f"{self.name} needs {2 * each / 1e6:,.0f} MB for cells of {cells.lanes:,} values",
                hint="give it smaller images",
            )
        return min(self.channels, possible)
