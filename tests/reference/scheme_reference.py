"""A second implementation of spec/schemes-v1.md, from the papers' steps: standard library only, slow, forward only.

The vectors in spec/vectors/schemes-v1.json are written by this file, and the package is checked against them. It is
built on stream_reference.py and plan_reference.py and shares nothing with the package. An image is a list of rows of
pixels of channel values.
"""

from __future__ import annotations

import hashlib
import json
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
"""Gives the stream of a step; its argument is what follows the step's role."""
Step = tuple[str, Callable[[Image, Draw], Image]]

COLOR_ORDERS = ("RGB", "RBG", "GRB", "GBR", "BRG", "BGR")


def digest(scheme: str, parameters: dict[str, Any]) -> str:
    """SHA-256 of name and parameters in canonical JSON."""
    content = {"format": 1, "name": scheme, "parameters": parameters}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()


def pad(image: Image, side: int) -> Image:
    """Repeat the last column, then the last row, until both sizes are multiples of ``side``.

    >>> pad([[[1], [2], [3]]], 2)
    [[[1], [2], [3], [3]], [[1], [2], [3], [3]]]
    """
    right, below = -len(image[0]) % side, -len(image) % side
    wide = [row + [row[-1]] * right for row in image]
    return wide + [wide[-1]] * below


def in_blocks(image: Image, side: int, change: Callable[[int, list[Any]], list[Any]]) -> Image:
    """Replace each block, given its number and its values in (row, column, channel) order."""
    block = (side, side)
    changed = [change(number, values) for number, values in enumerate(plans.cut(image, block))]
    return plans.paste(changed, shape=plans.shape_of(image), block=block)


def lanes_of(image: Image, side: int) -> int:
    """Values of one block."""
    return side * side * len(image[0][0])


def invert_values(image: Image, draw: Draw) -> Image:
    """Scope "value": one bit for each channel of each pixel, in (row, column, channel) order."""
    height, width, channels = plans.shape_of(image)
    bits = iter(streams.draw_bits(draw(""), height * width * channels))
    return [[[value ^ 255 * next(bits) for value in pixel] for pixel in row] for row in image]


def invert_places(image: Image, draw: Draw, side: int) -> Image:
    """Scope "mask": one bit for each value of a block, the same for all blocks."""
    bits = streams.draw_bits(draw(""), lanes_of(image, side))
    return in_blocks(image, side, lambda _, values: [v ^ 255 * bit for v, bit in zip(values, bits, strict=True)])


def shuffle_values(image: Image, draw: Draw, side: int) -> Image:
    """One permutation for all blocks: place i takes the value at place K[i]."""
    key = streams.draw_permutation(draw("/0"), lanes_of(image, side))
    return in_blocks(image, side, lambda _, values: [values[place] for place in key])


def shuffle_colors(image: Image, draw: Draw, per_pixel: bool) -> Image:
    """Each pixel's components take the order of a code, its own or that of the image; gray images stay."""
    height, width, channels = plans.shape_of(image)
    if channels == 1:
        return image
    codes = streams.draw_integers(draw(""), height * width if per_pixel else 1, 6)
    orders = [["RGB".index(letter) for letter in COLOR_ORDERS[code]] for code in codes]
    return in_blocks(image, 1, lambda number, pixel: [pixel[channel] for channel in orders[number % len(orders)]])


def scramble_blocks(image: Image, draw: Draw, side: int) -> Image:
    """Block P[j] moves to place j."""
    blocks = plans.cut(image, (side, side))
    order = streams.draw_permutation(draw(""), len(blocks))
    return plans.paste([blocks[place] for place in order], shape=plans.shape_of(image), block=(side, side))


def mix_blocks(image: Image, draw: Draw, side: int) -> Image:
    """Multiply the values of each block by one orthogonal matrix."""
    matrix = streams.draw_orthogonal(draw(""), lanes_of(image, side))
    return in_blocks(
        image, side, lambda _, values: [math.fsum(a * x for a, x in zip(row, values, strict=True)) for row in matrix]
    )


def steps(scheme: str, parameters: dict[str, Any]) -> list[Step]:
    """The steps of a scheme, in order, with the names that label their streams."""
    side = parameters.get("block_size", 1)
    shuffle = parameters.get("shuffle")
    colors: list[Step] = [("color-shuffle", lambda image, draw: shuffle_colors(image, draw, shuffle == "per_pixel"))]
    permute: Step = ("pixel-shuffle", lambda image, draw: shuffle_values(image, draw, side))
    invert: Step = ("negative-positive", lambda image, draw: invert_places(image, draw, side))
    mix: Step = ("orthogonal-mixing", lambda image, draw: mix_blocks(image, draw, side))
    scramble: Step = ("block-scramble", lambda image, draw: scramble_blocks(image, draw, side))
    if scheme == "skk":
        return [("negative-positive", invert_values)] + (colors if shuffle != "none" else [])
    chosen = {
        "vit-permutation": [("shuffle", permute), ("invert", invert), ("scramble_blocks", scramble)],
        "vit-orthogonal": [("", mix), ("scramble_blocks", scramble)],
    }[scheme]
    return [step for switch, step in chosen if parameters.get(switch, True)]


def roles(scheme: str, parameters: dict[str, Any], shape: tuple[int, int, int]) -> list[str]:
    """The label of each step: its number from 0, its name, the size of the padded image."""
    size = "x".join(str(number) for number in shape)
    return [f"{number}/{name}/{size}" for number, (name, _) in enumerate(steps(scheme, parameters))]


def encrypt(
    image: Image, *, scheme: str, parameters: dict[str, Any], secret: bytes, nonce: bytes, client: str
) -> Image:
    """Encrypt one image; the key policy among the parameters says what ``secret`` is and what ``nonce`` must be."""
    policy = parameters["key_policy"]
    labels = {
        "shared": {"purpose": "shared-plan", "scheme": digest(scheme, parameters), "client": client},
        "derived": {"purpose": "image-plan", "scheme": digest(scheme, parameters), "client": client},
        "ephemeral": {"purpose": "ephemeral-plan"},
    }[policy]
    image = pad(image, parameters.get("block_size", 1))
    for role, (_, step) in zip(
        roles(scheme, parameters, plans.shape_of(image)), steps(scheme, parameters), strict=True
    ):

        def draw(suffix: str, role: str = role) -> Iterator[int]:
            return streams.stream(streams.subkey(secret, **labels, role=role + suffix), nonce)

        image = step(image, draw)
    return image
