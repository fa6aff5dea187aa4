"""Encryption for experiments: keys follow from the seed, so that whoever runs a cell again gets its figures again."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.keys import Epoch, Key
from pixelveil.keys.epoch import MAX_BUDGET, EpochRecord, fingerprint_of
from pixelveil.keys.stream import NONCE_BYTES
from pixelveil.schemes import Scheme

__all__ = ["encrypt_images", "experiment_key", "reproducible"]

_AT_ONCE = 4096


def experiment_key(purpose: str, *, seed: int) -> Key:
    """Return a key that everybody knows: for measuring, never for protecting anything.

    Args:
        purpose: Another one gives another key.
        seed: Likewise.

    >>> experiment_key("right", seed=1).fingerprint == experiment_key("wrong", seed=1).fingerprint
    False
    """
    root = hashlib.sha256(f"pixelveil experiment, no secret: {purpose} {seed}".encode()).digest()
    record = EpochRecord(
        number=1,
        state="active",
        fingerprint=fingerprint_of(root),
        budget=MAX_BUDGET,
        used=0,
        created="2026-01-01",
    )
    return Key(epochs=(Epoch(record, root=root),))


def reproducible(scheme: Scheme) -> Scheme:
    """Return the scheme with keys per image that can be made again; nobody sees the difference in its images.

    >>> from pixelveil.schemes import create_scheme
    >>> reproducible(create_scheme("skk", key_policy="ephemeral")).key_policy
    'derived'
    """
    per_image = scheme.key_policy == "ephemeral" and "derived" in scheme.policies
    if not per_image:
        return scheme
    changed = replace(scheme, key_policy="derived")
    return changed if scheme.bound is None else changed.bind(scheme.bound)


def encrypt_images(scheme: Scheme, images: NDArray[np.uint8], *, key: Key, side: str, seed: int) -> NDArray[Any]:
    """Encrypt images, each under a nonce of its own where the scheme has keys per image.

    Randomness beyond keys (the noise of svd-wang) is drawn afresh each time.

    Args:
        scheme: Whatever encrypts.
        images: uint8 (n, H, W, 3).
        key: The key.
        side: "train" or "test": nonces differ.
        seed: Decides the nonces.

    Returns:
        uint8 or float32 grey levels (n, H', W', C').
    """
    chosen = reproducible(scheme)
    known = key if chosen.key_policy in ("shared", "derived") else None
    drawn = np.random.default_rng([seed, *side.encode()])
    nonces = drawn.integers(0, 256, (len(images), NONCE_BYTES), dtype=np.uint8)
    parts = []
    for start in range(0, len(images), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        given = nonces[part] if chosen.key_policy == "derived" else None
        found = chosen.encrypt(images[part], key=known, nonces=given).images
        parts.append(found if found.dtype == np.uint8 else found.astype(np.float32))
    return np.concatenate(parts)
