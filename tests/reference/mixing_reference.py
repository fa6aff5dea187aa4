"""A second implementation of spec/mixing-v1.md, from the specification alone: standard library only, and slow.

The vectors in spec/vectors/mixing-v1.json are written by this file, and the package is checked against them. It is
built on stream_reference.py and shares nothing with the package. An image is a list of rows of pixels of channel
values. First what each scheme does with given choices; then how the choices are drawn.
"""

from __future__ import annotations

import math
import runpy
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

streams = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("stream_reference.py"))))

Image = list[list[list[Any]]]
Draw = Callable[[str], Iterator[int]]
"""The stream of a role, one of them for each image."""
Layer = tuple[list[list[float]], list[float]]
"""Weights by input, then output; biases."""


# What is done with given choices.


def replace_blocks(image: Image, pool: list[Image], donors: list[list[int]]) -> Image:
    """Put the donor's value at each place whose block has a donor; -1 has none."""
    height, width = len(image), len(image[0])

    def band(place: int, size: int, bands: int) -> int:
        return max(one for one in range(bands) if one * size // bands <= place)

    def value(row: int, column: int) -> list[int]:
        donor = donors[band(row, height, len(donors))][band(column, width, len(donors[0]))]
        return (image if donor < 0 else pool[donor])[row][column]

    return [[value(row, column) for column in range(width)] for row in range(height)]


def mix_with_signs(images: list[Image], weights: list[float], signs: list[int]) -> Image:
    """The weighted sum of images around 127.5; signs has one bit a value, 1 negates."""
    height, width, channels = len(images[0]), len(images[0][0]), len(images[0][0][0])

    def value(row: int, column: int, channel: int) -> float:
        total = sum(
            weight * (image[row][column][channel] - 127.5) for weight, image in zip(weights, images, strict=True)
        )
        return -total if signs[(row * width + column) * channels + channel] else total

    return [[[value(r, c, k) for k in range(channels)] for c in range(width)] for r in range(height)]


def blurred(plane: list[list[float]], deviation: float) -> list[list[float]]:
    """A Gaussian cut off at four deviations, along rows and along columns; beyond the border its last value."""
    radius = int(4 * deviation + 0.5)
    bell = [math.exp(-(step**2) / (2 * deviation**2)) if deviation else 1.0 for step in range(-radius, radius + 1)]
    total = sum(bell)

    def along(row: list[float]) -> list[float]:
        last = len(row) - 1
        return [
            sum(
                bell[step + radius] / total * row[min(max(place + step, 0), last)]
                for step in range(-radius, radius + 1)
            )
            for place in range(len(row))
        ]

    return turned([along(column) for column in turned([along(row) for row in plane])])


def turned(plane: list[list[float]]) -> list[list[float]]:
    """Rows as columns."""
    return [list(column) for column in zip(*plane, strict=True)]


def steepness(plane: list[list[float]]) -> list[list[float]]:
    """The length of the Sobel gradient; beyond the border the last value."""
    rows, columns = len(plane), len(plane[0])

    def at(row: int, column: int) -> float:
        return plane[min(max(row, 0), rows - 1)][min(max(column, 0), columns - 1)]

    def slope(row: int, column: int) -> float:
        weights = ((-1, 1), (0, 2), (1, 1))
        down = sum(w * (at(row + 1, column + s) - at(row - 1, column + s)) for s, w in weights)
        right = sum(w * (at(row + s, column + 1) - at(row + s, column - 1)) for s, w in weights)
        return math.hypot(down, right)

    return [[slope(row, column) for column in range(columns)] for row in range(rows)]


def features(image: Image, *, share: float, smoothing: float) -> list[list[bool]]:
    """The pixels whose gradient is among the largest."""
    gray = [[sum(pixel) / len(pixel) for pixel in row] for row in image]
    slopes = steepness(blurred(gray, smoothing))
    ranked = sorted((value for row in slopes for value in row), reverse=True)
    least = ranked[max(1, math.ceil(share * len(ranked))) - 1]
    return [[value >= least and value > 1e-9 for value in row] for row in slopes]


def add_noise(image: Image, found: list[list[bool]], noise: list[float], *, feature: float, other: float) -> Image:
    """Noise over the budget of each pixel, rounded (halves to even) and clipped."""
    numbers = iter(noise)
    return [
        [
            [min(max(round(value + next(numbers) / (feature if edge else other)), 0), 255) for value in pixel]
            for pixel, edge in zip(row, edges, strict=True)
        ]
        for row, edges in zip(image, found, strict=True)
    ]


def encode(image: Image, layers: list[Layer], positions: list[list[float]], *, side: int) -> list[list[float]]:
    """The vectors of the patches, row by row, not shuffled."""
    rows = []
    for top in range(0, len(image), side):
        for left in range(0, len(image[0]), side):
            patch = [value for line in image[top : top + side] for pixel in line[left : left + side] for value in pixel]
            rows.append([value / 127.5 - 1 for value in patch])
    rows = [[max(value, 0.0) for value in affine(row, layers[0])] for row in rows]
    for layer in layers[1:-1]:
        units = turned([affine(row, layer) for row in rows])
        rows = [[max(value, 0.0) for value in row] for row in turned([normalized(unit) for unit in units])]
    placed = [
        [max(a + b, 0.0) for a, b in zip(row, place, strict=True)] for row, place in zip(rows, positions, strict=True)
    ]
    return [affine(row, layers[-1]) for row in placed]


def affine(row: list[float], layer: Layer) -> list[float]:
    """``x W + b``."""
    weights, biases = layer
    return [sum(x * w[j] for x, w in zip(row, weights, strict=True)) + bias for j, bias in enumerate(biases)]


def normalized(unit: list[float]) -> list[float]:
    """Mean 0 and variance 1 over the patches of the image."""
    mean = sum(unit) / len(unit)
    variance = sum((value - mean) ** 2 for value in unit) / len(unit)
    return [(value - mean) / math.sqrt(variance + 1e-5) for value in unit]


# How choices are drawn.


def distinct(draw: Draw, role: str, count: int, bound: int) -> list[int]:
    """Different numbers below a bound: each the r-th of those left."""
    left, chosen = list(range(bound)), []
    for place in range(count):
        chosen.append(left.pop(streams.draw_integers(draw(f"{role}/{place}"), 1, bound - place)[0]))
    return chosen


def laplace(source: Iterator[int], size: int) -> list[float]:
    """Numbers with density exp(-|z|) / 2."""
    numbers = []
    for _ in range(size):
        centered = 2 * (((streams.word(source, 8) >> 12) + 0.5) / 2**52) - 1
        numbers.append(math.copysign(math.log(1 - abs(centered)), centered))
    return numbers


def mixing_weights(draw: Draw, role: str, mixed: int, private: int) -> list[float]:
    """The first weights that fit, sixteen tries a stream."""
    turn = 0
    while True:
        numbers = [abs(number) for number in streams.draw_gaussians(draw(f"{role}/{turn}"), 16 * mixed)]
        for start in range(0, len(numbers), mixed):
            tried = numbers[start : start + mixed]
            weights = [number / sum(tried) for number in tried]
            if max(weights) <= 0.65 and (private == mixed or sum(weights[:private]) >= 0.3):
                return weights
        turn += 1


def layer(draw: Draw, role: str, inputs: int, outputs: int) -> Layer:
    """Uniform weights and biases."""

    def numbers(kind: str, size: int) -> list[float]:
        words = streams.draw_integers(draw(f"{role}/{kind}"), size, 2**32)
        return [(2 * ((word + 0.5) / 2**32) - 1) / math.sqrt(inputs) for word in words]

    weights = numbers("weight", inputs * outputs)
    rows = [weights[start : start + outputs] for start in range(0, len(weights), outputs)]
    return rows, numbers("bias", outputs)


# The schemes.


def size_of(image: Image) -> tuple[int, int, int]:
    """Rows, columns, channels."""
    return len(image), len(image[0]), len(image[0][0])


def pixel_block_mixing(image: Image, draw: Draw, parameters: dict[str, Any], pool: dict[str, list[Image]]) -> Image:
    """Step 0, block-mixing."""
    role = "0/block-mixing/{}x{}x{}".format(*size_of(image))
    rows, columns, number = parameters["rows"], parameters["columns"], parameters["donors"]
    donors = distinct(draw, f"{role}/donors", number, len(pool["images"]))
    chosen = streams.draw_integers(draw(f"{role}/donor"), rows * columns, number)
    levels = streams.draw_integers(draw(f"{role}/replaced"), rows * columns, 2**32)
    limit = round(parameters["probability"] * 2**32)
    blocks = [donors[one] if level < limit else -1 for one, level in zip(chosen, levels, strict=True)]
    grid = [blocks[start : start + columns] for start in range(0, len(blocks), columns)]
    return replace_blocks(image, pool["images"], grid)


def masked_image(image: Image, draw: Draw, parameters: dict[str, Any], pool: dict[str, list[Image]]) -> Image:
    """Steps 0, edge-noise, and 1, rounding."""
    del pool
    height, width, channels = size_of(image)
    role, size = f"0/edge-noise/{height}x{width}x{channels}", height * width * channels
    noisy = image
    if parameters["mask_epsilon"] > 0:
        numbers = iter(laplace(draw(f"{role}/mask"), size))
        scale = parameters["mask_epsilon"]
        noisy = [[[value + next(numbers) / scale for value in pixel] for pixel in row] for row in image]
    found = features(noisy, share=parameters["feature_share"], smoothing=parameters["smoothing"])
    noise = laplace(draw(f"{role}/noise"), size)
    return add_noise(image, found, noise, feature=parameters["feature_epsilon"], other=parameters["epsilon"])


def instahide(image: Image, draw: Draw, parameters: dict[str, Any], pool: dict[str, list[Image]]) -> Image:
    """Step 0, sign-mixing."""
    height, width, channels = size_of(image)
    role = f"0/sign-mixing/{height}x{width}x{channels}"
    mixed, public = parameters["mixed"], parameters["public"]
    private = mixed - public
    images = [
        image,
        *(pool["images"][one] for one in distinct(draw, f"{role}/private", private - 1, len(pool["images"]))),
    ]
    if public:
        images += [pool["public"][one] for one in distinct(draw, f"{role}/public", public, len(pool["public"]))]
    weights = mixing_weights(draw, f"{role}/weights", mixed, private)
    return mix_with_signs(images, weights, streams.draw_bits(draw(f"{role}/signs"), height * width * channels))


def neuracrypt(image: Image, draw: Draw, parameters: dict[str, Any], pool: dict[str, list[Image]]) -> Image:
    """Step 0, patch-encoder, alone: what step 1 does to it is thrown away."""
    del pool
    height, width, channels = size_of(image)
    role, side, units = f"0/patch-encoder/{height}x{width}x{channels}", parameters["block_size"], parameters["hidden"]
    sizes = [side * side * channels, *[units] * (parameters["depth"] + 2)]
    layers = [
        layer(draw, f"{role}/{number}", inputs, outputs) for number, (inputs, outputs) in enumerate(pairwise(sizes))
    ]
    rows, columns = height // side, width // side
    numbers = streams.draw_gaussians(draw(f"{role}/positions"), rows * columns * units)
    positions = [numbers[start : start + units] for start in range(0, len(numbers), units)]
    vectors = encode(image, layers, positions, side=side)
    return [vectors[start : start + columns] for start in range(0, len(vectors), columns)]


SCHEMES = {
    "pixel-block-mixing": pixel_block_mixing,
    "masked-image": masked_image,
    "instahide": instahide,
    "neuracrypt": neuracrypt,
}
