"""Small random movements of training images, before encryption or, where a scheme permits them, after it.

Plain images may move in any way: one affine resampling a batch. Encrypted ones may not be resampled, for values between
two bytes mean nothing; they are mirrored and shifted by whole pixels or blocks, as far as their scheme says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme

__all__ = ["Augmentation", "augment", "encrypted_augmentation", "permitted"]

# Largest shift, as a share of the side: 4 pixels of 32, as usual for CIFAR.
_SHIFT = 8


@dataclass(frozen=True)
class Augmentation:
    """How far images may move.

    Args:
        flip: Mirror left and right with probability one half.
        shift: Largest shift, as a share of the side.
        rotation: Largest turn, in degrees.
        zoom: Largest change of scale, as a share.
        pixels: Largest shift by whole pixels, without resampling; the mean color comes in.
        step: Whole pixels are shifted in multiples of it.

    Raises:
        UsageError: A step below 1, or a negative shift.
    """

    flip: bool = False
    shift: float = 0.0
    rotation: float = 0.0
    zoom: float = 0.0
    pixels: int = 0
    step: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.step < 1 or self.pixels < 0:
            raise UsageError("images are shifted by 0 or more pixels, in steps of at least 1")

    def __bool__(self) -> bool:
        """Tell whether anything moves at all."""
        return self.flip or self.pixels >= self.step or self.resamples

    @property
    def resamples(self) -> bool:
        """Whether values between pixels are computed, which encrypted images do not bear."""
        return max(self.shift, self.rotation, self.zoom) > 0


def permitted(scheme: Scheme) -> tuple[str, ...]:
    """Return what may be done to encrypted images of a scheme; weighted sums make sense under one key only.

    >>> from pixelveil.schemes import create_scheme
    >>> permitted(create_scheme("skk")), permitted(create_scheme("tanaka-le")), permitted(create_scheme("madono-ele"))
    (('flip', 'shift', 'cut'), ('block shift',), ())
    """
    return tuple(one for one in scheme.augmentations if one != "mix" or scheme.key_policy == "shared")


def encrypted_augmentation(scheme: Scheme, *, image_size: int) -> Augmentation:
    """Return how encrypted images of a scheme may move.

    Args:
        scheme: It encrypted them.
        image_size: Side in pixels; shifts reach an eighth of it, by blocks at least one block.

    >>> from pixelveil.schemes import create_scheme
    >>> encrypted_augmentation(create_scheme("skk"), image_size=32).pixels
    4
    """
    may = permitted(scheme)
    if "block shift" in may:
        step = scheme.block
        return Augmentation(flip="flip" in may, pixels=max(step, image_size // _SHIFT // step * step), step=step)
    return Augmentation(flip="flip" in may, pixels=image_size // _SHIFT if "shift" in may else 0)


def augment(batch: Tensor, *, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """Move every image of a batch a little, each its own way.

    Args:
        batch: Shape (n, C, H, W), float.
        settings: How far. Resampling repeats the border where something comes in from outside.
        generator: Source of the draws, on the CPU, so that every device sees the same.

    Returns:
        Shape (n, C, H, W).

    >>> still = Augmentation()
    >>> bool(still), augment(torch.ones(1, 3, 4, 4), settings=still, generator=torch.Generator()).shape[0]
    (False, 1)
    """
    if settings.resamples:
        batch = _resampled(batch, settings=settings, generator=generator)
    elif settings.flip or settings.pixels:
        return _by_pixels(batch, flip=settings.flip, settings=settings, generator=generator)
    return _by_pixels(batch, flip=False, settings=settings, generator=generator) if settings.pixels else batch


def _resampled(batch: Tensor, *, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """Mirror, shift, turn and scale in one bilinear resampling."""
    count = len(batch)
    draws = 2 * torch.rand(5, count, generator=generator) - 1
    angle = draws[0] * math.radians(settings.rotation)
    scale = 1 + draws[1] * settings.zoom
    mirror = torch.sign(draws[2]) if settings.flip else torch.ones(count)
    theta = torch.empty(count, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = mirror * torch.cos(angle) * scale, -torch.sin(angle) * scale
    theta[:, 1, 0], theta[:, 1, 1] = mirror * torch.sin(angle) * scale, torch.cos(angle) * scale
    theta[:, :, 2] = 2 * settings.shift * draws[3:].T
    grid = functional.affine_grid(theta.to(batch), list(batch.shape), align_corners=False)
    return functional.grid_sample(batch, grid, padding_mode="border", align_corners=False)


def _by_pixels(batch: Tensor, *, flip: bool, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """Mirror and shift by whole pixels: one gather for the batch, no value changes."""
    count, channels, height, width = batch.shape
    reach = settings.pixels // settings.step
    moves = torch.randint(-reach, reach + 1, (2, count, 1), generator=generator) * settings.step
    rows = torch.arange(height) + moves[0]
    columns = torch.arange(width) + moves[1]
    if flip:
        mirrored = torch.rand(count, 1, generator=generator) < 0.5
        columns = torch.where(mirrored, width - 1 - columns, columns)
    # A frame of zeros, one pixel wide, stands for all that lies outside.
    rows, columns = rows.clamp(-1, height) + 1, columns.clamp(-1, width) + 1
    first = torch.arange(count).reshape(-1, 1, 1) * (height + 2)
    source = (first + rows[:, :, None]) * (width + 2) + columns[:, None, :]
    framed = functional.pad(batch.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1)).reshape(-1, channels)
    moved = framed.index_select(0, source.flatten().to(batch.device))
    return moved.reshape(count, height, width, channels).permute(0, 3, 1, 2)
