"""Training images from the gradients of one step, by search: a reference point beside the closed form.

A dummy image is changed until its gradients point where the shared ones do: cosine distance of all gradients, plus
total variation, which natural images have little of. Against a model that trains on encrypted images the search finds
ciphertexts, for which total variation is the wrong prior: leave it out there.

Source: Geiping et al., "Inverting gradients", NeurIPS (2020): Adam on signs of gradients, boxed, labels known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pixelveil.attacks.attack import Access, Budget, Images, Reconstruction
from pixelveil.attacks.stem.evidence import ModelEvidence, held
from pixelveil.attacks.stem.model_attack import ModelAttack
from pixelveil.attacks.stem.tokens import plain_or_ciphertext

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["GradientInversion", "Search", "gradients_of", "invert_gradients"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Search:
    """What a search found.

    Args:
        image: float64 (H, W, C), grey levels.
        distance: Cosine distance of the gradients at the end, 0 to 2.
        steps: How many were made.
    """

    image: Images = field(repr=False)
    distance: float
    steps: int


def gradients_of(model: nn.Module, pixels: Tensor, labels: Tensor, *, keep: bool = False) -> dict[str, Tensor]:
    """Return the gradients of the cross-entropy with respect to all trainable parameters, by name.

    Args:
        model: A classifier.
        pixels: (n, C, H, W), normalized.
        labels: int64 (n,).
        keep: Whether the gradients can be differentiated once more.
    """
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    names, parameters = zip(*((name, one) for name, one in model.named_parameters() if one.requires_grad), strict=True)
    with sdpa_kernel(SDPBackend.MATH):  # the only attention that has second derivatives
        loss = torch.nn.functional.cross_entropy(model(pixels), labels)
        found = torch.autograd.grad(loss, parameters, create_graph=keep, materialize_grads=True)
    return dict(zip(names, found, strict=True))


def invert_gradients(
    model: nn.Module,
    update: Mapping[str, Tensor],
    *,
    label: int,
    shape: tuple[int, int, int],
    mean: tuple[float, ...],
    std: tuple[float, ...],
    steps: int,
    rate: float,
    variation: float,
    budget: Budget,
    generator: np.random.Generator,
) -> Search:
    """Return the image whose gradients are most like an update's.

    Args:
        model: The model at the start of the step.
        update: Gradients by the names of its parameters.
        label: The image's class; for one image it is where the gradient of the last bias is negative.
        shape: (H, W, C).
        mean: Mean of each color component, on pixels in [0, 1].
        std: Deviation of each color component.
        steps: At most.
        rate: Of Adam, in normalized pixels; falls to a tenth at 3/8, 5/8 and 7/8 of the steps.
        variation: Weight of the mean total variation.
        budget: When it is spent the search ends.
        generator: Draws the start.
    """
    import torch

    like = next(iter(update.values()))
    center, scale = (torch.tensor(part, dtype=like.dtype).reshape(1, -1, 1, 1) for part in (mean, std))
    low, high = -center / scale, (1 - center) / scale
    start = torch.from_numpy(generator.normal(size=(1, shape[2], *shape[:2]))).to(like.dtype)
    pixels = start.clamp(low, high).requires_grad_()
    labels = torch.tensor([label])
    adam = torch.optim.Adam([pixels], lr=rate)
    falls = torch.optim.lr_scheduler.MultiStepLR(adam, [steps * part // 8 for part in (3, 5, 7)], gamma=0.1)
    best, distance, done = pixels.detach().clone(), float("inf"), 0
    for _ in range(steps):
        done += 1
        found = gradients_of(model, pixels, labels, keep=True)
        unlike = _cosine_distance(found, update)
        if unlike.item() < distance:
            best, distance = pixels.detach().clone(), unlike.item()
        (direction,) = torch.autograd.grad(unlike + variation * _variation(pixels), pixels)
        pixels.grad = direction.sign()
        adam.step()
        falls.step()
        with torch.no_grad():
            pixels.copy_(pixels.clamp(low, high))
        if budget.spent:
            break
    levels = 255.0 * (best * scale + center)[0].permute(1, 2, 0).double().numpy()
    return Search(image=levels, distance=distance, steps=done)


def _cosine_distance(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Tensor:
    import torch

    names = [name for name in found if name in wanted]
    ours, theirs = (torch.cat([side[name].flatten() for name in names]) for side in (found, wanted))
    return 1 - torch.nn.functional.cosine_similarity(ours, theirs, dim=0)


def _variation(pixels: Tensor) -> Tensor:
    down, right = pixels.diff(dim=2).abs().mean(), pixels.diff(dim=3).abs().mean()
    return down + right


@dataclass(frozen=True, kw_only=True)
class GradientInversion(ModelAttack):
    """Search for images whose gradients are those that were shared; decode them where the base is known.

    Args:
        steps: For each victim; 24,000 in the paper, on graphics processors.
        rate: Of Adam.
        variation: Weight of total variation; 0 for ciphertexts.
        drift: By which share of its own size each weight is thought to have moved since the base was known.
    """

    name: ClassVar[str] = "gradient-inversion"
    title: ClassVar[str] = "Training images from gradients, by search"
    citation: ClassVar[str] = "Geiping et al., Inverting gradients, NeurIPS (2020), arXiv 2003.14053"
    access: ClassVar[Access] = "gradients"
    cost: ClassVar[str] = "steps times three passes through the model, for each image"
    needs: ClassVar[tuple[str, ...]] = ("updates", "model", "labels")

    steps: int = 1000
    rate: float = 0.1
    variation: float = 0.0
    drift: float = 0.0

    def run(
        self,
        evidence: ModelEvidence,
        *,
        budget: Budget | None = None,
        advance: Callable[[int, int], None] | None = None,
    ) -> Reconstruction:
        """Read the victims; see `ModelAttack.run`. Each may take its share of what is left of the budget."""
        from pixelveil.models.outputs import evaluating

        self.check(evidence)
        model, labels = held(evidence.model, "model"), held(evidence.labels, "labels")
        budget, info, found = budget or Budget(), evidence.stem.info, []
        with evaluating(model):
            for number, update in enumerate(held(evidence.updates, "updates")[: evidence.victims]):
                search = invert_gradients(
                    model,
                    update,
                    label=int(labels[number]),
                    shape=evidence.shape,
                    mean=info.mean,
                    std=info.std,
                    steps=self.steps,
                    rate=self.rate,
                    variation=self.variation,
                    budget=Budget(seconds=max(budget.left, 0.0) / (evidence.victims - number)),
                    generator=evidence.generator,
                )
                found.append(search)
                if advance:
                    advance(number + 1, evidence.victims)
        return Reconstruction(
            images=plain_or_ciphertext(np.stack([one.image for one in found]), evidence=evidence, drift=self.drift),
            facts={
                "distance": float(np.mean([one.distance for one in found])),
                "steps": sum(one.steps for one in found),
            },
        )
