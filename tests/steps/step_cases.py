"""Key material whose every stream a test can draw again."""

import hashlib

import numpy as np

from pixelveil.keys import KeyMaterial, KeyStream


def subkey(role):
    return hashlib.sha256(role.encode()).digest()


def nonces_of(count):
    return np.arange(16 * count, dtype=np.uint8).reshape(count, 16)


def material_for(count):
    """Material for so many images; one is a shared plan."""
    return KeyMaterial(subkey=subkey, nonces=nonces_of(count))


def stream_of(role, count):
    """The stream that the material gives for a role."""
    return KeyStream(key=subkey(role), nonces=nonces_of(count))


def images_of(count, shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def blocks_of(image, side):
    """The blocks of one image (H, W, C), row by row: (N, side, side, C)."""
    height, width, channels = image.shape
    grid = image.reshape(height // side, side, width // side, side, channels)
    return grid.transpose(0, 2, 1, 3, 4).reshape(-1, side, side, channels)


def image_of(blocks, shape):
    """Put blocks (N, side, side, C) together again."""
    side = blocks.shape[1]
    grid = blocks.reshape(shape[0] // side, shape[1] // side, side, side, shape[2])
    return grid.transpose(0, 2, 1, 3, 4).reshape(shape)
