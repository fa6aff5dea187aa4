"""The key stream: AES-256 in counter mode, read as integers, permutations, bits, Gaussians, orthogonal matrices.

The rules are exact and language-neutral (``spec/stream-v1.md``, with vectors); AES-CTR is what browsers have, and
OpenSSL runs it at several gigabytes a second. A whole batch of streams, one per image, costs one AES call.

The compiled loops are imported by the draws, not here: a program that only lists schemes need not load a compiler.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Never

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from pixelveil.errors import UsageError

__all__ = ["BLOCK_BYTES", "KEY_BYTES", "NONCE_BYTES", "KeyStream"]

KEY_BYTES = 32
NONCE_BYTES = 16
BLOCK_BYTES = 16
_TWO_POW_53 = float(1 << 53)

# A stream is made in pieces of this size, which stay in the second-level cache until they are read.
_PIECE_BYTES = 1 << 18


class KeyStream:
    """A batch of AES-256-CTR streams under one key, good for exactly one draw.

    Stream i consists of ``AES_key(nonce_i + 0) || AES_key(nonce_i + 1) || ...``, the counter a 128-bit big-endian
    number modulo 2^128. One stream serves one purpose: a second draw raises, so that no two things are ever made of
    the same bytes.

    Args:
        key: 32 bytes, used for this stream alone.
        nonces: uint8 (n, 16), one row per stream.

    Raises:
        UsageError: Wrong sizes, or a second draw.

    >>> zero = np.zeros((1, 16), np.uint8)
    >>> KeyStream(key=bytes(32), nonces=zero).integers(5, bound=6)
    array([[4, 5, 0, 0, 0]], dtype=uint8)
    """

    __slots__ = ("_drawn", "_key", "_nonces")

    def __init__(self, *, key: bytes, nonces: NDArray[np.uint8]) -> None:
        if len(key) != KEY_BYTES:
            raise UsageError(f"a stream key has {KEY_BYTES} bytes, not {len(key)}")
        if nonces.dtype != np.uint8 or nonces.ndim != 2 or nonces.shape[1] != NONCE_BYTES:
            raise UsageError(f"nonces must be uint8 (n, {NONCE_BYTES}), not {nonces.dtype} {nonces.shape}")
        self._key = key
        self._nonces = np.ascontiguousarray(nonces).view(">u8").astype(np.uint64)
        self._drawn = False

    def __repr__(self) -> str:
        """Say how many streams there are; nothing of the key."""
        return f"KeyStream(count={self.count})"

    def __reduce__(self) -> Never:
        """Refuse to be pickled: a stream's key must not leave the process."""
        raise UsageError("a key stream cannot be pickled or copied", hint="make it where you need it")

    @property
    def count(self) -> int:
        """Number of streams in the batch."""
        return int(self._nonces.shape[0])

    def bytes(self, size: int) -> NDArray[np.uint8]:
        """Return the first ``size`` bytes of every stream, uint8 (n, size)."""
        self._use_once()
        return self._read(size)[:, :size]

    def bits(self, size: int, *, width: int = 1) -> NDArray[np.uint8]:
        """Return ``size`` numbers of ``width`` fair bits each per stream, uint8 (n, size).

        Bit b of a stream is bit ``b mod 8`` of its byte ``b div 8``, least significant first; number j is made of the
        bits ``j * width`` to ``j * width + width - 1``, the first one lowest.

        Args:
            size: How many numbers per stream.
            width: Bits of a number, 1 to 8.

        Raises:
            UsageError: ``width`` is out of range.
        """
        from pixelveil.keys import stream_kernels

        if not 1 <= width <= 8:
            raise UsageError(f"width must be 1 to 8, not {width}")
        self._use_once()
        out = np.empty((self.count, size), np.uint8)
        for rows, words in self._pieces(width * -(-size // 8)):
            stream_kernels.unpack_bits(words, width, out[rows])
        return out

    def integers(self, size: int, *, bound: int) -> NDArray[np.uint8] | NDArray[np.int64]:
        """Return ``size`` unbiased integers in 0..bound-1 per stream, by rejection in rounds.

        Args:
            size: How many per stream.
            bound: 1 to 2^32. Up to 256 a number takes one byte of the stream, above that four (little-endian).

        Returns:
            (n, size), uint8 where ``bound <= 256``, else int64.

        Raises:
            UsageError: ``bound`` is out of range.
        """
        from pixelveil.keys import stream_kernels

        if not 1 <= bound <= 1 << 32:
            raise UsageError(f"bound must be 1 to 2^32, not {bound}")
        self._use_once()
        if bound > 256:
            return self._bounded(np.full(size, bound, np.int64))
        out = np.empty((self.count, size), np.uint8)
        # Expected redraws are size * (256 mod bound) / 256; the spare covers them with a wide margin.
        spare = 0 if 256 % bound == 0 else 64 + size * (256 % bound) // 128
        while sum(stream_kernels.reduce_bytes(words, bound, out[rows]) for rows, words in self._pieces(size + spare)):
            spare *= 2
        return out

    def permutation(self, size: int) -> NDArray[np.int32]:
        """Return a uniform permutation of 0..size-1 per stream, int32 (n, size), by Fisher-Yates from the end."""
        return self.permutations(size, count=1)[:, 0]

    def permutations(self, size: int, *, count: int) -> NDArray[np.int32]:
        """Return ``count`` independent permutations of 0..size-1 per stream, int32 (n, count, size).

        One run of rounds draws the numbers of all of them: a key for each of 3,136 blocks needs one stream, not 3,136.
        """
        from pixelveil.keys import stream_kernels

        self._use_once()
        draws = self._bounded(np.tile(np.arange(size, 1, -1, dtype=np.int64), count))
        out = np.empty((self.count * count, size), np.int32)
        stream_kernels.fisher_yates(draws.reshape(len(out), max(size - 1, 0)), out)
        return out.reshape(self.count, count, size)

    def gaussians(self, size: int) -> NDArray[np.float64]:
        """Return ``size`` standard normal numbers per stream, float64 (n, size), by Box-Muller.

        ``z0 = sqrt(-2 ln u1) cos(2 pi u2)``, ``z1 = sqrt(-2 ln u1) sin(2 pi u2)`` with ``u1`` in (0, 1], ``u2`` in
        [0, 1), each of the upper 53 bits of an 8-byte little-endian word.
        """
        self._use_once()
        pairs = -(-size // 2)
        words = self._read(16 * pairs).view("<u8").reshape(self.count, pairs, 2) >> np.uint64(11)
        uniforms = words.astype(np.float64)
        radius = np.sqrt(-2.0 * np.log((uniforms[..., 0] + 1.0) / _TWO_POW_53))
        angle = 2.0 * np.pi * (uniforms[..., 1] / _TWO_POW_53)
        out = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
        return out.reshape(self.count, 2 * pairs)[:, :size]

    def orthogonal(self, size: int) -> NDArray[np.float64]:
        """Return a Haar-distributed orthogonal matrix per stream, float64 (n, size, size).

        ``G = Q R`` with G of ``size * size`` Gaussians row by row and a positive diagonal of R, which makes Q unique.
        Mezzadri, "How to generate random matrices from the classical compact groups", Notices AMS 54 (2007).
        """
        gaussians = self.gaussians(size * size).reshape(self.count, size, size)
        q, r = np.linalg.qr(gaussians)
        signs = np.where(np.diagonal(r, axis1=-2, axis2=-1) < 0, -1.0, 1.0)
        result: NDArray[np.float64] = q * signs[:, None, :]
        return result

    def _bounded(self, bounds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Draw one integer below each bound, four bytes a number."""
        from pixelveil.keys import stream_kernels

        out = np.empty((self.count, len(bounds)), np.int64)
        spare = 16
        while sum(
            stream_kernels.reduce_words(words.view("<u4"), bounds, out[rows])
            for rows, words in self._pieces(4 * (len(bounds) + spare))
        ):
            spare = 2 * spare + len(bounds)
        return out

    def _read(self, size: int) -> NDArray[np.uint8]:
        """Return at least ``size`` stream bytes a row."""
        out = np.empty((self.count, -(-size // BLOCK_BYTES) * BLOCK_BYTES), np.uint8)
        for rows, words in self._pieces(size):
            out[rows] = words
        return out

    def _pieces(self, size: int) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
        """Yield at least ``size`` stream bytes of a few rows at a time, in memory that the next piece takes again.

        Counter mode by hand, so that one AES key schedule serves the whole batch; pieces stay in the cache.
        """
        from pixelveil.keys import stream_kernels

        blocks = -(-size // BLOCK_BYTES)
        width = blocks * BLOCK_BYTES
        height = max(1, min(self.count, _PIECE_BYTES // max(1, width)))
        counters = np.empty((height, blocks, 2), np.uint64)
        # The library asks for room for one block more than it writes.
        words = np.empty(height * width + BLOCK_BYTES - 1, np.uint8)
        encryptor = Cipher(algorithms.AES(self._key), modes.ECB()).encryptor()  # noqa: S305 - of counters: this is CTR
        for first in range(0, self.count, height):
            rows = slice(first, min(first + height, self.count))
            part = counters[: rows.stop - first]
            stream_kernels.counter_blocks(self._nonces[rows], part)
            encryptor.update_into(part.reshape(-1).view(np.uint8).data, words.data)
            yield rows, words[: part.nbytes].reshape(len(part), width)

    def _use_once(self) -> None:
        if self._drawn:
            raise UsageError("a key stream serves one draw; ask for a stream of another role")
        self._drawn = True
