"""The border: every kind of image that a caller may hold, as a batch and back as the same kind."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pixelveil.errors import UsageError

__all__ = ["Batch", "as_batch"]

_MAXIMUM = 255.0


@dataclass(frozen=True)
class Batch:
    """Images in the form that plans work on, and the way back.

    Args:
        images: uint8 or float (N, H, W, C), grey levels 0..255; or a tensor (N, C, H, W) on an accelerator.
        unit: What one stands for in the caller's float images: 1/255 grey level there, None for integer images.
        restore: Turns a batch of the same form, uint8 or float in grey levels, into the caller's kind.
        holds_floats: Whether the caller's kind can hold results that are no bytes.
    """

    images: Any
    unit: float | None
    restore: Callable[[Any], Any]
    holds_floats: bool = True

    @property
    def on_device(self) -> bool:
        """Whether the images are tensors on an accelerator."""
        return not isinstance(self.images, np.ndarray)

    @property
    def count(self) -> int:
        """Number of images."""
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        _, first, second, third = self.images.shape
        return (int(second), int(third), int(first)) if self.on_device else (int(first), int(second), int(third))


def as_batch(images: Any, *, in_grey_levels: bool = False) -> Batch:
    """Return images of any supported kind as a batch.

    Args:
        images: A PIL image; a NumPy array (H, W, C) or (N, H, W, C); a torch tensor (C, H, W) or (N, C, H, W). Arrays
            and tensors are integers 0..255 (uint8) or floats in [0, 1].
        in_grey_levels: Floats are grey levels already, as float results of integer images are.

    Returns:
        The batch; its ``restore`` gives back the same kind.

    Raises:
        UsageError: Another kind, shape or dtype.
    """
    torch = sys.modules.get("torch")
    if isinstance(images, Image.Image):
        batch = _from_pil(images)
    elif isinstance(images, np.ndarray):
        batch = _from_array(images, in_grey_levels)
    elif torch is not None and isinstance(images, torch.Tensor):
        batch = _from_tensor(images, torch, in_grey_levels)
    else:
        raise UsageError(
            f"cannot encrypt {type(images).__name__}",
            hint="give a PIL image, a NumPy array (N, H, W, C) or a torch tensor",
        )
    if 0 in batch.shape:
        raise UsageError("images of {}x{} pixels are empty".format(*batch.shape))
    return batch


def _from_pil(image: Image.Image) -> Batch:
    if image.mode.startswith(("I", "F")):
        raise UsageError(
            f"a PIL image of mode {image.mode!r} has more than 8 bits a channel", hint="scale it to 8 bits first"
        )
    gray = image.mode in ("1", "L")
    array = np.asarray(image.convert("L" if gray else "RGB"))

    def restore(result: NDArray[np.uint8]) -> Image.Image:
        return Image.fromarray(result[0, :, :, 0] if result.shape[-1] == 1 else result[0])

    return Batch(images=np.atleast_3d(array)[None], unit=None, restore=restore, holds_floats=False)


def _from_array(array: NDArray[Any], in_grey_levels: bool) -> Batch:
    if array.ndim not in (3, 4) or array.shape[-1] not in (1, 3):
        raise UsageError(
            f"arrays must be (H, W, C) or (N, H, W, C) with 1 or 3 channels, not {array.shape}",
            hint="a gray image of shape (H, W) becomes (H, W, 1) by array[..., None]",
        )
    values, unit = _grey_levels(array if array.ndim == 4 else array[None], in_grey_levels)

    def restore(result: NDArray[Any]) -> NDArray[Any]:
        scaled = result if unit is None else (result / _MAXIMUM).astype(array.dtype)
        return scaled if array.ndim == 4 else scaled[0]

    return Batch(images=values, unit=unit, restore=restore)


def _from_tensor(tensor: Any, torch: Any, in_grey_levels: bool) -> Batch:
    if tensor.ndim not in (3, 4) or tensor.shape[-3] not in (1, 3):
        raise UsageError(f"tensors must be (C, H, W) or (N, C, H, W) with 1 or 3 channels, not {tuple(tensor.shape)}")
    batch = tensor.detach() if tensor.ndim == 4 else tensor.detach()[None]
    on_device = tensor.device.type != "cpu"
    if on_device:
        floating = tensor.dtype.is_floating_point
        unit = None if floating and in_grey_levels else _unit(str(tensor.dtype).removeprefix("torch."), floating)
        values = batch * _MAXIMUM if unit else batch
    else:
        if tensor.dtype == torch.bfloat16:
            batch = batch.float()
        values, unit = _grey_levels(np.ascontiguousarray(batch.permute(0, 2, 3, 1).numpy()), in_grey_levels)

    def restore(result: Any) -> Any:
        out = result if on_device else torch.from_numpy(result).permute(0, 3, 1, 2).contiguous()
        if unit:
            out = (out / _MAXIMUM).to(tensor.dtype)
        return out if tensor.ndim == 4 else out[0]

    return Batch(images=values, unit=unit, restore=restore)


def _grey_levels(array: NDArray[Any], in_grey_levels: bool) -> tuple[NDArray[Any], float | None]:
    """Return float images times 255, and what a float of one stands for."""
    floating = array.dtype.kind == "f"
    unit = None if floating and in_grey_levels else _unit(str(array.dtype), floating)
    if unit is None:
        return array, None
    return np.multiply(array, _MAXIMUM, dtype=np.float64 if array.dtype == np.float64 else np.float32), unit


def _unit(dtype: str, floating: bool) -> float | None:
    if floating:
        return 1.0 / _MAXIMUM
    if dtype != "uint8":
        raise UsageError(f"images must be uint8 or float in [0, 1], not {dtype}")
    return None
