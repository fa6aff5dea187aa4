"""What plans do to an image, by plain loops straight from their definitions: standard library only, and slow.

It shares no code with the package and none of its libraries. An image is a list of rows of pixels of channel values;
a block is the flat list of its values in (row, column, channel) order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Image = list[list[list[Any]]]
Block = list[Any]


def cut(image: Image, block: tuple[int, int]) -> list[Block]:
    """The blocks of an image, row by row.

    >>> cut([[[1], [2], [3], [4]]], (1, 2))
    [[1, 2], [3, 4]]
    """
    high, wide = block
    return [
        [value for row in image[top : top + high] for pixel in row[left : left + wide] for value in pixel]
        for top in range(0, len(image), high)
        for left in range(0, len(image[0]), wide)
    ]


def paste(blocks: Sequence[Block], *, shape: tuple[int, int, int], block: tuple[int, int]) -> Image:
    """The image that was cut into these blocks.

    >>> paste([[1, 2], [3, 4]], shape=(1, 4, 1), block=(1, 2))
    [[[1], [2], [3], [4]]]
    """
    height, width, channels = shape
    image = [[[None] * channels for _ in range(width)] for _ in range(height)]
    for number, values in enumerate(blocks):
        top, left = number // (width // block[1]) * block[0], number % (width // block[1]) * block[1]
        for place, value in enumerate(values):
            pixel, channel = divmod(place, channels)
            image[top + pixel // block[1]][left + pixel % block[1]][channel] = value
    return image


def shape_of(image: Image) -> tuple[int, int, int]:
    """Height, width, channels."""
    return len(image), len(image[0]), len(image[0][0])


def halves(block: Block) -> list[int]:
    """The half bytes of a block: the low halves of all bytes, then the high ones.

    >>> halves([0x12, 0xAB])
    [2, 11, 1, 10]
    """
    return [value % 16 for value in block] + [value // 16 for value in block]


def whole(lanes: Sequence[int]) -> Block:
    """The bytes that these half bytes make.

    >>> whole([2, 11, 1, 10])
    [18, 171]
    """
    size = len(lanes) // 2
    return [low + 16 * high for low, high in zip(lanes[:size], lanes[size:], strict=True)]


def apply_lanes(
    image: Image,
    *,
    source: Sequence[Sequence[int]],
    flip: Sequence[Sequence[int]],
    block: tuple[int, int] | None = None,
    order: Sequence[int] | None = None,
    choice: Sequence[int] | None = None,
    lane: str = "byte",
) -> Image:
    """``out[j][l] = in[o][source[t][l]] XOR flip[t][l]`` with ``o = order[j]`` and ``t = choice[j]``.

    >>> apply_lanes([[[10, 20, 30]]], source=[[2, 0, 1]], flip=[[0, 255, 0]])
    [[[30, 245, 20]]]
    """
    shape = shape_of(image)
    size = block or shape[:2]
    blocks = cut(image, size)
    lanes = [halves(values) for values in blocks] if lane == "nibble" else blocks
    moved = []
    for place in range(len(blocks)):
        origin = lanes[place if order is None else order[place]]
        number = 0 if choice is None else choice[place]
        moved.append([origin[take] ^ mask for take, mask in zip(source[number], flip[number], strict=True)])
    return paste([whole(values) for values in moved] if lane == "nibble" else moved, shape=shape, block=size)


def apply_affine(
    image: Image,
    *,
    matrix: Sequence[Sequence[Sequence[float]]],
    offset: Sequence[Sequence[float]],
    side: int,
    order: Sequence[int] | None = None,
) -> Image:
    """``y_j = A_j x_o + c_j`` with ``o = order[j]``; one matrix or offset stands for those of all blocks.

    >>> apply_affine([[[10, 20, 30]]], matrix=[[[0, 1, 0], [1, 0, 0], [0, 0, -1]]], offset=[[0, 0, 255]], side=1)
    [[[20, 10, 225]]]
    """
    blocks = cut(image, (side, side))
    moved = []
    for place in range(len(blocks)):
        values = blocks[place if order is None else order[place]]
        rows, shift = matrix[place % len(matrix)], offset[place % len(offset)]
        moved.append(
            [sum(a * x for a, x in zip(row, values, strict=True)) + c for row, c in zip(rows, shift, strict=True)]
        )
    return paste(moved, shape=shape_of(image), block=(side, side))
