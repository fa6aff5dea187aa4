"""Random plans for the tests of this folder, and the reference's answer to them."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from hypothesis import strategies as st

from pixelveil.plans import AffinePlan, LanePlan

ref = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "reference" / "plan_reference.py")))

COUNTS = (1, 2, 3, 4, 5, 7)
BLOCKS = (None, (1, 1), (2, 2), (1, 3), (3, 2), (6, 6))


def random_images(rng, count, shape):
    return rng.integers(0, 256, (count, *shape), dtype=np.uint8)


def permutations(rng, *shape):
    """Permutations along the last axis."""
    return np.argsort(rng.random(shape), axis=-1)


def rows_for(rng, count):
    """Leading axis of one part of a plan: shared by all images, or one row for each."""
    return count if rng.random() < 0.5 else 1


def random_lane_plan(rng, *, count, shape, block, lane="byte", maps=1, order=True, permute=True):
    """Return the arguments of a plan for images of this shape."""
    height, width, channels = shape
    high, wide = block or (height, width)
    blocks, lanes = height * width // (high * wide), high * wide * channels * (2 if lane == "nibble" else 1)
    n = rows_for(rng, count)
    source = permutations(rng, n, maps, lanes) if permute else rng.integers(0, lanes, (n, maps, lanes))
    arguments = {
        "source": source,
        "flip": rng.integers(0, 16 if lane == "nibble" else 256, (rows_for(rng, count), maps, lanes), dtype=np.uint8),
        "block_size": block,
        "lane": lane,
        "grid": None if block is None else (height // high, width // wide),
    }
    if order and block is not None:
        arguments["block_order"] = permutations(rng, rows_for(rng, count), blocks)
    if maps > 1:
        arguments["choice"] = rng.integers(0, maps, (rows_for(rng, count), blocks))
    return arguments


def reference_lanes(arguments, images):
    """Apply the reference to each image with the rows of its own."""

    def row(name, i):
        part = arguments.get(name)
        return None if part is None else part[i % len(part)].tolist()

    answers = [
        ref.apply_lanes(
            image.tolist(),
            source=row("source", i),
            flip=row("flip", i),
            block=arguments["block_size"],
            order=row("block_order", i),
            choice=row("choice", i),
            lane=arguments["lane"],
        )
        for i, image in enumerate(images)
    ]
    return np.array(answers, np.uint8)


@st.composite
def lane_cases(draw, *, permute=None, lanes=("byte", "nibble"), blocks=BLOCKS, channels=(1, 3)):
    """Draw the arguments of a plan and images that it fits."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    block = draw(st.sampled_from(blocks))
    high, wide = block or (1, 1)
    shape = (high * draw(st.integers(1, 4)), wide * draw(st.integers(1, 4)), draw(st.sampled_from(channels)))
    count = draw(st.sampled_from(COUNTS))
    arguments = random_lane_plan(
        rng,
        count=count,
        shape=shape,
        block=block,
        lane=draw(st.sampled_from(lanes)),
        maps=1 if block is None else draw(st.sampled_from((1, 2, 6))),
        order=draw(st.booleans()),
        permute=draw(st.booleans()) if permute is None else permute,
    )
    return arguments, random_images(rng, count, shape)


def lane_plan(arguments):
    return LanePlan(**arguments)


def random_affine(rng, *, count, shape, side, order=True):
    """Return the arguments of an affine plan whose matrices can be inverted."""
    height, width, channels = shape
    blocks, lanes = height * width // side**2, side * side * channels

    def leading():
        return ((), (blocks,), (count, 1), (count, blocks))[rng.integers(4)]

    arguments = {
        "matrix": np.linalg.qr(rng.standard_normal((*leading(), lanes, lanes)))[0] * rng.uniform(0.5, 2),
        "offset": rng.uniform(-255, 255, (*leading(), lanes)),
        "channels": channels,
    }
    if order:
        arguments["block_order"] = permutations(rng, *((blocks,), (count, blocks))[rng.integers(2)])
    return arguments


def reference_affine(arguments, images):
    """Apply the reference to each image with the rows of its own."""
    lanes = arguments["matrix"].shape[-1]
    side = int((lanes // arguments["channels"]) ** 0.5)
    matrix = arguments["matrix"].reshape((1,) * (4 - arguments["matrix"].ndim) + arguments["matrix"].shape)
    offset = arguments["offset"].reshape((1,) * (3 - arguments["offset"].ndim) + arguments["offset"].shape)
    order = np.atleast_2d(arguments["block_order"]) if "block_order" in arguments else None
    answers = [
        ref.apply_affine(
            image.tolist(),
            matrix=matrix[i % len(matrix)].tolist(),
            offset=offset[i % len(offset)].tolist(),
            side=side,
            order=None if order is None else order[i % len(order)].tolist(),
        )
        for i, image in enumerate(images)
    ]
    return np.array(answers)


@st.composite
def affine_cases(draw, *, sides=(1, 2)):
    """Draw the arguments of an affine plan and images that it fits."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    side = draw(st.sampled_from(sides))
    shape = (side * draw(st.integers(1, 3)), side * draw(st.integers(1, 3)), draw(st.sampled_from((1, 3))))
    count = draw(st.sampled_from((1, 2, 4)))
    arguments = random_affine(rng, count=count, shape=shape, side=side, order=draw(st.booleans()))
    return arguments, random_images(rng, count, shape)


def affine_plan(arguments):
    return AffinePlan(**arguments)
