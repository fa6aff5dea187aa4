"""Patch encoder: every patch goes through one random network, which nobody trains and whose weights are the key."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.plans import ForwardPlan, Operation
from pixelveil.steps.step import ImageShape, block_grid

__all__ = ["Layer", "PatchEncoder", "encode_patches"]

_CENTER = 127.5
_VARIANCE_FLOOR = 1e-5

# A weight is drawn as a whole number of so many bits.
_WEIGHT_BITS = 32

_STREAM_KEY_BITS = 256.0


@dataclass(frozen=True, eq=False, repr=False)
class Layer:
    """An affine map ``x W + b`` of rows.

    Args:
        weight: float32 (inputs, outputs).
        bias: float32 (outputs,).
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def apply(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map rows (n, inputs) to (n, outputs)."""
        made: NDArray[np.float32] = rows @ self.weight + self.bias
        return made


@dataclass(frozen=True, kw_only=True)
class PatchEncoder:
    """Map each patch to a vector: affine, ReLU; depth times affine, normalization, ReLU; add position; ReLU, affine.

    Weights and biases are uniform in +-1/sqrt(inputs), positions standard normal, all from the key stream. Each unit
    is normalized over the patches of an image. Source: Yala et al., arXiv 2106.02484 (2021).

    Args:
        block_size: Side of a patch in pixels.
        depth: Hidden layers.
        width: Units of a layer, values of a vector.
    """

    block_size: int
    depth: int
    width: int
    name: str = "patch-encoder"

    def plan(self, *, material: KeyMaterial, role: str, shape: ImageShape) -> ForwardPlan:
        """Return the plan; see `Step.plan`.

        Raises:
            UsageError: The image is a single patch, which normalization would make nothing of; or each image has a key.
        """
        rows, columns, _ = self.output_shape(shape)
        if material.count != 1:
            raise UsageError("a patch encoder serves all images; it has no key for each")
        sizes = [self.block_size**2 * shape[2], *[self.width] * (self.depth + 2)]
        layers = tuple(
            _draw_layer(material, role=f"{role}/{number}", inputs=inputs, outputs=outputs)
            for number, (inputs, outputs) in enumerate(pairwise(sizes))
        )
        positions = material.stream(f"{role}/positions").gaussians(rows * columns * self.width).astype(np.float32)
        places = positions.reshape(rows * columns, self.width)

        def encode(images: NDArray[Any]) -> NDArray[np.float32]:
            result = np.empty((len(images), rows, columns, self.width), np.float32)
            for place, image in enumerate(images):  # one by one: other shapes of a product may add up in other orders
                patches = _patches(image, size=self.block_size)
                result[place] = encode_patches(patches, layers=layers, positions=places).reshape(rows, columns, -1)
            return result

        return ForwardPlan(parts=(Operation(self.name, encode),))

    def key_bits(self, *, shape: ImageShape) -> float:
        """Return 256: the weights are only as secret as the key of their stream, however many there are."""
        block_grid(shape, block_size=self.block_size)
        return _STREAM_KEY_BITS

    def output_shape(self, shape: ImageShape) -> ImageShape:
        """Return (rows of patches, columns of patches, width).

        Raises:
            UsageError: Patches do not divide the image, or it is a single one.
        """
        grid = block_grid(shape, block_size=self.block_size)
        if grid.blocks < 2:
            raise UsageError(
                f"an image of one patch would be encoded as if it were empty: patches have {self.block_size} pixels",
                hint="use larger images or smaller patches",
            )
        return grid.rows, grid.columns, self.width


def encode_patches(
    patches: NDArray[Any], *, layers: tuple[Layer, ...], positions: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Encode the patches of one image.

    Args:
        patches: (n, L), grey levels.
        layers: The first, the hidden ones, the last.
        positions: float32 (n, width), added before the last.

    Returns:
        float32 (n, width).
    """
    first, *hidden, last = layers
    rows = _relu(first.apply(((patches - _CENTER) / _CENTER).astype(np.float32)))
    for layer in hidden:
        made = layer.apply(rows)
        made -= made.mean(axis=0)
        rows = _relu(made / np.sqrt(np.square(made).mean(axis=0) + np.float32(_VARIANCE_FLOOR)))
    return last.apply(_relu(rows + positions))


def _draw_layer(material: KeyMaterial, *, role: str, inputs: int, outputs: int) -> Layer:
    """Draw a layer: value j of a draw is ``(2 (w + 1/2) / 2^32 - 1) / sqrt(inputs)`` with a 32-bit number w."""

    def draw(kind: str, size: int) -> NDArray[np.float32]:
        words = material.stream(f"{role}/{kind}").integers(size, bound=1 << _WEIGHT_BITS)[0]
        uniform = 2 * ((words.astype(np.float64) + 0.5) / 2.0**_WEIGHT_BITS) - 1
        values: NDArray[np.float32] = (uniform / np.sqrt(inputs)).astype(np.float32)
        return values

    return Layer(weight=draw("weight", inputs * outputs).reshape(inputs, outputs), bias=draw("bias", outputs))


def _relu(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    positive: NDArray[np.float32] = np.maximum(rows, np.float32(0))
    return positive


def _patches(image: NDArray[Any], *, size: int) -> NDArray[Any]:
    """Cut an image (H, W, C) into patches (n, L), numbered row by row, values in (row, column, channel) order."""
    height, width, channels = image.shape
    cut = image.reshape(height // size, size, width // size, size, channels)
    return cut.transpose(0, 2, 1, 3, 4).reshape(-1, size * size * channels)
