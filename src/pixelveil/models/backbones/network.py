"""An adaptation network in front of a backbone, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pixelveil.errors import UsageError
from pixelveil.models.adaptation import (
    AdaptationSettings,
    AdaptedNetwork,
    adaptation_channels,
    auto_adaptation,
    create_adaptation,
    settings_for,
)
from pixelveil.models.backbones.catalogue import create_backbone, reads_patches
from pixelveil.models.backbones.weights import load_weights
from pixelveil.schemes import Scheme

__all__ = ["build_network", "create_network"]

_HALF = (0.5, 0.5, 0.5)


def create_network(
    backbone: str,
    *,
    classes: int,
    image_size: int,
    adaptation: str = "none",
    scheme: Scheme | None = None,
    mean: tuple[float, ...] = _HALF,
    std: tuple[float, ...] = _HALF,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    weights: Path | None = None,
    pretrained: bool = False,
) -> nn.Module:
    """Build a classifier for images of a scheme: adaptation network, then backbone.

    Args:
        backbone: One of `BACKBONES`, or a timm name.
        classes: Number of logits.
        image_size: Side of the square image in pixels.
        adaptation: One of `ADAPTATIONS`, or "auto": what the scheme needs.
        scheme: It encrypted the images; None for plain ones.
        mean: Per channel, that normalization subtracts from images in [0, 1].
        std: Per channel.
        options: Further arguments of the backbone's constructor.
        seed: Seed of the first weights.
        weights: safetensors file of the backbone's weights.
        pretrained: Whether to fetch the backbone's weights from timm's hub.

    Returns:
        The network; the backbone itself where there is nothing before it.

    Raises:
        UsageError: A name is unknown, or the parts do not fit the images.
        IntegrityError: The file holds the weights of something else.

    >>> from pixelveil.schemes import create_scheme
    >>> network = create_network("resnet20", classes=10, image_size=32, adaptation="auto", scheme=create_scheme("skk"))
    >>> network(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """
    if scheme is None:
        settings = AdaptationSettings(image_size=image_size, mean=mean, std=std)
    else:
        settings = settings_for(scheme, image_size=image_size, mean=mean, std=std)
    if adaptation == "auto":
        patches = reads_patches(backbone)
        adaptation = "none" if scheme is None else auto_adaptation(scheme, patches=patches, image_size=image_size)
    return build_network(
        backbone,
        classes=classes,
        adaptation=adaptation,
        settings=settings,
        options=options,
        seed=seed,
        weights=weights,
        pretrained=pretrained,
    )


def build_network(
    backbone: str,
    *,
    classes: int,
    adaptation: str,
    settings: AdaptationSettings,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    weights: Path | None = None,
    pretrained: bool = False,
) -> nn.Module:
    """Build a classifier from settings that are spelled out, as a checkpoint has them.

    Args:
        backbone: One of `BACKBONES`, or a timm name.
        classes: Number of logits.
        adaptation: One of `ADAPTATIONS`.
        settings: Of the images.
        options: Further arguments of the backbone's constructor.
        seed: Seed of the first weights.
        weights: safetensors file of the backbone's weights.
        pretrained: Whether to fetch the backbone's weights from timm's hub.

    Raises:
        UsageError: A name is unknown, or the parts do not fit the images.
        IntegrityError: The file holds the weights of something else.
    """
    if weights is not None and pretrained:
        raise UsageError("weights come from a file or from a hub, not from both")
    network = create_backbone(
        backbone,
        num_classes=classes,
        image_size=settings.image_size,
        in_channels=adaptation_channels(adaptation),
        options=options,
        seed=seed,
        pretrained=pretrained,
    )
    if weights is not None:
        load_weights(network, weights)
    if adaptation == "none" and settings.planes == "interleaved":
        return network
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        front = create_adaptation(adaptation, settings=settings)
    return AdaptedNetwork(front, network)
