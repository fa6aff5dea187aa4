"""All backbones by name: the networks of the published tables; every other timm name works as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import torch
from torch import nn

from pixelveil.errors import MissingExtraError, UsageError
from pixelveil.models.backbones.cifar_resnet import CIFAR_MEAN, CIFAR_STD, CifarResNet
from pixelveil.models.backbones.timm_networks import timm_network, timm_normalization
from pixelveil.models.backbones.wide_resnet import WideResNet

__all__ = ["BACKBONES", "Backbone", "create_backbone", "normalization_of", "reads_patches"]

_PATCHES = ("vit_", "deit", "beit", "convmixer", "mixer_", "eva", "xcit")


@dataclass(frozen=True)
class Backbone:
    """How a backbone is built.

    Args:
        kind: "cifar" and "wide" are of this project; "convmixer" and "timm" are timm's; "small-stem" is a timm residual
            network whose first convolution is 3x3 with stride 1 and that does not pool before its first stage.
        name: timm name, for the kinds that have one.
        options: Arguments, JSON values; those of the caller go before them.
        least: Smallest side of the images in pixels.
        patches: Whether it reads patches of its own.
    """

    kind: Literal["cifar", "wide", "convmixer", "timm", "small-stem"]
    name: str = ""
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    least: int = 8
    patches: bool = False


BACKBONES: dict[str, Backbone] = {
    "convmixer-cifar": Backbone(
        "convmixer", options={"dim": 256, "depth": 8, "kernel_size": 5, "patch_size": 4}, patches=True
    ),
    "densenet121": Backbone("timm", "densenet121", least=32),
    "efficientnet-b0": Backbone("timm", "efficientnet_b0", least=32),
    "inceptionv3": Backbone("timm", "inception_v3", least=75),
    "mobilenetv2": Backbone("timm", "mobilenetv2_100", least=32),
    "resnet18": Backbone("timm", "resnet18", least=32),
    "resnet18-cifar": Backbone("small-stem", "resnet18"),
    "resnet20": Backbone("cifar", options={"depth": 20}),
    "resnet32": Backbone("cifar", options={"depth": 32}),
    "resnet44": Backbone("cifar", options={"depth": 44}),
    "resnet50": Backbone("timm", "resnet50", least=32),
    "resnet56": Backbone("cifar", options={"depth": 56}),
    "vit-cifar": Backbone(
        "timm",
        "vit_tiny_patch16_224",
        options={"patch_size": 4, "embed_dim": 192, "depth": 9, "num_heads": 3},
        patches=True,
    ),
    "wide-resnet-40-10": Backbone("wide", options={"depth": 40, "widen": 10}),
    "xception": Backbone("timm", "legacy_xception", least=32),
}


def create_backbone(
    name: str,
    *,
    num_classes: int,
    image_size: int,
    in_channels: int = 3,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    pretrained: bool = False,
) -> nn.Module:
    """Build a backbone with fresh weights; nothing is downloaded and no global random state moves.

    Args:
        name: One of `BACKBONES`, or a timm name.
        num_classes: Number of logits.
        image_size: Side of the square input, in pixels.
        in_channels: Channels of the input.
        options: Further arguments of the constructor; they go before the backbone's own.
        seed: Seed of the first weights.
        pretrained: Whether to begin with the weights that timm's hub has under this name; the only case in which the
            network is used.

    Raises:
        UsageError: The name is unknown, the arguments do not fit, images are too small, or a hub cannot be reached.
        MissingExtraError: timm is needed and not installed.

    >>> create_backbone("resnet20", num_classes=10, image_size=32)(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 10])
    """
    backbone = BACKBONES.get(name, Backbone("timm", name, least=1))
    if image_size < backbone.least:
        raise UsageError(f"{name} takes images of at least {backbone.least} pixels, not {image_size}")
    if pretrained and backbone.kind != "timm":
        raise UsageError(f"no hub has weights of {name}", hint="give a local safetensors file of them")
    arguments = {**backbone.options, **(options or {})}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if backbone.kind in ("timm", "small-stem"):
            network = timm_network(
                backbone.name,
                num_classes=num_classes,
                image_size=image_size,
                in_channels=in_channels,
                options=arguments,
                pretrained=pretrained,
            )
            return _with_small_stem(network, in_channels=in_channels) if backbone.kind == "small-stem" else network
        return _own_network(backbone.kind, name, num_classes=num_classes, in_channels=in_channels, options=arguments)


def reads_patches(name: str) -> bool:
    """Tell whether a backbone reads patches of its own, which are its adaptation where patch and block agree.

    >>> reads_patches("vit_tiny_patch16_224"), reads_patches("resnet20")
    (True, False)
    """
    return BACKBONES[name].patches if name in BACKBONES else name.startswith(_PATCHES)


def normalization_of(name: str) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Return mean and deviation that public weights of a backbone expect; None where none are known.

    >>> normalization_of("resnet20")
    ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    """
    backbone = BACKBONES.get(name, Backbone("timm", name))
    if backbone.kind == "cifar":
        return CIFAR_MEAN, CIFAR_STD
    return timm_normalization(backbone.name) if backbone.kind == "timm" else None


def _own_network(kind: str, name: str, *, num_classes: int, in_channels: int, options: Mapping[str, Any]) -> nn.Module:
    try:
        if kind == "cifar":
            return CifarResNet(num_classes=num_classes, in_channels=in_channels, **options)
        if kind == "wide":
            return WideResNet(num_classes=num_classes, in_channels=in_channels, **options)
        return _convmixer(num_classes=num_classes, in_channels=in_channels, options=options)
    except TypeError as error:
        raise UsageError(f"{name} cannot be built with {dict(options)}: {error}") from error


def _convmixer(*, num_classes: int, in_channels: int, options: Mapping[str, Any]) -> nn.Module:
    """Build timm's ConvMixer (Trockman and Kolter, arXiv 2201.09792) in a size that timm has no name for."""
    try:
        from timm.models.convmixer import ConvMixer
    except ImportError as error:
        raise MissingExtraError("building models", extra="train") from error

    network: nn.Module = ConvMixer(num_classes=num_classes, in_chans=in_channels, **options)
    return network


def _with_small_stem(network: nn.Module, *, in_channels: int) -> nn.Module:
    """Give a residual network for large images a stem for small ones: 3x3, stride 1, no pooling."""
    width = network.get_parameter("bn1.weight").numel()
    stem = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")
    vars(network)["_modules"] |= {"conv1": stem, "maxpool": nn.Identity()}
    return network
