"""LPIPS: how far apart two images are to a network that was calibrated on people's judgments. It rewards naturalness.

A natural picture of something else is nearer than a noisy picture of the right thing, so it never stands alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.measures.batches import checked_pair
from pixelveil.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Distance", "load_lpips"]

Distance = Callable[[NDArray[Any], NDArray[Any]], NDArray[np.float64]]
"""Takes two batches uint8 (n, H, W, C) and gives (n,)."""

_BATCH = 32
_SMALLEST = 31  # the network's last layer sees one place
# Of torchvision's AlexNet: number of the convolution within "features", and the part of the package's network.
_PARTS = {0: "slice1.0", 3: "slice2.3", 6: "slice3.6", 8: "slice4.8", 10: "slice5.10"}
_HINT = "give ImageNet weights of torchvision's AlexNet: safetensors.torch.save_file(alexnet.state_dict(), FILE)"


def load_lpips(weights: Path) -> Distance:
    """Return LPIPS (AlexNet, version 0.1) with the network's weights from a local file; nothing is downloaded.

    ``d = sum over layers l of the mean over places of sum over channels c of w_lc (a_lc - b_lc)^2``, a and b answers
    of the network's five layers, of length one at each place; 0 for equal images, and lower is more alike. The
    weights w of people's judgments come with the package lpips. Grey levels v go in as ``v / 127.5 - 1``, for the
    measure expects -1 to 1: images in [0, 1] give other, lower values that are found in print.

    Args:
        weights: Safetensors file with ImageNet weights of torchvision's AlexNet.

    Returns:
        A function of two batches, uint8 (n, H, W, C) of 31 pixels a side or more, with values float64 (n,).

    Raises:
        MissingExtraError: The package lpips, or PyTorch, is not installed.
        UsageError: There is no such file, or it holds other weights.

    Source: Zhang, Isola, Efros, Shechtman and Wang, CVPR (2018).
    """
    try:
        import lpips
        import torch
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise MissingExtraError("LPIPS", extra="perceptual") from error
    if not weights.is_file():
        raise UsageError(f"{weights}: there is no such file of weights", hint=_HINT)
    try:
        tensors = load_file(weights)
    except SafetensorError as error:
        raise UsageError(f"{weights}: is no safetensors file", hint=_HINT) from error
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore", UserWarning)  # about arguments that the package gives torchvision
        network = lpips.LPIPS(net="alex", version="0.1", pnet_rand=True, verbose=False)
    try:
        network.net.load_state_dict(_renamed(tensors))
    except (KeyError, RuntimeError) as error:
        raise UsageError(f"{weights}: holds no weights of torchvision's AlexNet", hint=_HINT) from error

    def distance(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
        a, b = checked_pair(first, second)
        if min(a.shape[1:3]) < _SMALLEST:
            raise UsageError(f"LPIPS needs images of {_SMALLEST} pixels or more, not {a.shape[1]}x{a.shape[2]}")
        found = []
        with torch.inference_mode():
            for start in range(0, len(a), _BATCH):
                pair = (_tensor(one[start : start + _BATCH]) for one in (a, b))
                found.append(network(*pair).reshape(-1).numpy())
        return np.concatenate(found).astype(np.float64)

    return distance


def _renamed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        f"{part}.{kind}": tensors[f"features.{number}.{kind}"]
        for number, part in _PARTS.items()
        for kind in ("weight", "bias")
    }


def _tensor(images: NDArray[np.uint8]) -> Tensor:
    """Return a batch (n, 3, H, W), -1 to 1; one channel is repeated."""
    import torch

    values = np.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images
    return torch.from_numpy(values.transpose(0, 3, 1, 2) / np.float32(127.5) - 1)
