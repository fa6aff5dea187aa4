"""A second implementation of the filtered schemes of spec/forward-v1.md: standard library only, slow, image by image.

The vectors in spec/vectors/forward-v1.json are written by this file and matrix_reference.py, and the package is checked
against them. It is built on stream_reference.py and shares nothing with the package. An image is a list of rows of
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

streams = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("stream_reference.py"))))

Image = list[list[list[Any]]]
Draw = Callable[[str], Iterator[int]]
"""Gives the stream of a step; its argument is what follows the step's role."""
Step = tuple[str, Callable[[Image, Draw], Image]]

ORDERS = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


def digest(scheme: str, parameters: dict[str, Any]) -> str:
    """SHA-256 of name and parameters in canonical JSON."""
    content = {"format": 1, "name": scheme, "parameters": parameters}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()


def size_of(image: Image) -> tuple[int, int, int]:
    """Height, width, channels."""
    return len(image), len(image[0]), len(image[0][0])


def make(image: Image, value: Callable[[int, int, int], Any]) -> Image:
    """An image of the same size, given what stands at each row, column and channel."""
    height, width, channels = size_of(image)
    return [[[value(i, j, c) for c in range(channels)] for j in range(width)] for i in range(height)]


def invert_values(image: Image, draw: Draw) -> Image:
    """One bit for each value, in (row, column, channel) order."""
    height, width, channels = size_of(image)
    bits = iter(streams.draw_bits(draw(""), height * width * channels))
    return [[[value ^ 255 * next(bits) for value in pixel] for pixel in row] for row in image]


def invert_blocks(image: Image, draw: Draw, side: int) -> Image:
    """One bit for each block."""
    height, width, _ = size_of(image)
    across = width // side
    bits = streams.draw_bits(draw(""), height // side * across)
    return make(image, lambda i, j, c: image[i][j][c] ^ 255 * bits[i // side * across + j // side])


def invert_image(image: Image, draw: Draw) -> Image:
    """One bit for the image."""
    (bit,) = streams.draw_bits(draw(""), 1)
    return make(image, lambda i, j, c: image[i][j][c] ^ 255 * bit)


def shuffle_colors(image: Image, draw: Draw, side: int) -> Image:
    """One of six orders for each block; side 0: for the image. Gray images stay, and nothing is drawn."""
    height, width, channels = size_of(image)
    if channels == 1:
        return image
    down, across = (height // side, width // side) if side else (1, 1)
    codes = streams.draw_integers(draw(""), down * across, 6)
    block = side or max(height, width)
    return make(image, lambda i, j, c: image[i][j][ORDERS[codes[i // block * across + j // block]][c]])


def statistic_of(values: list[float], name: str) -> float:
    """Median (of an even number the mean of the middle two), mean, maximum or minimum."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return {
        "median": (ordered[middle] + ordered[-1 - middle]) / 2,
        "mean": math.fsum(ordered) / len(ordered),
        "max": ordered[-1],
        "min": ordered[0],
    }[name]


def fill_blocks(image: Image, name: str, side: int) -> Image:
    """Fill each block with a statistic of the pixels that are there."""
    height, width, _ = size_of(image)

    def value(i: int, j: int, c: int) -> float:
        top, left = i // side * side, j // side * side
        rows, columns = range(top, min(top + side, height)), range(left, min(left + side, width))
        return statistic_of([image[row][column][c] for row in rows for column in columns], name)

    return make(image, value)


def mirrored(place: int, length: int) -> int:
    """Where a place beyond the edge is mirrored to; the outermost pixel is not repeated."""
    return -place if place < 0 else 2 * (length - 1) - place if place >= length else place


def slide(image: Image, name: str, kernel: int) -> Image:
    """Replace each value by a statistic of the window around it."""
    height, width, _ = size_of(image)
    reach = range(-(kernel // 2), kernel // 2 + 1)

    def value(i: int, j: int, c: int) -> float:
        window = [image[mirrored(i + a, height)][mirrored(j + b, width)][c] for a in reach for b in reach]
        return statistic_of(window, name)

    return make(image, value)


def blur(image: Image, kernel: int, sigma: float) -> Image:
    """Weight the window around each value by the normalized Gaussian, all of it at once."""
    height, width, _ = size_of(image)
    reach = range(-(kernel // 2), kernel // 2 + 1)
    total = math.fsum(math.exp(-(a * a) / (2 * sigma * sigma)) for a in reach)
    weight = {a: math.exp(-(a * a) / (2 * sigma * sigma)) / total for a in reach}

    def value(i: int, j: int, c: int) -> float:
        return math.fsum(
            weight[a] * weight[b] * image[mirrored(i + a, height)][mirrored(j + b, width)][c]
            for a in reach
            for b in reach
        )

    return make(image, value)


def rounded(image: Image) -> Image:
    """The nearest integers, halves to the even one, in 0..255."""
    return make(image, lambda i, j, c: min(max(round(image[i][j][c]), 0), 255))


def pad(image: Image, side: int) -> Image:
    """Repeat the last column, then the last row, until both sizes are multiples of ``side``."""
    wide = [row + [row[-1]] * (-len(row) % side) for row in image]
    return wide + [wide[-1]] * (-len(wide) % side)


def steps(scheme: str, parameters: dict[str, Any]) -> list[Step]:
    """The steps of a scheme, in order, with the names that label their streams."""
    side = parameters.get("key_block", 1)
    inversion: Callable[[Image, Draw], Image] = invert_values
    if side > 1:
        inversion = lambda image, draw: invert_blocks(image, draw, side)  # noqa: E731
    if parameters.get("negative_positive") == "global":
        inversion = invert_image
    encryption: list[Step] = [("negative-positive", inversion)]
    if parameters["shuffle"] != "none":
        one = side if parameters["shuffle"] == "per_pixel" else 0
        encryption.append(("color-shuffle", lambda image, draw: shuffle_colors(image, draw, one)))
    if scheme == "skk-g":
        kernel, sigma = parameters["kernel"], parameters["sigma"]
        smooth: Step = ("gaussian-filter", lambda image, draw: blur(image, kernel, sigma))
    elif parameters["mode"] == "block":
        name, block = parameters["statistic"], parameters["filter_size"]
        smooth = ("block-statistic", lambda image, draw: fill_blocks(image, name, block))
    else:
        name, window = parameters["statistic"], parameters["kernel"]
        smooth = ("sliding-filter", lambda image, draw: slide(image, name, window))
    smoothing: list[Step] = [smooth, ("rounding", lambda image, draw: rounded(image))]
    return encryption + smoothing if parameters["order"] == "post" else smoothing + encryption


def roles(scheme: str, parameters: dict[str, Any], shape: tuple[int, int, int]) -> list[str]:
    """The label of each step: its number from 0, its name, the size of the padded image."""
    size = "x".join(str(number) for number in shape)
    return [f"{number}/{name}/{size}" for number, (name, _) in enumerate(steps(scheme, parameters))]


def encrypt(
    image: Image, *, scheme: str, parameters: dict[str, Any], secret: bytes, nonce: bytes, client: str
) -> Image:
    """Encrypt one image; the key policy among the parameters says what ``secret`` is and what ``nonce`` must be."""
    labels = {
        "shared": {"purpose": "shared-plan", "scheme": digest(scheme, parameters), "client": client},
        "derived": {"purpose": "image-plan", "scheme": digest(scheme, parameters), "client": client},
        "ephemeral": {"purpose": "ephemeral-plan"},
    }[parameters["key_policy"]]
    image = pad(image, parameters.get("key_block", 1))
    done = zip(roles(scheme, parameters, size_of(image)), steps(scheme, parameters), strict=True)
    for role, (_, step) in done:

        def draw(suffix: str, role: str = role) -> Iterator[int]:
            return streams.stream(streams.subkey(secret, **labels, role=role + suffix), nonce)

        image = step(image, draw)
    return image
