"""How the networks of learned schemes are trained: one recipe each, every choice a named parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from pixelveil.errors import UsageError

__all__ = ["RECIPES", "Recipe", "learning_rate_in", "recipe_for"]

# Shares of the epochs after which the rate drops, and to what: 60, 120 and 160 of 200 epochs.
_MILESTONES, _DROP = (0.3, 0.6, 0.8), 0.2

# Parameters that name files of this machine; an asset records digests of their content instead.
_FILES = ("classifier", "vgg")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What decides a training run, beside images and seed.

    ``L = CE(psi(x'), y) - feature_weight MSE(V(x'), V(x)) - pixel_weight MSE(z, x)``, where ``z`` is what the opponent
    makes of ``x'``, or ``x'`` itself without one.

    Args:
        network: "unet" or "generator".
        width: Channels of the first level.
        depth: Levels of a U-Net, residual blocks of a generator.
        feature_weight: How much features of the transformed image are pushed away.
        pixel_weight: How much its pixels, or those of the opponent's reconstruction, are.
        opponent: A second generator learns to undo the first, ``min MSE(z, x)``.
        perceptual: ``V``: "vgg16" (up to relu2_2, weights from the file ``vgg``), "random" (the same with random
            weights) or "classifier" (an early layer of ``psi``); "": "vgg16" where there is a file, else "random".
        vgg: safetensors file with ``features.0.weight`` and so on, as torchvision and timm name those of VGG16.
        layer: Module of ``psi`` that "classifier" reads; "": the second stage that timm names.
        optimizer: "sgd" or "adam".
        learning_rate: At the start.
        momentum: Of SGD; the first beta of Adam.
        weight_decay: Of all weights.
        schedule: "steps" (times 0.2 after 30, 60 and 80 % of the epochs) or "linear" (to zero over the second half).
        epochs: Passes over the training images.
        batch_size: Images a step.
        border: Zeros around an image before a random window of its size is cut out, in pixels.
        flip: Mirror left and right with probability one half.
        classifier: Checkpoint of ``psi``; "": one is trained on the same plain images.
        model: timm name of the classifier to train.
        classifier_epochs: Passes over the images for it.
    """

    network: Literal["unet", "generator"]
    width: int = 64
    depth: int = 5
    feature_weight: float = 0.01
    pixel_weight: float = 0.0
    opponent: bool = False
    perceptual: Literal["", "vgg16", "random", "classifier"] = ""
    vgg: str = ""
    layer: str = ""
    optimizer: Literal["sgd", "adam"] = "sgd"
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: Literal["steps", "linear"] = "steps"
    epochs: int = 200
    batch_size: int = 128
    border: int = 4
    flip: bool = True
    classifier: str = ""
    model: str = "resnet18"
    classifier_epochs: int = 30

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        choices = {
            "network": ("unet", "generator"),
            "perceptual": ("", "vgg16", "random", "classifier"),
            "optimizer": ("sgd", "adam"),
            "schedule": ("steps", "linear"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise UsageError(f"{name} must be one of {', '.join(map(repr, allowed))}, not {getattr(self, name)!r}")
        for name, least in {"width": 1, "depth": 1, "epochs": 1, "batch_size": 2, "border": 0}.items():
            if getattr(self, name) < least:
                raise UsageError(f"{name} must be at least {least}, not {getattr(self, name)}")
        rates = (self.learning_rate, self.momentum, self.weight_decay, self.feature_weight, self.pixel_weight)
        if not all(math.isfinite(rate) for rate in rates):
            raise UsageError("rates and weights must be finite numbers")
        if self.classifier_epochs < 1 or self.learning_rate <= 0 or min(rates) < 0:
            raise UsageError("epochs and learning rate must be positive, momentum, decay and weights not negative")
        if self.perceptual == "vgg16" and not self.vgg:
            raise UsageError(
                "perceptual 'vgg16' needs the network's weights",
                hint="give a safetensors file of VGG16 as parameter vgg, or choose 'random' or 'classifier'",
            )

    @property
    def features(self) -> str:
        """What ``V`` is, with the default resolved."""
        return self.perceptual or ("vgg16" if self.vgg else "random")

    @property
    def facts(self) -> dict[str, Any]:
        """All of it but names of files, as JSON values."""
        return {name: value for name, value in asdict(self).items() if name not in _FILES} | {
            "perceptual": self.features
        }


RECIPES: dict[str, Recipe] = {
    "image-to-perturbation": Recipe(network="unet"),
    "gan-transform": Recipe(
        network="generator",
        depth=6,
        pixel_weight=1.0,
        opponent=True,
        optimizer="adam",
        learning_rate=2e-4,
        momentum=0.5,
        weight_decay=0.0,
        schedule="linear",
        batch_size=64,
    ),
}
"""By name of the scheme: as published where that is public, else as inferred."""


def recipe_for(
    name: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
) -> Recipe:
    """Return a scheme's recipe with some parameters changed.

    Args:
        name: Of the scheme.
        parameters: New values by name.
        epochs: Passes over the images; None: the recipe's.
        batch_size: Images a step; None: the recipe's.

    Raises:
        UsageError: The scheme is not learned, or a parameter is unknown or of the wrong type.

    >>> recipe_for("image-to-perturbation", {"feature_weight": 1}, epochs=20).feature_weight
    1.0
    """
    if name not in RECIPES:
        raise UsageError(f"{name} has no network to train", hint=f"these have: {', '.join(sorted(RECIPES))}")
    start, changes = RECIPES[name], dict(parameters or {})
    known = [one.name for one in fields(Recipe) if one.name != "network"]
    for label, value in changes.items():
        if label not in known:
            raise UsageError(f"training {name} has no parameter {label!r}", hint=f"it has: {', '.join(known)}")
        wanted = type(getattr(start, label))
        if wanted is float and type(value) is int:
            changes[label] = value = float(value)
        if type(value) is not wanted:
            raise UsageError(f"training {name}: {label} must be {wanted.__name__}, not {value!r}")
    changed = replace(start, **changes)
    return replace(changed, epochs=epochs or changed.epochs, batch_size=batch_size or changed.batch_size)


def learning_rate_in(epoch: int, *, recipe: Recipe) -> float:
    """Return the learning rate of one epoch, counted from 1.

    >>> [round(learning_rate_in(epoch, recipe=RECIPES["image-to-perturbation"]), 5) for epoch in (60, 61, 121, 161)]
    [0.1, 0.02, 0.004, 0.0008]
    """
    done = (epoch - 1) / recipe.epochs
    if recipe.schedule == "linear":
        return recipe.learning_rate * min(1.0, 2 * (1 - done))
    return recipe.learning_rate * _DROP ** sum(done >= share for share in _MILESTONES)
