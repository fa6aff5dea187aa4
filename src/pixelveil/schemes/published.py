"""Accuracies that others have published, by scheme: what was printed, where, and nothing inferred.

Figures are test accuracies in percent. "plain" is the same network, adaptation network included, on plain images.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PUBLISHED", "Published"]


@dataclass(frozen=True)
class Published:
    """One printed figure.

    Args:
        dataset: What was classified.
        network: By what, with its adaptation network.
        plain: Accuracy on plain images in percent; None where none was printed.
        encrypted: Accuracy on encrypted images in percent.
        source: Where it stands.
        note: What a reader must know to compare, or empty.
    """

    dataset: str
    network: str
    plain: float | None
    encrypted: float
    source: str
    note: str = ""


_REPORT = "Kiya, SCAT research report (2023), Table 1"
_MADONO = "Madono et al., AAAI-WS 2020, Table 3"
_SCRAMBLEMIX = "Madono et al., ScrambleMix, PSIVT 2023, slides p. 39"
_SLIDE_40 = "Madono et al., ScrambleMix, PSIVT 2023, slides p. 40"
_SHAKE = "Shake-PyramidNet-110"
_BUG = "their code duplicates a channel for five of six color codes"
_RANDOM_PE = f"random PE; keys are fixed in their code, not one for each image; {_BUG}"

PUBLISHED: dict[str, tuple[Published, ...]] = {
    "tanaka-le": (
        Published("CIFAR-10", "ResNet-20", 91.55, 87.02, _REPORT),
        Published("CIFAR-10", _SHAKE, 96.70, 94.94, _MADONO),
        Published("CIFAR-10", f"{_SHAKE}, LE-AdaptNet", 95.64, 94.49, _MADONO),
        Published("CIFAR-10", f"{_SHAKE}, ELE-AdaptNet", 85.32, 87.28, _MADONO),
        Published("CIFAR-100", _SHAKE, 83.59, 78.25, _MADONO),
        Published("CIFAR-100", f"{_SHAKE}, LE-AdaptNet", 79.13, 75.48, _MADONO),
        Published("CIFAR-100", f"{_SHAKE}, ELE-AdaptNet", 60.36, 71.30, _MADONO),
        Published("CIFAR-10", "WideResNet-40-10", None, 91.34, _SCRAMBLEMIX),
        Published("CIFAR-100", "WideResNet-40-10", None, 70.62, _SCRAMBLEMIX),
        Published("SVHN", "WideResNet-40-10", None, 96.50, _SCRAMBLEMIX),
        Published("CIFAR-10", "Shake-PyramidNet", None, 94.02, _SCRAMBLEMIX),
        Published("CIFAR-100", "Shake-PyramidNet", None, 77.59, _SCRAMBLEMIX),
        Published("SVHN", "Shake-PyramidNet", None, 97.26, _SCRAMBLEMIX),
    ),
    "madono-ele": (
        Published("CIFAR-10", _SHAKE, 96.70, 67.10, _MADONO),
        Published("CIFAR-10", f"{_SHAKE}, ELE-AdaptNet", 85.32, 83.06, _MADONO),
        Published("CIFAR-10", f"{_SHAKE}, LE-AdaptNet", 95.64, 48.39, _MADONO),
        Published("CIFAR-100", _SHAKE, 83.59, 43.05, _MADONO),
        Published("CIFAR-100", f"{_SHAKE}, LE-AdaptNet", 79.13, 7.19, _MADONO),
        Published("CIFAR-100", f"{_SHAKE}, ELE-AdaptNet", 60.36, 62.97, _MADONO),
    ),
    "etc-color": (
        Published("CIFAR-10", _SHAKE, 96.70, 85.94, _MADONO, _BUG),
        Published("CIFAR-10", f"{_SHAKE}, ELE-AdaptNet", 85.32, 89.09, _MADONO, _BUG),
        Published("CIFAR-10", f"{_SHAKE}, LE-AdaptNet", 95.64, 80.16, _MADONO, _BUG),
        Published("CIFAR-100", _SHAKE, 83.59, 61.90, _MADONO, _BUG),
        Published("CIFAR-100", f"{_SHAKE}, LE-AdaptNet", 79.13, 44.83, _MADONO, _BUG),
        Published("CIFAR-100", f"{_SHAKE}, ELE-AdaptNet", 60.36, 71.91, _MADONO, _BUG),
    ),
    "skk": (
        Published("CIFAR-10", "ResNet-20", 91.55, 86.66, _REPORT, "quoted as pixel-based encryption"),
        Published("CIFAR-10", "WideResNet-40-10", None, 92.23, _SCRAMBLEMIX, _RANDOM_PE),
        Published("CIFAR-100", "WideResNet-40-10", None, 70.82, _SCRAMBLEMIX, _RANDOM_PE),
        Published("SVHN", "WideResNet-40-10", None, 96.83, _SCRAMBLEMIX, _RANDOM_PE),
        Published("CIFAR-10", "Shake-PyramidNet", None, 93.51, _SCRAMBLEMIX, _RANDOM_PE),
        Published("CIFAR-100", "Shake-PyramidNet", None, 77.10, _SCRAMBLEMIX, _RANDOM_PE),
        Published("SVHN", "Shake-PyramidNet", None, 97.26, _SCRAMBLEMIX, _RANDOM_PE),
    ),
    "vit-permutation": (
        Published("CIFAR-10", "ViT, patch 16, resized to 224x224", 99.03, 99.03, _REPORT, "encrypted model"),
    ),
    "gan-transform": (Published("CIFAR-10", "ResNet-20", 91.55, 82.55, _REPORT),),
    "svd-wang": (
        Published(
            "brain MRI, PCOS ultrasound",
            "ResNet50, MobileNetV2, InceptionV3",
            None,
            85.0,
            "Wang, thesis, NCCU (2025), abstract",
            'printed as "over 85"',
        ),
    ),
    "instahide": (
        Published("CIFAR-10", "WideResNet-40-10", None, 53.58, _SCRAMBLEMIX, "T = 1"),
        Published("CIFAR-10", "WideResNet-40-10", None, 94.92, _SLIDE_40, "T = 10"),
        Published("CIFAR-10", "Shake-PyramidNet", None, 52.93, _SCRAMBLEMIX, "T = 1"),
        Published("CIFAR-10", "Shake-PyramidNet", None, 92.91, _SLIDE_40, "T = 10"),
    ),
}
"""Every figure that was found printed; a scheme that is missing has none that could be read."""
