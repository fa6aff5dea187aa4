"""The GAN attack: a network that makes of ciphertexts what cannot be told from public images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Reconstruction
from pixelveil.attacks.learned.fitting import Player, Schedule, fit, reproducible
from pixelveil.attacks.learned.gan_networks import discriminator, generator_of
from pixelveil.attacks.learned.unpaired import facts_of, gather, mixes_images, painted, quieted, read
from pixelveil.schemes import Scheme

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["GanAttack"]

_PUBLISHED_STEPS = 19_500
_RATE = 2e-4
_BETAS = (0.5, 0.999)


@dataclass(frozen=True, kw_only=True)
class GanAttack(Attack):
    """Train a generator from ciphertexts to images against a discriminator that knows public images; no pairs.

    ``min_G max_D  E log D(x) + E log(1 - D(G(z)))``, G by ``-log D(G(z))``. G reads each pixel, or each block, alone
    and all places alike. Published are 25 epochs over 50,000 ciphertexts, about 19,500 steps of 64, on a graphics
    processor; `facts` says how many of them were made, since a short run that fails is no evidence of resistance.

    Ours, and stronger than published: under one key G corrects and reads what moments give (`match_moments`), so that
    all places look alike to it; under many keys it corrects folded values of pixels. ``start=False`` is the published
    attack. The last weights are taken. Defaults are narrower than published, for processors without accelerator:
    64, 32 and 64 are the published widths.

    The positive control of audits is passed by the start alone: it shows that means and covariances are read; the
    steps in `facts` show how far training went beyond them.

    Source: Sirichotedumrong and Kiya, arXiv 2010.06198 (2020).

    Args:
        steps: At most.
        batch: Images of 32x32 in a step; of larger ones fewer.
        width: Of the generator of pixels.
        features: Of the generator of blocks, a pixel.
        judge_width: Of the discriminator.
        start: Whether arithmetic goes first.
    """

    name: ClassVar[str] = "gan-attack"
    title: ClassVar[str] = "GAN attack: ciphertexts to images, without pairs"
    citation: ClassVar[str] = "Sirichotedumrong and Kiya, arXiv 2010.06198 (2020)"
    access: ClassVar[Access] = "public images"
    cost: ClassVar[str] = "steps times pixels; hours without an accelerator as published"
    grows: ClassVar[bool] = True
    minimum: ClassVar[int] = 50

    steps: int = _PUBLISHED_STEPS
    batch: int = 64
    width: int = 16
    features: int = 8
    judge_width: int = 16
    start: bool = True

    def obstacle(self, scheme: Scheme) -> str:
        """Return why no generator applies; it applies under any key policy, since all places are alike to it."""
        return mixes_images(scheme)

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims; see `Attack.run`."""
        import torch

        self.check(evidence)
        budget = budget or Budget()
        data = gather(evidence, start=self.start, budget=budget)
        calibrated = data.began == "moments"
        height, wide, channels = data.cells.image_shape
        seen = data.cells if not calibrated else data.cells.of_images()
        with reproducible(evidence.seed):
            painter = generator_of(seen, width=self.width, features=self.features)
            painter = painter if data.start is None else quieted(painter)
            judge = discriminator(channels=channels, side=min(height, wide), width=self.judge_width)
        count = data.batch(self.batch)

        def paint(generator: torch.Generator) -> Tensor:
            encrypted, start = data.some(generator, count=count)
            return painted(painter, start if calibrated and start is not None else encrypted, start)

        def judged(images: Tensor, *, real: bool) -> Tensor:
            logits = judge(images)
            wanted = torch.full_like(logits, float(real))
            return torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted)

        def judge_loss(generator: torch.Generator) -> Tensor:
            with torch.no_grad():
                fake = paint(generator)
            return judged(data.some_public(generator, count=count), real=True) + judged(fake, real=False)

        def paint_loss(generator: torch.Generator) -> Tensor:
            return judged(paint(generator), real=True)

        made = fit(
            [
                Player(model=judge, loss=judge_loss, rate=_RATE, betas=_BETAS, clip=0),
                Player(model=painter, loss=paint_loss, rate=_RATE, betas=_BETAS, clip=0),
            ],
            schedule=Schedule(steps=self.steps, warm=1, last=1.0),
            seed=evidence.seed,
            budget=budget,
            advance=advance,
        )
        images = read(painter, data, evidence, calibrated=calibrated)
        return Reconstruction(images=images, facts=facts_of(made, data, images, published=_PUBLISHED_STEPS))
