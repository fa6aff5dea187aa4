"""What steps read: one key stream per role, for a shared plan or for every image its own."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from typing import Never

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.keys.derive import SECRET_BYTES, derive
from pixelveil.keys.epoch import Epoch
from pixelveil.keys.stream import NONCE_BYTES, KeyStream

__all__ = ["KeyMaterial", "fresh_nonces"]


def fresh_nonces(count: int) -> NDArray[np.uint8]:
    """Draw public nonces, one per image, from the operating system.

    Two of n nonces are equal, or so close that their streams of m blocks overlap, with probability below
    ``n * n * m / 2**128``.

    Args:
        count: How many, 0 or more.

    Returns:
        uint8 (count, 16), writable.

    Raises:
        UsageError: The count is negative.

    >>> fresh_nonces(3).shape
    (3, 16)
    """
    if count < 0:
        raise UsageError(f"count {count} is negative")
    return np.frombuffer(bytearray(os.urandom(NONCE_BYTES * count)), np.uint8).reshape(count, NONCE_BYTES)


class KeyMaterial:
    """The source of all key streams of one plan, or of one batch of per-image plans.

    Made by `shared`, `derived` or `ephemeral`. Every role is read once: two streams of one role would be the same
    bytes for two purposes.

    >>> from pixelveil.keys import Key
    >>> material = KeyMaterial.shared(Key.generate().active, scheme="a1b2")
    >>> material.stream("shuffle").permutation(8).shape
    (1, 8)
    >>> material.stream("shuffle")
    Traceback (most recent call last):
    pixelveil.errors.UsageError: role 'shuffle' was read already (a role gives one key stream; name another)
    """

    def __init__(self, *, subkey: Callable[[str], bytes], nonces: NDArray[np.uint8]) -> None:
        if nonces.dtype != np.uint8 or nonces.ndim != 2 or nonces.shape[1] != NONCE_BYTES:
            raise UsageError(f"nonces must be uint8 (n, {NONCE_BYTES}), not {nonces.dtype} {nonces.shape}")
        self._subkey = subkey
        self._nonces = nonces.copy()
        self._roles: set[str] = set()

    @classmethod
    def shared(cls, epoch: Epoch, *, scheme: str, client: str = "") -> KeyMaterial:
        """Return the material of the one plan that all images of an epoch and scheme share.

        Args:
            epoch: Whose root the sub-keys come from.
            scheme: Digest of the scheme and its parameters.
            client: Name of the client, or empty.

        Returns:
            Material with count 1 and the nonce zero: its sub-keys serve nothing else.
        """

        def subkey(role: str) -> bytes:
            return epoch.subkey(purpose="shared-plan", scheme=scheme, client=client, role=role)

        return cls(subkey=subkey, nonces=np.zeros((1, NONCE_BYTES), np.uint8))

    @classmethod
    def derived(cls, epoch: Epoch, *, scheme: str, nonces: NDArray[np.uint8], client: str = "") -> KeyMaterial:
        """Return the material of one plan per image, which the owner can rebuild from the image's public nonce.

        Args:
            epoch: Whose root the sub-keys come from.
            scheme: Digest of the scheme and its parameters.
            nonces: uint8 (n, 16), one row per image; random (`fresh_nonces`) for new images.
            client: Name of the client, or empty.

        Returns:
            Material with count n.

        Raises:
            UsageError: The nonces have another shape or dtype.
        """

        def subkey(role: str) -> bytes:
            return epoch.subkey(purpose="image-plan", scheme=scheme, client=client, role=role)

        return cls(subkey=subkey, nonces=nonces)

    @classmethod
    def ephemeral(cls, count: int) -> KeyMaterial:
        """Return the material of one plan per image that nobody can ever rebuild.

        Args:
            count: Number of images.

        Returns:
            Material with this count, from a secret that lives in memory only and goes with this object.

        Raises:
            UsageError: The count is negative.
        """
        secret = secrets.token_bytes(SECRET_BYTES)

        def subkey(role: str) -> bytes:
            return derive(secret, purpose="ephemeral-plan", role=role)

        return cls(subkey=subkey, nonces=fresh_nonces(count))

    @property
    def count(self) -> int:
        """Number of plans: 1 for a shared one, else the number of images."""
        return int(self._nonces.shape[0])

    def stream(self, role: str) -> KeyStream:
        """Return the key stream of a role, once.

        Args:
            role: Printable ASCII that names what the stream decides, for example "1/block-order".

        Returns:
            `count` streams under the sub-key of the role.

        Raises:
            UsageError: The role was read already, is empty, or is not printable ASCII.
        """
        if not role:
            raise UsageError("a key stream needs a role", hint="name what it decides")
        if role in self._roles:
            raise UsageError(f"role {role!r} was read already", hint="a role gives one key stream; name another")
        stream = KeyStream(key=self._subkey(role), nonces=self._nonces)
        self._roles.add(role)
        return stream

    def __repr__(self) -> str:
        """Say how many plans it serves; nothing of the keys."""
        return f"KeyMaterial(count={self.count})"

    def __reduce__(self) -> Never:
        """Refuse to be pickled: key material must not leave the process."""
        raise UsageError("key material cannot be pickled or copied", hint="make it where you need it")
