"""A second implementation of the networks of the learned schemes: standard library only, slow, one image.

The vectors in spec/vectors/networks-v1.json are written by this file, and the package is checked against them. It
shares nothing with the package. Features are a list of planes of rows of values; weights are nested lists by name.
"""

from __future__ import annotations

import math
from typing import Any

Plane = list[list[float]]
Planes = list[Plane]
Weights = dict[str, Any]


def unet_layout(width: int, levels: int) -> dict[str, tuple[int, ...]]:
    """Shape of every array of a U-Net: two normalized convolutions a level, twice as many channels each level."""
    layout: dict[str, tuple[int, ...]] = {}

    def twice(name: str, given: int, made: int) -> None:
        for number, channels in enumerate((given, made)):
            layout[f"{name}/{number}/kernel"] = (made, channels, 3, 3)
            for what in ("scale", "shift", "mean", "variance"):
                layout[f"{name}/{number}/{what}"] = (made,)

    for level in range(levels):
        twice(f"down{level}", width * 2 ** (level - 1) if level else 3, width * 2**level)
    for level in range(levels - 2, -1, -1):
        layout[f"up{level}/widen/kernel"] = (width * 2 ** (level + 1), width * 2**level, 2, 2)
        layout[f"up{level}/widen/bias"] = (width * 2**level,)
        twice(f"up{level}", width * 2 ** (level + 1), width * 2**level)
    return layout | {"last/kernel": (3, width, 1, 1), "last/bias": (3,)}


def generator_layout(width: int, blocks: int) -> dict[str, tuple[int, ...]]:
    """Shape of every array of a generator."""
    layout: dict[str, tuple[int, ...]] = {}

    def add(name: str, kernel: tuple[int, ...], made: int) -> None:
        layout[f"{name}/kernel"], layout[f"{name}/bias"] = kernel, (made,)

    add("first", (width, 3, 7, 7), width)
    add("down0", (2 * width, width, 3, 3), 2 * width)
    add("down1", (4 * width, 2 * width, 3, 3), 4 * width)
    for block in range(blocks):
        add(f"block{block}/0", (4 * width, 4 * width, 3, 3), 4 * width)
        add(f"block{block}/1", (4 * width, 4 * width, 3, 3), 4 * width)
    add("up0", (4 * width, 2 * width, 3, 3), 2 * width)
    add("up1", (2 * width, width, 3, 3), width)
    add("last", (3, width, 7, 7), 3)
    return layout


def convolve(planes: Planes, kernel: Any, bias: list[float], *, stride: int = 1, zeros: int = 0) -> Planes:
    """Cross-correlate: ``out[o][y][x] = bias[o] + sum kernel[o][i][a][b] in[i][stride y + a][stride x + b]``.

    >>> convolve([[[1, 2, 3]]], [[[[10, 1]]]], [100])
    [[[112, 123]]]
    """
    planes = [_surrounded(plane, zeros) for plane in planes]
    tall, wide = len(kernel[0][0]), len(kernel[0][0][0])
    rows = range(0, len(planes[0]) - tall + 1, stride)
    columns = range(0, len(planes[0][0]) - wide + 1, stride)
    return [
        [
            [
                offset
                + sum(
                    weights[i][a][b] * planes[i][y + a][x + b]
                    for i in range(len(planes))
                    for a in range(tall)
                    for b in range(wide)
                )
                for x in columns
            ]
            for y in rows
        ]
        for weights, offset in zip(kernel, bias, strict=True)
    ]


def spread(planes: Planes, kernel: Any, bias: list[float], *, cut: int, more: int) -> Planes:
    """Transposed convolution of stride 2: every value lays its kernel down, then ``cut`` border values are removed.

    Args:
        planes: Features.
        kernel: [in][out][row][column].
        bias: Per channel made.
        cut: Rows and columns removed on each side.
        more: Rows and columns of the right and lower border that stay.

    >>> spread([[[1, 2]]], [[[[1, 10], [0, 0]]]], [0], cut=0, more=0)
    [[[1, 10, 2, 20], [0, 0, 0, 0]]]
    """
    side = len(kernel[0][0])
    height, width = 2 * (len(planes[0]) - 1) + side, 2 * (len(planes[0][0]) - 1) + side
    out = []
    for o, offset in enumerate(bias):
        plane: Plane = [[offset] * (width + more) for _ in range(height + more)]
        for i, given in enumerate(planes):
            for y, row in enumerate(given):
                for x, value in enumerate(row):
                    for a in range(side):
                        for b in range(side):
                            plane[2 * y + a][2 * x + b] += value * kernel[i][o][a][b]
        out.append([row[cut : width + more - cut] for row in plane[cut : height + more - cut]])
    return out


def unet(planes: Planes, weights: Weights, *, levels: int) -> Planes:
    """What the U-Net makes of an image in [0, 1]."""
    height, width = len(planes[0]), len(planes[0][0])
    unit = 2 ** (levels - 1)
    features = [_repeated(plane, -(-height // unit) * unit, -(-width // unit) * unit) for plane in planes]
    skipped = []
    for level in range(levels):
        if level:
            skipped.append(features)
            features = [_pooled(plane) for plane in features]
        features = _twice(features, weights, f"down{level}")
    for level in range(levels - 2, -1, -1):
        name = f"up{level}/widen"
        features = spread(features, weights[f"{name}/kernel"], weights[f"{name}/bias"], cut=0, more=0)
        features = _twice(skipped.pop() + features, weights, f"up{level}")
    features = convolve(features, weights["last/kernel"], weights["last/bias"])
    return [[[1 / (1 + math.exp(-value)) for value in row[:width]] for row in plane[:height]] for plane in features]


def generator(planes: Planes, weights: Weights, *, blocks: int) -> Planes:
    """What the generator makes of an image in [0, 1]."""
    height, width = len(planes[0]), len(planes[0][0])
    tall, wide = (max(8, -(-side // 4) * 4) for side in (height, width))
    centered = [[[2 * value - 1 for value in row] for row in plane] for plane in planes]

    def layer(features: Planes, name: str, *, stride: int = 1, zeros: int = 0) -> Planes:
        return convolve(features, weights[f"{name}/kernel"], weights[f"{name}/bias"], stride=stride, zeros=zeros)

    features = [_mirrored(_repeated(plane, tall, wide), 3) for plane in centered]
    features = _positive(_normal(layer(features, "first")))
    for name in ("down0", "down1"):
        features = _positive(_normal(layer(features, name, stride=2, zeros=1)))
    for block in range(blocks):
        change = [_mirrored(plane, 1) for plane in features]
        change = _positive(_normal(layer(change, f"block{block}/0")))
        change = _normal(layer([_mirrored(plane, 1) for plane in change], f"block{block}/1"))
        features = [
            [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(*both, strict=True)]
            for both in zip(features, change, strict=True)
        ]
    for name in ("up0", "up1"):
        kernel, bias = weights[f"{name}/kernel"], weights[f"{name}/bias"]
        features = _positive(_normal(spread(features, kernel, bias, cut=1, more=1)))
    features = layer([_mirrored(plane, 3) for plane in features], "last")
    return [[[(math.tanh(value) + 1) / 2 for value in row[:width]] for row in plane[:height]] for plane in features]


def transform(image: list[list[list[int]]], weights: Weights, *, network: str, depth: int) -> list[list[list[float]]]:
    """What a learned scheme makes of an image of pixels, in grey levels, before rounding; gray becomes color."""
    color = [[pixel * 3 if len(pixel) == 1 else pixel for pixel in row] for row in image]
    planes: Planes = [[[pixel[channel] / 255 for pixel in row] for row in color] for channel in range(3)]
    made = unet(planes, weights, levels=depth) if network == "unet" else generator(planes, weights, blocks=depth)
    return [[[255 * plane[y][x] for plane in made] for x in range(len(image[0]))] for y in range(len(image))]


def _twice(features: Planes, weights: Weights, name: str) -> Planes:
    for part in (f"{name}/0", f"{name}/1"):
        kernel = weights[f"{part}/kernel"]
        features = convolve(features, kernel, [0.0] * len(kernel), zeros=1)
        facts = zip(*(weights[f"{part}/{what}"] for what in ("mean", "variance", "scale", "shift")), strict=True)
        features = [
            [[(value - mean) / math.sqrt(variance + 1e-5) * scale + shift for value in row] for row in plane]
            for plane, (mean, variance, scale, shift) in zip(features, facts, strict=True)
        ]
        features = _positive(features)
    return features


def _normal(features: Planes) -> Planes:
    """Instance normalization: every plane gets mean 0 and variance 1."""
    out = []
    for plane in features:
        values = [value for row in plane for value in row]
        mean = math.fsum(values) / len(values)
        deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values) + 1e-5)
        out.append([[(value - mean) / deviation for value in row] for row in plane])
    return out


def _positive(features: Planes) -> Planes:
    return [[[max(0.0, value) for value in row] for row in plane] for plane in features]


def _pooled(plane: Plane) -> Plane:
    """The largest of every four.

    >>> _pooled([[1, 2, 3, 4], [5, 6, 7, 0]])
    [[6, 7]]
    """
    rows = range(0, len(plane), 2)
    return [
        [max(plane[y + a][x + b] for a in (0, 1) for b in (0, 1)) for x in range(0, len(plane[0]), 2)] for y in rows
    ]


def _surrounded(plane: Plane, border: int) -> Plane:
    wide = len(plane[0]) + 2 * border
    side = [0.0] * border
    blank = [[0.0] * wide for _ in range(border)]
    return blank + [side + row + side for row in plane] + blank


def _repeated(plane: Plane, height: int, width: int) -> Plane:
    """The last row and column repeated up to a size."""
    rows = [row + row[-1:] * (width - len(row)) for row in plane]
    return rows + rows[-1:] * (height - len(rows))


def _mirrored(plane: Plane, border: int) -> Plane:
    """The border mirrored, its outermost values not doubled.

    >>> _mirrored([[1, 2, 3]] * 3, 1)[0]
    [2, 1, 2, 3, 2]
    """

    def inside(place: int, size: int) -> int:
        place = abs(place)
        return 2 * (size - 1) - place if place >= size else place

    height, width = len(plane), len(plane[0])
    return [
        [plane[inside(y, height)][inside(x, width)] for x in range(-border, width + border)]
        for y in range(-border, height + border)
    ]
