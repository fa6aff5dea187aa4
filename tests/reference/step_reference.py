"""What each step of spec/schemes-v1.md does to one image, by plain loops: standard library only, slow, forward only.

Built on stream_reference.py and plan_reference.py; shares nothing with the package. An image is a list of rows of
pixels of channel values; ``draw`` gives the stream of a step, its argument being what follows the step's role.
"""

from __future__ import annotations

import math
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

streams, plans = (
    SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name(f"{name}_reference.py"))))
    for name in ("stream", "plan")
)

Image = list[list[list[Any]]]
Draw = Callable[[str], Iterator[int]]

COLOR_ORDERS = ("RGB", "RBG", "GRB", "GBR", "BRG", "BGR")


def in_blocks(image: Image, side: int, change: Callable[[int, list[Any]], list[Any]]) -> Image:
    """Replace each block, given its number and its values in (row, column, channel) order."""
    block = (side, side)
    changed = [change(number, values) for number, values in enumerate(plans.cut(image, block))]
    return plans.paste(changed, shape=plans.shape_of(image), block=block)


def every_block(image: Image, side: int, step: Callable[[Image], Image]) -> Image:
    """Do to each block, taken as an image, what a step does to an image of that size, each time by the same draws."""
    shape = (side, side, len(image[0][0]))

    def change(_: int, values: list[Any]) -> list[Any]:
        part = plans.paste([values], shape=shape, block=(side, side))
        return flat(step(part))

    return in_blocks(image, side, change)


def flat(image: Image) -> list[Any]:
    """The values of an image in (row, column, channel) order."""
    return [value for row in image for pixel in row for value in pixel]


def lanes_of(image: Image, side: int) -> int:
    """Values of one block."""
    return side * side * len(image[0][0])


def blocks_of(image: Image, side: int) -> int:
    """Blocks of an image."""
    return (len(image) // side) * (len(image[0]) // side)


def invert_values(image: Image, draw: Draw) -> Image:
    """Scope "value": one bit for each channel of each pixel, in (row, column, channel) order."""
    height, width, channels = plans.shape_of(image)
    bits = iter(streams.draw_bits(draw(""), height * width * channels))
    return [[[value ^ 255 * next(bits) for value in pixel] for pixel in row] for row in image]


def invert_half(image: Image, draw: Draw) -> Image:
    """Invert value i where number i of a permutation is in its lower half."""
    height, width, channels = plans.shape_of(image)
    number = height * width * channels
    order = iter(streams.draw_permutation(draw(""), number))
    return [[[value ^ 255 * (next(order) < number // 2) for value in pixel] for pixel in row] for row in image]


def invert_blocks(image: Image, draw: Draw, side: int) -> Image:
    """Scope "block": one bit for each block."""
    bits = streams.draw_bits(draw(""), blocks_of(image, side))
    return in_blocks(image, side, lambda number, values: [value ^ 255 * bits[number] for value in values])


def invert_places(image: Image, draw: Draw, side: int) -> Image:
    """Scope "mask": one bit for each value of a block, the same for all blocks."""
    bits = streams.draw_bits(draw(""), lanes_of(image, side))
    return in_blocks(image, side, lambda _, values: [v ^ 255 * bit for v, bit in zip(values, bits, strict=True)])


def restricted(order: list[int], fixed: int) -> list[int]:
    """Leave ``fixed`` thousandths of the places, rounded to the nearest, halves up; the first of an order move."""
    stays = math.floor(len(order) * fixed / 1000 + 0.5)
    moving = order[: len(order) - stays]
    source = list(range(len(order)))
    for place, origin in zip(sorted(moving), moving, strict=True):
        source[place] = origin
    return source


def shuffle_values(image: Image, draw: Draw, side: int, *, per_block: bool = False, fixed: int = 0) -> Image:
    """Place i takes the value at place K[i], one permutation K for all blocks or one for each."""
    count = blocks_of(image, side) if per_block else 1
    drawn = streams.draw_permutations(draw(""), lanes_of(image, side), count=count)
    keys = [restricted(key, fixed) for key in drawn]
    return in_blocks(image, side, lambda number, values: [values[place] for place in keys[number % count]])


def shuffle_colors(image: Image, draw: Draw, side: int | None) -> Image:
    """The components of each pixel take the order of its block's code, or that of the image; gray images stay."""
    _, width, channels = plans.shape_of(image)
    if channels == 1:
        return image
    codes = streams.draw_integers(draw(""), blocks_of(image, side) if side else 1, 6)
    orders = [["RGB".index(letter) for letter in COLOR_ORDERS[code]] for code in codes]
    per_row = width // (side or width)
    return [
        [
            [pixel[channel] for channel in orders[y // side * per_row + x // side if side else 0]]
            for x, pixel in enumerate(row)
        ]
        for y, row in enumerate(image)
    ]


def turn(image: Image, code: int) -> Image:
    """A left-right mirror where the code is 4 or more, then code mod 4 quarter turns counterclockwise.

    >>> turn([[[1], [2]], [[3], [4]]], 1)
    [[[2], [4]], [[1], [3]]]
    >>> turn([[[1], [2]], [[3], [4]]], 4)
    [[[2], [1]], [[4], [3]]]
    """
    turned = [row[::-1] for row in image] if code >= 4 else image
    for _ in range(code % 4):
        turned = [list(column) for column in zip(*turned, strict=True)][::-1]
    return turned


def rotate_blocks(image: Image, draw: Draw, side: int) -> Image:
    """Each block is turned and mirrored by a code 0..7."""
    codes = streams.draw_integers(draw(""), blocks_of(image, side), 8)
    shape = (side, side, len(image[0][0]))
    return in_blocks(
        image,
        side,
        lambda number, values: flat(turn(plans.paste([values], shape=shape, block=(side, side)), codes[number])),
    )


def split_nibbles(image: Image, draw: Draw, side: int, *, per_block: bool) -> Image:
    """Half bytes are reversed where a bit is 1, then half byte i takes that at place K[i]."""
    count, size = blocks_of(image, side) if per_block else 1, 2 * lanes_of(image, side)
    keys = streams.draw_permutations(draw("/shuffle"), size, count=count)
    bits = streams.draw_bits(draw("/reverse"), size * count)

    def change(number: int, values: list[int]) -> list[int]:
        key, first = keys[number % count], number % count * size
        reversed_ = [15 - half if bits[first + i] else half for i, half in enumerate(plans.halves(values))]
        return plans.whole([reversed_[place] for place in key])

    return in_blocks(image, side, change)


def scramble_blocks(image: Image, draw: Draw, side: int, *, fixed: int = 0) -> Image:
    """Block P[j] moves to place j."""
    blocks = plans.cut(image, (side, side))
    order = restricted(streams.draw_permutation(draw(""), len(blocks)), fixed)
    return plans.paste([blocks[place] for place in order], shape=plans.shape_of(image), block=(side, side))


def scramble_sub_blocks(image: Image, draw: Draw, side: int, *, sub: int, per_block: bool) -> Image:
    """Sub-block P[j] of a block moves to place j of that block."""
    count = blocks_of(image, side) if per_block else 1
    orders = streams.draw_permutations(draw(""), (side // sub) ** 2, count=count)
    shape = (side, side, len(image[0][0]))

    def change(number: int, values: list[Any]) -> list[Any]:
        parts = plans.cut(plans.paste([values], shape=shape, block=(side, side)), (sub, sub))
        return flat(plans.paste([parts[place] for place in orders[number % count]], shape=shape, block=(sub, sub)))

    return in_blocks(image, side, change)


def mix_blocks(image: Image, draw: Draw, side: int) -> Image:
    """Multiply the values of each block by one orthogonal matrix."""
    matrix = streams.draw_orthogonal(draw(""), lanes_of(image, side))
    return in_blocks(
        image, side, lambda _, values: [math.fsum(a * x for a, x in zip(row, values, strict=True)) for row in matrix]
    )


def xor_stream(image: Image, draw: Draw) -> Image:
    """XOR value i with byte i of the stream."""
    source = draw("")
    return [[[value ^ next(source) for value in pixel] for pixel in row] for row in image]
