"""The residual networks for CIFAR-10: 20, 32, 44 and 56 layers."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from pixelveil.errors import UsageError

__all__ = ["CIFAR_MEAN", "CIFAR_STD", "CifarResNet"]

# What the public weights expect: that of ImageNet, as their author trained them.
CIFAR_MEAN = (0.485, 0.456, 0.406)
CIFAR_STD = (0.229, 0.224, 0.225)

_WIDTHS = (16, 32, 64)


class CifarResNet(nn.Module):
    """A 3x3 convolution, three stages of n blocks of two 3x3 convolutions (16, 32, 64 wide), mean, linear layer.

    ``6n + 2`` layers; stages 2 and 3 begin with stride 2. Shortcuts have no weights: where the shape changes, every
    second pixel is taken and channels are padded with zeros (option A). Names of the weights are those of the public
    files by Idelbayev (github.com/akamaster/pytorch_resnet_cifar10). Source: He, Zhang, Ren and Sun, CVPR (2016),
    arXiv 1512.03385, section 4.2.

    Args:
        depth: 20, 32, 44, 56 or any other ``6n + 2``.
        num_classes: Number of logits.
        in_channels: Channels of the input.

    Raises:
        UsageError: There is no such depth.

    >>> sum(weight.numel() for weight in CifarResNet(depth=20, num_classes=10).parameters())
    269722
    """

    def __init__(self, *, depth: int, num_classes: int, in_channels: int = 3) -> None:
        super().__init__()
        if depth < 8 or depth % 6 != 2:
            raise UsageError(f"a residual network for CIFAR has 6n + 2 layers, not {depth}")
        count = (depth - 2) // 6
        self.conv1 = nn.Conv2d(in_channels, _WIDTHS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(_WIDTHS[0])
        self.layer1 = _stage(_WIDTHS[0], _WIDTHS[0], count=count, stride=1)
        self.layer2 = _stage(_WIDTHS[0], _WIDTHS[1], count=count, stride=2)
        self.layer3 = _stage(_WIDTHS[1], _WIDTHS[2], count=count, stride=2)
        self.linear = nn.Linear(_WIDTHS[2], num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, batch: Tensor) -> Tensor:
        """Return logits (n, classes) of images (n, C, H, W)."""
        features = functional.relu(self.bn1(self.conv1(batch)))
        features = self.layer3(self.layer2(self.layer1(features)))
        logits: Tensor = self.linear(features.mean(dim=(2, 3)))
        return logits

    def reset_classifier(self, num_classes: int) -> None:
        """Give the network a new last layer."""
        old = self.linear.weight
        self.linear = nn.Linear(_WIDTHS[2], num_classes, device=old.device, dtype=old.dtype)
        nn.init.kaiming_normal_(self.linear.weight)


class _Block(nn.Module):
    """Two convolutions and a shortcut without weights."""

    def __init__(self, before: int, width: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.stride = stride
        self.padding = (width - before) // 2

    def forward(self, batch: Tensor) -> Tensor:
        features = functional.relu(self.bn1(self.conv1(batch)))
        features = self.bn2(self.conv2(features))
        if self.padding or self.stride > 1:
            batch = batch[:, :, :: self.stride, :: self.stride]
            batch = functional.pad(batch, (0, 0, 0, 0, self.padding, self.padding))
        return functional.relu(features + batch)


def _stage(before: int, width: int, *, count: int, stride: int) -> nn.Sequential:
    first = _Block(before, width, stride=stride)
    return nn.Sequential(first, *(_Block(width, width, stride=1) for _ in range(count - 1)))
