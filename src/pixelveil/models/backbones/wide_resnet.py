"""Wide residual networks for small images."""

from __future__ import annotations

import itertools

from torch import Tensor, nn
from torch.nn import functional

from pixelveil.errors import UsageError

__all__ = ["WideResNet"]


class WideResNet(nn.Module):
    """Pre-activation residual blocks, k times as wide: WRN-d-k.

    A 3x3 convolution to 16 channels; three stages of ``(d - 4) / 6`` blocks, ``16k, 32k, 64k`` wide; batch
    normalization, ReLU, mean, linear layer. A block is twice (normalization, ReLU, 3x3 convolution), with dropout
    between. Source: Zagoruyko and Komodakis, "Wide residual networks", BMVC (2016), arXiv 1605.07146, section 2.

    Args:
        depth: d, a number ``6n + 4``.
        widen: k.
        num_classes: Number of logits.
        in_channels: Channels of the input.
        dropout: Probability inside blocks.

    Raises:
        UsageError: There is no such depth.

    >>> sum(weight.numel() for weight in WideResNet(depth=16, widen=4, num_classes=10).parameters())
    2748890
    """

    def __init__(
        self, *, depth: int = 40, widen: int = 10, num_classes: int, in_channels: int = 3, dropout: float = 0.0
    ) -> None:
        super().__init__()
        if depth < 10 or depth % 6 != 4 or widen < 1:
            raise UsageError(f"a wide residual network has 6n + 4 layers, not {depth}; its factor is at least 1")
        count = (depth - 4) // 6
        widths = (16, 16 * widen, 32 * widen, 64 * widen)
        self.stem = nn.Conv2d(in_channels, widths[0], 3, padding=1, bias=False)
        blocks: list[nn.Module] = []
        for number, (before, width) in enumerate(itertools.pairwise(widths)):
            blocks.append(_Block(before, width, stride=2 if number else 1, dropout=dropout))
            blocks += [_Block(width, width, stride=1, dropout=dropout) for _ in range(count - 1)]
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(widths[-1])
        self.linear = nn.Linear(widths[-1], num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(self.linear.bias)

    def forward(self, batch: Tensor) -> Tensor:
        """Return logits (n, classes) of images (n, C, H, W)."""
        features = functional.relu(self.norm(self.blocks(self.stem(batch))))
        logits: Tensor = self.linear(features.mean(dim=(2, 3)))
        return logits

    def reset_classifier(self, num_classes: int) -> None:
        """Give the network a new last layer."""
        old = self.linear
        self.linear = nn.Linear(old.in_features, num_classes, device=old.weight.device, dtype=old.weight.dtype)


class _Block(nn.Module):
    """Normalization before each convolution; the shortcut is a 1x1 convolution where the shape changes."""

    def __init__(self, before: int, width: int, *, stride: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(before)
        self.conv1 = nn.Conv2d(before, width, 3, stride=stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        same = before == width and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(before, width, 1, stride=stride, bias=False)

    def forward(self, batch: Tensor) -> Tensor:
        read = functional.relu(self.norm1(batch))
        kept = batch if isinstance(self.shortcut, nn.Identity) else self.shortcut(read)
        features = self.conv2(self.dropout(functional.relu(self.norm2(self.conv1(read)))))
        total: Tensor = kept + features
        return total
