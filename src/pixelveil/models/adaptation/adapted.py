"""An adaptation network in front of a classifier, as one network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from pixelveil.errors import UsageError

__all__ = ["AdaptedNetwork", "HasAuxiliaryLoss", "PlanesToChannels", "auxiliary_modules"]


@runtime_checkable
class HasAuxiliaryLoss(Protocol):
    """A module that adds a term to the loss of the batch it was just given."""

    def auxiliary_loss(self) -> Tensor:
        """Return a scalar."""
        ...


class AdaptedNetwork(nn.Module):
    """First the adaptation network, then the backbone.

    Args:
        adaptation: Maps images to what the backbone reads.
        backbone: Maps that to logits.
    """

    def __init__(self, adaptation: nn.Module, backbone: nn.Module) -> None:
        super().__init__()
        self.adaptation = adaptation
        self.backbone = backbone

    def forward(self, batch: Tensor) -> Tensor:
        """Return logits (n, classes) of normalized images."""
        logits: Tensor = self.backbone(self.adaptation(batch))
        return logits

    def no_weight_decay(self) -> set[str]:
        """Return the backbone's parameters that must not decay, under their names here."""
        named: Callable[[], set[str]] | None = getattr(self.backbone, "no_weight_decay", None)
        return set() if named is None else {f"backbone.{name}" for name in named()}

    def reset_classifier(self, num_classes: int) -> None:
        """Give the backbone a new last layer.

        Raises:
            UsageError: It cannot have one.
        """
        reset: Callable[[int], None] | None = getattr(self.backbone, "reset_classifier", None)
        if reset is None:
            raise UsageError("the backbone has no last layer that can be replaced", hint="use a timm classifier")
        reset(num_classes)


class PlanesToChannels(nn.Module):
    """Three planes side by side, (n, 1, H, 3W), as three channels (n, 3, H, W): no value is lost, none is moved else.

    Every network for color images then reads grayscale-based EtC. Images that have three channels already (plain
    ones, for comparison) pass.
    """

    def forward(self, batch: Tensor) -> Tensor:
        """Return the channels."""
        if batch.shape[1] == 3:
            return batch
        count, _, height, width = batch.shape
        return batch.reshape(count, height, 3, width // 3).permute(0, 2, 1, 3)


def auxiliary_modules(model: nn.Module) -> tuple[HasAuxiliaryLoss, ...]:
    """Return the parts of a model that add to its loss; most models have none."""
    return tuple(module for module in model.modules() if isinstance(module, HasAuxiliaryLoss))
