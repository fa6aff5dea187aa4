"""A second implementation of spec/schemes-v1.md, from the papers' steps: standard library only, slow, forward only.

The vectors in spec/vectors/schemes-v1.json are written by this file, and the package is checked against them. It is
built on step_reference.py and stream_reference.py and shares nothing with the package. An image is a list of rows of
pixels of channel values.
"""

from __future__ import annotations

import hashlib
import json
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

streams, do = (
    SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name(f"{name}_reference.py"))))
    for name in ("stream", "step")
)
plans = do.plans

Image = list[list[list[Any]]]
Draw = Callable[[str], Iterator[int]]
Step = tuple[str, Callable[[Image, Draw], Image]]
"""The name that labels its streams, and what it does."""


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


def side_by_side(image: Image) -> Image:
    """The planes of an image next to each other, as one gray image.

    >>> side_by_side([[[1, 2, 3], [4, 5, 6]]])
    [[[1], [4], [2], [5], [3], [6]]]
    """
    channels = range(len(image[0][0]))
    return [[[pixel[channel]] for channel in channels for pixel in row] for row in image]


def laid_out(image: Image, *, scheme: str, parameters: dict[str, Any]) -> Image:
    """What the steps work on: the padded image, its planes side by side where the scheme says so."""
    padded = pad(image, parameters.get("block_size", 1))
    return side_by_side(padded) if scheme == "etc-gray" else padded


def steps(scheme: str, parameters: dict[str, Any]) -> list[Step]:
    """The steps of a scheme, in order, with the names that label their streams."""
    side, get = parameters.get("block_size", 1), parameters.get
    scramble: Step = ("block-scramble", lambda image, draw: do.scramble_blocks(image, draw, side))
    table: dict[str, Callable[[], list[tuple[bool, Step]]]] = {
        "skk": lambda: pixel_steps(parameters),
        "smkk": lambda: pixel_steps(parameters),
        "xor-stream": lambda: [(True, ("xor-stream", do.xor_stream))],
        "tanaka-le": lambda: [(True, nibbles(side, per_block=False))],
        "madono-ele": lambda: [(True, nibbles(side, per_block=True)), (True, scramble)],
        "etc-color": lambda: [(True, scramble), *((True, step) for step in in_place(side))],
        "etc-gray": lambda: [(True, scramble), *((True, step) for step in in_place(side)[:2])],
        "vit-permutation": lambda: [*vit_steps(side, parameters), (get("scramble_blocks", True), scramble)],
        "vit-orthogonal": lambda: [
            (True, ("orthogonal-mixing", lambda image, draw: do.mix_blocks(image, draw, side))),
            (get("scramble_blocks", True), scramble),
        ],
        "vit-restricted": lambda: [(True, step) for step in restricted_steps(side, parameters)],
        "vit-compressible": lambda: [*((True, step) for step in sub_block_steps(side, parameters)), (True, scramble)],
    }
    return [step for switch, step in table[scheme]() if switch]


def pixel_steps(parameters: dict[str, Any]) -> list[tuple[bool, Step]]:
    """Pixel by pixel: inversion, and a color order for each pixel or for the image."""
    invert = do.invert_half if parameters.get("flip") == "exact_half" else do.invert_values
    side = 1 if parameters["shuffle"] == "per_pixel" else None
    colors: Step = ("color-shuffle", lambda image, draw: do.shuffle_colors(image, draw, side))
    return [(True, ("negative-positive", invert)), (parameters["shuffle"] != "none", colors)]


def nibbles(side: int, *, per_block: bool) -> Step:
    """Half bytes reversed and shuffled."""
    return ("nibble-split", lambda image, draw: do.split_nibbles(image, draw, side, per_block=per_block))


def in_place(side: int) -> list[Step]:
    """What EtC does to a block where it is: rotation, inversion, color order."""
    return [
        ("block-rotation", lambda image, draw: do.rotate_blocks(image, draw, side)),
        ("negative-positive", lambda image, draw: do.invert_blocks(image, draw, side)),
        ("color-shuffle", lambda image, draw: do.shuffle_colors(image, draw, side)),
    ]


def vit_steps(side: int, parameters: dict[str, Any]) -> list[tuple[bool, Step]]:
    """A permutation and a mask for all blocks, or for each block its own."""
    own = parameters.get("per_block", False)
    shuffle: Step = ("pixel-shuffle", lambda image, draw: do.shuffle_values(image, draw, side, per_block=own))
    mask: Step = ("negative-positive", lambda image, draw: do.invert_places(image, draw, side))
    values: Step = ("negative-positive", do.invert_values)
    return [(parameters.get("shuffle", True), shuffle), (parameters.get("invert", True), values if own else mask)]


def restricted_steps(side: int, parameters: dict[str, Any]) -> list[Step]:
    """Permutations that leave a part."""
    values, blocks = parameters["fixed_values"], parameters["fixed_blocks"]
    return [
        ("pixel-shuffle", lambda image, draw: do.shuffle_values(image, draw, side, fixed=values)),
        ("block-scramble", lambda image, draw: do.scramble_blocks(image, draw, side, fixed=blocks)),
    ]


def sub_block_steps(side: int, parameters: dict[str, Any]) -> list[Step]:
    """EtC on sub-blocks, in all main blocks alike or in each its own, and the order of sub-blocks."""
    sub, own = parameters["sub_block_size"], parameters["per_block"]

    def alike(step: Callable[[Image, Draw], Image]) -> Callable[[Image, Draw], Image]:
        return lambda image, draw: do.every_block(image, side, lambda part: step(part, draw))

    order: Step = (
        "sub-block-scramble",
        lambda image, draw: do.scramble_sub_blocks(image, draw, side, sub=sub, per_block=own),
    )
    return [*((name, step if own else alike(step)) for name, step in in_place(sub)), order]


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
    image = laid_out(image, scheme=scheme, parameters=parameters)
    for role, (_, step) in zip(
        roles(scheme, parameters, plans.shape_of(image)), steps(scheme, parameters), strict=True
    ):

        def draw(suffix: str, role: str = role) -> Iterator[int]:
            return streams.stream(streams.subkey(secret, **labels, role=role + suffix), nonce)

        image = step(image, draw)
    return image
