import itertools

import numpy as np

from pixelveil.attacks.public_images.pixel_keys import Frames, align_pixels, neighbors, settle_pixels

ORDERS = np.array(list(itertools.permutations(range(3))))


def test_neighbors_of_a_small_image():
    assert sorted(map(tuple, neighbors(height=2, width=2).tolist())) == [(0, 1), (0, 2), (1, 3), (2, 3)]


def encrypted(images, seed=0):
    generator = np.random.default_rng(seed)
    values = images.reshape(len(images), -1, 3).astype(np.float32) - 127.5
    order = ORDERS[generator.integers(6, size=values.shape[1])]
    sign = generator.choice([-1, 1], order.shape).astype(np.float32)
    return values, Frames(order, sign).read(values)


def right(read, values):
    """The share of values that are right in the best of the 48 global readings."""
    signs = list(itertools.product((1, -1), repeat=3))
    return max(
        float((np.abs(read[..., list(order)] * sign - values) < 0.1).mean()) for order in ORDERS for sign in signs
    )


def test_regions_join_to_one(victims):
    values, hidden = encrypted(victims[:10])
    frames = align_pixels(hidden, edges=neighbors(height=32, width=32), orders=ORDERS)
    assert right(frames.read(hidden), values) > 0.99


def test_single_pixels_settle(victims):
    values, _ = encrypted(victims[:10])
    order, sign = np.tile(np.arange(3), (1024, 1)), np.ones((1024, 3), np.float32)
    odd = np.random.default_rng(1).choice(1024, 40, replace=False)
    order[odd], sign[odd, 1] = (2, 0, 1), -1
    settled = settle_pixels(values, Frames(order, sign), height=32, width=32, orders=ORDERS)
    assert (settled.order == np.arange(3)).mean() > 0.99
    assert (settled.sign > 0).mean() > 0.99
