"""Images as PyTorch sees them: the same few lines for plain and for encrypted data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from pixelveil.errors import ImageError, UsageError

__all__ = ["ArrayImages", "ImageDataset", "ImageSource", "ImageSubset", "in_memory", "to_network"]


class ImageSource(Protocol):
    """Where images come from: memory (``ArrayImages``) or a folder (``pixelveil.data.reader.ImageSet``)."""

    labels: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of images."""
        ...

    def read(self, indices: Sequence[int]) -> NDArray[Any]:
        """Return these images, uint8 or float32 grey levels, shape (n, H, W, C)."""
        ...


class ArrayImages:
    """Images that are in memory.

    Args:
        images: uint8 or float32 grey levels (0..255), shape (N, H, W, C).
        labels: Class numbers, shape (N,); zeros if not given.

    Raises:
        UsageError: The shapes do not fit.

    >>> ArrayImages(np.zeros((2, 4, 4, 3), np.uint8), labels=[0, 1]).read([1]).shape
    (1, 4, 4, 3)
    """

    def __init__(self, images: NDArray[Any], *, labels: Sequence[int] | NDArray[Any] | None = None) -> None:
        if images.ndim != 4:
            raise UsageError(f"images have shape {images.shape}, not (N, H, W, C)")
        self.images = images
        self.labels = np.zeros(len(images), np.int64) if labels is None else np.asarray(labels, np.int64)
        if self.labels.shape != (len(images),):
            raise UsageError(f"{len(images)} images have labels of shape {self.labels.shape}")

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def read(self, indices: Sequence[int]) -> NDArray[Any]:
        """Return these images."""
        images: NDArray[Any] = self.images[np.asarray(indices)]
        return images


class ImageSubset:
    """Some images of a source, in a given order.

    Args:
        source: All images.
        indices: Which of them.
        labels: Other class numbers than the source's, one for each index.

    >>> images = ArrayImages(np.zeros((3, 4, 4, 3), np.uint8), labels=[5, 6, 7])
    >>> ImageSubset(images, indices=[2, 0]).labels.tolist()
    [7, 5]
    """

    def __init__(
        self,
        source: ImageSource,
        *,
        indices: Sequence[int] | NDArray[Any],
        labels: NDArray[np.int64] | None = None,
    ) -> None:
        self.source = source
        self.indices = np.asarray(indices, np.int64)
        self.labels = source.labels[self.indices] if labels is None else labels

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.indices)

    def read(self, indices: Sequence[int]) -> NDArray[Any]:
        """Return these images."""
        return self.source.read(self.indices[np.asarray(indices)].tolist())


def in_memory(source: ImageSource, *, limit: int = 1 << 30, rejected: list[str] | None = None) -> ImageSource:
    """Return the same images, read once and kept, if they fit; else the source itself.

    Args:
        source: Images, for instance in a folder.
        limit: Most bytes to keep.
        rejected: Takes a line for each image that cannot be read, which is then left out; None: the first one raises.

    Raises:
        ImageError: An image cannot be read.

    >>> images = ArrayImages(np.zeros((3, 4, 4, 3), np.uint8))
    >>> in_memory(images, limit=100) is images, len(in_memory(images))
    (True, 3)
    """
    kept: list[int] = []
    parts: list[NDArray[Any]] = []
    for place in range(len(source)):
        try:
            image = source.read([place])
        except ImageError as error:
            if rejected is None:
                raise
            rejected.append(error.message)
            continue
        if not parts and image.nbytes * len(source) > limit:
            return source
        parts.append(image)
        kept.append(place)
    return ArrayImages(np.concatenate(parts), labels=source.labels[kept]) if parts else source


class ImageDataset(Dataset[tuple[Tensor, Tensor]]):
    """A PyTorch data set whose batches are read at once: raw images (n, H, W, C) and labels (n,).

    Args:
        source: The images.

    >>> dataset = ImageDataset(ArrayImages(np.zeros((5, 4, 4, 3), np.uint8)))
    >>> images, labels = dataset.__getitems__([0, 3])
    >>> tuple(images.shape), tuple(labels.shape)
    ((2, 4, 4, 3), (2,))
    """

    def __init__(self, source: ImageSource) -> None:
        self.source = source

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return one image and its label, with a leading axis of one."""
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return one batch; PyTorch's loader calls this instead of asking image by image."""
        labels = torch.from_numpy(self.source.labels[np.asarray(indices)])
        return torch.from_numpy(np.ascontiguousarray(self.source.read(indices))), labels


def to_network(
    images: Tensor,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Return what the network reads: ``(x / 255 - mean) / std`` with the channel axis first.

    Args:
        images: uint8 or float grey levels (0..255), shape (n, H, W, C).
        mean: Per channel, in the unit interval.
        std: Per channel.
        device: Where the network is. The images travel as bytes and become floats there.
        dtype: The network's number format.

    Returns:
        Shape (n, C, H, W).

    >>> to_network(torch.full((1, 1, 1, 3), 255, dtype=torch.uint8), mean=[0.5] * 3, std=[0.5] * 3).flatten().tolist()
    [1.0, 1.0, 1.0]
    """
    pixels = images.to(device).permute(0, 3, 1, 2).to(dtype) / 255
    shape = (1, -1, 1, 1)
    center = torch.tensor(mean, dtype=dtype, device=device).reshape(shape)
    return (pixels - center) / torch.tensor(std, dtype=dtype, device=device).reshape(shape)
