"""What judges a learned transformation: a classifier and the early features of a network, both frozen."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from pixelveil.errors import IntegrityError, UsageError

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "Judge", "classifier_features", "frozen", "random_vgg", "vgg_from"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# VGG16 up to relu2_2 (Simonyan and Zisserman, ICLR 2015): place among the layers, channels in and out.
_VGG = ((0, 3, 64), (2, 64, 64), (5, 64, 128), (7, 128, 128))


@dataclass(frozen=True)
class Judge:
    """The frozen networks of the loss; gradients pass through them but never reach them.

    Args:
        classifier: ``psi``: normalized images (n, 3, H, W) to logits.
        features: ``V``: normalized images to features.
        mean: Per channel, that normalization subtracts from images in [0, 1].
        std: Per channel, that it divides by.
    """

    classifier: nn.Module
    features: Callable[[Tensor], Tensor]
    mean: Sequence[float] = IMAGENET_MEAN
    std: Sequence[float] = IMAGENET_STD

    def normalized(self, images: Tensor) -> Tensor:
        """Return ``(x - mean) / std`` of images (n, 3, H, W) in [0, 1]."""
        mean, std = (images.new_tensor(values).reshape(1, -1, 1, 1) for values in (self.mean, self.std))
        return (images - mean) / std


def frozen(module: nn.Module) -> nn.Module:
    """Return the module in evaluation mode, with weights that take no gradient."""
    return module.eval().requires_grad_(False)


def random_vgg(*, seed: int) -> nn.Module:
    """Return the first nine layers of VGG16 with random weights (He et al. 2015), frozen.

    Random features of this shape still tell textures and edges apart (Ustyuzhaninov et al., arXiv 1606.00021), but
    their scale is not that of trained ones: choose ``feature_weight`` anew.

    Args:
        seed: Decides the weights.
    """
    generator = torch.Generator().manual_seed(seed)
    layers = _vgg_layers()
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=math.sqrt(2 / (9 * layer.in_channels)), generator=generator)
            nn.init.constant_(layer.get_parameter("bias"), 0.0)
    return frozen(layers)


def vgg_from(path: Path) -> nn.Module:
    """Return the first nine layers of VGG16 with weights from a file, frozen.

    Args:
        path: safetensors file with ``features.0.weight`` and so on; more is ignored.

    Raises:
        UsageError: It cannot be read.
        IntegrityError: It holds something else.
    """
    from safetensors import SafetensorError, safe_open

    layers = _vgg_layers()
    names = [f"{place}.{what}" for place, _, _ in _VGG for what in ("weight", "bias")]
    try:
        with safe_open(path, framework="pt") as file:
            layers.load_state_dict({name: file.get_tensor(f"features.{name}").float() for name in names})
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (SafetensorError, RuntimeError) as error:
        raise IntegrityError(f"{path}: does not hold the first layers of VGG16") from error
    return frozen(layers)


def classifier_features(classifier: nn.Module, *, layer: str = "") -> Callable[[Tensor], Tensor]:
    """Return a function that gives what an early layer of a classifier returns.

    Args:
        classifier: The network.
        layer: Name of the module; "": the second stage that a timm model names.

    Raises:
        UsageError: There is no such module.
    """
    stages: list[str] = [stage["module"] for stage in getattr(classifier, "feature_info", ())]
    name = layer or (stages[min(1, len(stages) - 1)] if stages else "")
    modules = dict(classifier.named_modules())
    if not name or name not in modules:
        raise UsageError(
            f"the classifier has no layer {name!r}" if name else "the classifier does not name its stages",
            hint="name a module as parameter layer, or choose perceptual 'random'",
        )

    def features(images: Tensor) -> Tensor:
        found: list[Tensor] = []
        hook = modules[name].register_forward_hook(lambda module, given, result: found.append(result))
        try:
            classifier(images)
        finally:
            hook.remove()
        return found[0]

    return features


def _vgg_layers() -> nn.Sequential:
    layers: list[nn.Module] = []
    for place, given, wide in _VGG:
        if place == 5:
            layers.append(nn.MaxPool2d(2))
        layers += [nn.Conv2d(given, wide, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers)
