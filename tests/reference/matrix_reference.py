"""A second implementation of the matrix schemes of spec/forward-v1.md: standard library only, slow, image by image.

The singular value decomposition is one-sided Jacobi (Hestenes 1958), which shares neither code nor method with LAPACK.
It is built on stream_reference.py and shares nothing with the package. An image is a list of rows of pixels of channel
values; a matrix is a list of rows.
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

Matrix = list[list[float]]
Image = list[list[list[Any]]]
Draw = Callable[[str], Iterator[int]]
Stage = tuple[str, Callable[[list[Matrix], Draw], list[Matrix]]]
"""A name, and what is done to the matrices of the channels."""


def digest(scheme: str, parameters: dict[str, Any]) -> str:
    """SHA-256 of name and parameters in canonical JSON."""
    content = {"format": 1, "name": scheme, "parameters": parameters}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()


def product(a: Matrix, b: Matrix) -> Matrix:
    """The matrix product."""
    columns = list(zip(*b, strict=True))
    return [[math.fsum(x * y for x, y in zip(row, column, strict=True)) for column in columns] for row in a]


def transposed(a: Matrix) -> Matrix:
    """Rows become columns."""
    return [list(column) for column in zip(*a, strict=True)]


def decompose(x: Matrix) -> tuple[list[list[float]], list[list[float]]]:
    """The columns of U S and those of V, by descending singular values: rotate pairs until all are orthogonal.

    >>> left, right = decompose([[0.0, 2.0], [1.0, 0.0]])
    >>> [[abs(value) for value in column] for column in left]
    [[2.0, 0.0], [0.0, 1.0]]
    """
    columns = transposed(x)
    count = len(columns)
    right = [[float(i == j) for j in range(count)] for i in range(count)]
    rotated = True
    while rotated:
        rotated = False
        for p in range(count):
            for q in range(p + 1, count):
                alpha, beta = (math.fsum(v * v for v in columns[i]) for i in (p, q))
                gamma = math.fsum(a * b for a, b in zip(columns[p], columns[q], strict=True))
                if abs(gamma) <= 1e-15 * math.sqrt(alpha * beta) or abs(gamma) < 1e-20:
                    continue
                rotated = True
                zeta = (beta - alpha) / (2 * gamma)
                tangent = math.copysign(1, zeta) / (abs(zeta) + math.hypot(1, zeta))
                cosine = 1 / math.hypot(1, tangent)
                sine = cosine * tangent
                for pair in (columns, right):
                    first, second = pair[p], pair[q]
                    pair[p] = [cosine * a - sine * b for a, b in zip(first, second, strict=True)]
                    pair[q] = [sine * a + cosine * b for a, b in zip(first, second, strict=True)]
    order = sorted(range(count), key=lambda i: -math.fsum(v * v for v in columns[i]))
    return [columns[i] for i in order], [right[i] for i in order]


def truncate(x: Matrix, components: int, factor: str) -> Matrix:
    """U_k S_k or U_k S_k V_k^T; the entry of largest magnitude of each column of U is positive."""
    kept = min(components or len(x), len(x), len(x[0]))
    left, right = decompose(x)
    if factor == "image":
        return product(transposed(left[:kept]), right[:kept])
    signed = [[value * (-1 if max(column, key=abs) < 0 else 1) for value in column] for column in left[:kept]]
    return transposed(signed)


def percentile(values: list[float], share: float) -> float:
    """Between the order statistics around place (n - 1) share / 100, linearly."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * share / 100
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def quantize(a: Matrix, levels: int) -> Matrix:
    """The nearest of equally spaced levels between two percentiles."""
    values = [value for row in a for value in row]
    low, high = percentile(values, 0.5), percentile(values, 99.5)
    if low == high:
        return [[low for _ in row] for row in a]
    step = (high - low) / (levels - 1)
    return [[low + round((min(max(value, low), high) - low) / step) * step for value in row] for row in a]


def gaussian_matrix(source: Iterator[int], rows: int, columns: int) -> Matrix:
    """Normal numbers of variance 1/rows, row by row."""
    numbers = iter(streams.draw_gaussians(source, rows * columns))
    return [[next(numbers) / math.sqrt(rows) for _ in range(columns)] for _ in range(rows)]


def project(planes: list[Matrix], draw: Draw, size: int, sides: str) -> list[Matrix]:
    """A R or L A R, with the same matrices for all channels."""
    height, width = len(planes[0]), len(planes[0][0])
    right = gaussian_matrix(draw("/right"), width, size)
    result = [product(plane, right) for plane in planes]
    if sides == "both":
        left = gaussian_matrix(draw("/left"), height, height)
        result = [product(left, plane) for plane in result]
    return result


def on_basis(x: Matrix, basis: Matrix, mean: list[float], components: int) -> Matrix:
    """(X - mean) V_k."""
    centered = [[value - middle for value, middle in zip(row, mean, strict=True)] for row in x]
    return product(centered, [row[:components] for row in basis])


def stages(scheme: str, parameters: dict[str, Any], width: int, asset: dict[str, Any] | None) -> list[Stage]:
    """What is done, in order, with the names that label the streams; noise must be off."""
    kept = parameters["components"]
    if scheme == "svd-popescu" and parameters["variant"] == "basis":
        assert asset is not None
        channels = list(zip(asset["basis"], asset["mean"], strict=True))
        return [
            (
                "basis-projection",
                lambda planes, draw: [
                    on_basis(plane, basis, mean, kept) for plane, (basis, mean) in zip(planes, channels, strict=True)
                ],
            )
        ]
    factor = parameters.get("factor", "left")
    chosen: list[Stage] = []
    if kept or factor == "left":
        chosen.append(("truncated-svd", lambda planes, draw: [truncate(plane, kept, factor) for plane in planes]))
    if scheme == "svd-popescu":
        return chosen
    assert parameters["noise"] == 0, "noise is nobody's to know"
    levels, sides, size = parameters["levels"], parameters["projection"], parameters["size"] or width
    if levels:
        chosen.append(("quantization", lambda planes, draw: [quantize(plane, levels) for plane in planes]))
    if sides != "none":
        chosen.append(("random-projection", lambda planes, draw: project(planes, draw, size, sides)))
    return chosen


def encrypt(
    image: Image,
    *,
    scheme: str,
    parameters: dict[str, Any],
    secret: bytes,
    client: str,
    asset: dict[str, Any] | None = None,
) -> Image:
    """Encrypt one image under a shared key; the asset has a basis and a mean row for each channel."""
    height, width, channels = len(image), len(image[0]), len(image[0][0])
    planes = [[[float(pixel[channel]) for pixel in row] for row in image] for channel in range(channels)]
    labels = {"purpose": "shared-plan", "scheme": digest(scheme, parameters), "client": client}
    for number, (name, stage) in enumerate(stages(scheme, parameters, width, asset)):
        role = f"{number}/{name}/{height}x{width}x{channels}"

        def draw(suffix: str, role: str = role) -> Iterator[int]:
            return streams.stream(streams.subkey(secret, **labels, role=role + suffix), bytes(16))

        planes = stage(planes, draw)
    return [[[plane[i][j] for plane in planes] for j in range(len(planes[0][0]))] for i in range(height)]
