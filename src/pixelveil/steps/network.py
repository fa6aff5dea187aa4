"""A neural network as a step: images in, images out, nobody can go back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import IntegrityError, MissingExtraError, UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import ForwardPlan, Operation
from pixelveil.steps.step import ImageShape

__all__ = ["Network"]

_CHANNELS = 3
_MAXIMUM = 255


@dataclass(frozen=True, kw_only=True)
class Network:
    """Give images to a network and round what it returns, ``y = round(255 f(x / 255))``; no key.

    Images run one by one, in float32: a convolution may add up in another order for another number of images, and the
    result of an image must not depend on the others. Grayscale images enter as three equal planes.

    Args:
        network: Takes and returns a tensor (1, 3, H, W) in [0, 1]; any size. It is called when images come.
    """

    network: Callable[[Any], Any] = field(repr=False)
    name: str = "network"

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> ForwardPlan:
        """Return the plan; see `Step.plan`.

        Raises:
            MissingExtraError: PyTorch is not installed.
        """
        del material, role
        self.output_shape(shape)
        try:
            import torch  # noqa: F401 - told now, before the first image is read
        except ImportError as error:
            raise MissingExtraError("running a learned transformation", extra="models") from error
        return ForwardPlan(parts=(Operation(self.name, self._run),))

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return 0: whoever has the weights can do it."""
        self.output_shape(shape)
        return 0.0

    def output_shape(self, shape: ImageShape) -> ImageShape:
        """Return (H, W, 3)."""
        height, width, channels = shape
        if channels not in (1, _CHANNELS):
            raise UsageError(f"images have 1 or 3 channels, not {channels}")
        return height, width, _CHANNELS

    def _run(self, images: NDArray[Any]) -> NDArray[np.uint8]:
        import torch

        count, height, width, _ = images.shape
        result = np.empty((count, height, width, _CHANNELS), np.uint8)
        with torch.inference_mode(), torch.autocast("cpu", enabled=False):
            for place, image in enumerate(images):
                pixels = torch.tensor(image, dtype=torch.float32).permute(2, 0, 1) / _MAXIMUM
                made = self.network(pixels.expand(_CHANNELS, height, width)[None])[0]
                if not made.isfinite().all():
                    raise IntegrityError(f"the weights of the {self.name} give values that are no numbers")
                levels = (made * _MAXIMUM).round().clamp(0, _MAXIMUM)
                result[place] = levels.permute(1, 2, 0).to(torch.uint8).numpy()
        return result
