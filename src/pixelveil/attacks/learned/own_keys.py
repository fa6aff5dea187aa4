"""An attacker's own pairs: the scheme run on own images under own keys."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Images
from pixelveil.keys import Epoch, Key
from pixelveil.keys.epoch import EpochRecord, fingerprint_of
from pixelveil.keys.stream import NONCE_BYTES
from pixelveil.schemes import Scheme
from pixelveil.schemes.fitting import fit_asset

__all__ = ["encrypt_own", "own_scheme", "pieces"]

_ROOT_BYTES = 32
# Side of the pieces of larger images that are trained on where pixels stay in place.
_SIDE = 64


def own_scheme(scheme: Scheme, *, public: Images) -> Scheme:
    """Return the scheme as an attacker can run it: keys that one can repeat, an own pool or basis.

    Args:
        scheme: What is attacked, without its asset.
        public: uint8 (m, H, W, C): what own assets are made of.
    """
    if scheme.key_policy == "ephemeral" and "derived" in scheme.policies:
        scheme = replace(scheme, key_policy="derived")
    return scheme.bind(fit_asset(scheme, images=public)) if scheme.needs_asset else scheme


def encrypt_own(scheme: Scheme, plain: Images, *, generator: np.random.Generator, keys: int = 1) -> Images:
    """Encrypt an attacker's own images under keys that are made for them; of a seed, since they protect nothing.

    Args:
        scheme: Of `own_scheme`.
        plain: uint8 (n, H, W, C).
        generator: Draws keys and nonces.
        keys: How many, each for as many images; one where every image has a key of its own anyway.
    """
    if scheme.key_policy == "shared" and keys > 1:
        parts = np.array_split(plain, min(keys, len(plain)))
        return np.concatenate([encrypt_own(scheme, part, generator=generator) for part in parts])
    if scheme.key_policy in ("none", "ephemeral"):
        return np.asarray(scheme.encrypt(plain).images)
    root, count = generator.bytes(_ROOT_BYTES), len(plain)
    record = EpochRecord(
        number=1, state="active", fingerprint=fingerprint_of(root), budget=count, used=0, created="2000-01-01"
    )
    nonces: NDArray[np.uint8] | None = None
    if scheme.key_policy == "derived":
        nonces = np.frombuffer(generator.bytes(NONCE_BYTES * count), np.uint8).reshape(count, NONCE_BYTES)
    return np.asarray(scheme.encrypt(plain, key=Key(epochs=(Epoch(record, root=root),)), nonces=nonces).images)


def pieces(images: Images, *, generator: np.random.Generator, side: int = _SIDE) -> Images:
    """Return a square piece of each image, drawn at random; smaller images as they are.

    Args:
        images: (n, H, W, C).
        generator: Draws the places.
        side: Of a piece, at most.
    """
    height, width = (min(size, side) for size in images.shape[1:3])
    tops = generator.integers(images.shape[1] - height + 1, size=len(images))
    lefts = generator.integers(images.shape[2] - width + 1, size=len(images))
    cut = [one[top : top + height, left : left + width] for one, top, left in zip(images, tops, lefts, strict=True)]
    return np.stack(cut)
