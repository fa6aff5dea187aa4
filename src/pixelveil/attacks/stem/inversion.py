"""What a class looks like to a model, by search: a reference point for what a model shows of its training images.

MI-Face changes an image until the model is sure of a class. What comes out is a class average at best, never one
training image. An encrypted model gives it in the domain of the ciphertexts: under a key that moves and inverts values
the search is the plain model's search, encrypted, step by step, so that to whoever has the key, or the base, the
encrypted model shows as much of its training images as the plain one does.

Source: Fredrikson, Jha and Ristenpart, "Model inversion attacks that exploit confidence information", CCS (2015).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from pixelveil.attacks.attack import Access, Budget, Images, Reconstruction
from pixelveil.attacks.stem.evidence import ModelEvidence, held
from pixelveil.attacks.stem.model_attack import ModelAttack
from pixelveil.attacks.stem.tokens import plain_or_ciphertext

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Inversion", "ModelInversion", "StopReason", "invert_classes"]

StopReason = Literal["sure enough", "no progress", "steps", "budget"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Inversion:
    """What the search found.

    Args:
        images: float64 (n, H, W, C), grey levels.
        costs: ``1 - confidence`` of each, at the end.
        reasons: Why the search for each ended.
        steps: How many were made, at most.
    """

    images: Images = field(repr=False)
    costs: tuple[float, ...]
    reasons: tuple[StopReason, ...]
    steps: int


def invert_classes(
    model: nn.Module,
    classes: tuple[int, ...],
    *,
    shape: tuple[int, int, int],
    mean: tuple[float, ...],
    std: tuple[float, ...],
    steps: int = 5000,
    window: int = 100,
    sure: float = 0.01,
    rate: float = 0.1,
    budget: Budget | None = None,
) -> Inversion:
    """Return for each class an image of which the model is sure, from medium grey by gradient descent.

    The cost is ``1 - p``. The search for a class ends when its cost is at most ``sure``, or not below the largest of
    the last ``window`` ones. In the paper 5000 steps, a window of 100, rate 0.1; its threshold 0.99 on this cost would
    stop at once, so that it is a free parameter here, and the reason is told.

    Args:
        model: A classifier, plain or encrypted.
        classes: One search for each, all at once.
        shape: (H, W, C).
        mean: Mean of each color component, on pixels in [0, 1].
        std: Deviation of each color component.
        steps: At most.
        window: Steps without progress.
        sure: Cost that is low enough.
        rate: Of the descent, on pixels in [0, 1].
        budget: When it is spent the search ends.
    """
    import torch

    like = next(one for one in model.parameters() if one.is_floating_point())
    center, scale = (torch.tensor(part, dtype=like.dtype).reshape(1, -1, 1, 1) for part in (mean, std))
    wanted = torch.tensor(classes)
    levels = torch.full((len(classes), shape[2], *shape[:2]), 0.5, dtype=like.dtype)
    reasons: list[StopReason | None] = [None] * len(classes)
    history: list[list[float]] = [[] for _ in classes]
    costs, done = [1.0] * len(classes), 0
    for _ in range(steps):
        done += 1
        levels.requires_grad_()
        chances = model((levels - center) / scale).softmax(dim=1)
        cost = 1 - chances.gather(1, wanted[:, None])[:, 0]
        (slope,) = torch.autograd.grad(cost.sum(), levels)
        for place, value in enumerate(cost.tolist()):
            if reasons[place] is None:
                costs[place] = value
                reasons[place] = _reason(value, history[place], window=window, sure=sure)
                history[place] = [*history[place], value][-window:]
        active = torch.tensor([reason is None for reason in reasons]).reshape(-1, 1, 1, 1)
        levels = (levels - rate * slope * active).detach().clamp(0, 1)
        if not active.any() or (budget is not None and budget.spent):
            break
    ended: StopReason = "steps" if done == steps else "budget"
    return Inversion(
        images=255.0 * levels.permute(0, 2, 3, 1).double().numpy(),
        costs=tuple(costs),
        reasons=tuple(reason or ended for reason in reasons),
        steps=done,
    )


def _reason(cost: float, history: list[float], *, window: int, sure: float) -> StopReason | None:
    """Return why a search ends at a cost; None: it goes on.

    >>> _reason(0.5, [0.4] * 3, window=3, sure=0.1), _reason(0.3, [0.4] * 3, window=3, sure=0.1)
    ('no progress', None)
    """
    if cost <= sure:
        return "sure enough"
    return "no progress" if len(history) == window and cost >= max(history) else None


@dataclass(frozen=True, kw_only=True)
class ModelInversion(ModelAttack):
    """Search for what the model takes for each victim's class; decode it where the base is known.

    Args:
        steps: At most.
        rate: Of the descent, on pixels in [0, 1].
        sure: Cost that is low enough.
        drift: By which share of its own size each weight is thought to have moved since the base was known.
    """

    name: ClassVar[str] = "model-inversion"
    title: ClassVar[str] = "What a class looks like to the model (MI-Face)"
    citation: ClassVar[str] = "Fredrikson, Jha and Ristenpart, CCS (2015), doi 10.1145/2810103.2813677"
    access: ClassVar[Access] = "model"
    cost: ClassVar[str] = "steps times two passes through the model, all classes at once"
    needs: ClassVar[tuple[str, ...]] = ("model", "labels")

    steps: int = 1000
    rate: float = 0.1
    sure: float = 0.01
    drift: float = 0.0

    def run(
        self,
        evidence: ModelEvidence,
        *,
        budget: Budget | None = None,
        advance: Callable[[int, int], None] | None = None,
    ) -> Reconstruction:
        """Read the victims' classes; see `ModelAttack.run`."""
        from pixelveil.models.outputs import evaluating

        self.check(evidence)
        model, info = held(evidence.model, "model"), evidence.stem.info
        kinds, places = np.unique(held(evidence.labels, "labels")[: evidence.victims], return_inverse=True)
        with evaluating(model):
            found = invert_classes(
                model,
                tuple(int(one) for one in kinds),
                shape=evidence.shape,
                mean=info.mean,
                std=info.std,
                steps=self.steps,
                sure=self.sure,
                rate=self.rate,
                budget=budget or Budget(),
            )
        if advance:
            advance(1, 1)
        reasons = Counter(found.reasons)
        return Reconstruction(
            images=plain_or_ciphertext(found.images[places], evidence=evidence, drift=self.drift),
            facts={
                "cost": float(np.mean(found.costs)),
                "stopped": ", ".join(f"{reason}: {count}" for reason, count in sorted(reasons.items())),
            },
        )
