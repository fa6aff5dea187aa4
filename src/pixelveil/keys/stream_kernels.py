"""The loops of the key stream, compiled: counter blocks, unbiased integers, Fisher-Yates, bits.

All functions work on a batch of streams (leading axis) and leave the interpreter lock alone. Redraws read the words
behind the first pass; a stream whose spare words run out is reported to the caller, who draws more and tries again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pixelveil.compiled import compiled

__all__ = ["counter_blocks", "fisher_yates", "reduce_bytes", "reduce_words", "unpack_bits"]


@compiled
def _swap_bytes(word: np.uint64) -> np.uint64:
    low, high = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0000FFFF0000FFFF)
    word = ((word & low) << np.uint64(8)) | ((word >> np.uint64(8)) & low)
    word = ((word & high) << np.uint64(16)) | ((word >> np.uint64(16)) & high)
    return (word << np.uint64(32)) | (word >> np.uint64(32))


@compiled
def counter_blocks(nonces: NDArray[np.uint64], out: NDArray[np.uint64]) -> None:
    """Fill ``out[i, j]`` with nonce i plus ``j``, as 128-bit big-endian numbers modulo 2^128.

    Args:
        nonces: uint64 (n, 2), the high and low half of each nonce, in native byte order.
        out: uint64 (n, blocks, 2), written in big-endian byte order (on a little-endian machine).
    """
    for i in range(nonces.shape[0]):
        high, low = nonces[i, 0], nonces[i, 1]
        for j in range(out.shape[1]):
            value = low + np.uint64(j)
            carry = np.uint64(1) if value < low else np.uint64(0)
            out[i, j, 0] = _swap_bytes(high + carry)
            out[i, j, 1] = _swap_bytes(value)


@compiled
def reduce_bytes(words: NDArray[np.uint8], bound: int, out: NDArray[np.uint8]) -> int:
    """Turn one byte a number into integers below ``bound`` by the rounds rule; return streams that ran dry.

    Args:
        words: uint8 (n, m), m a multiple of 8 and at least ``size`` rounded up to one.
        bound: 1 to 256.
        out: uint8 (n, size), written.
    """
    count, size = out.shape
    top = np.uint8((256 // bound) * bound - 1)
    # word // bound == (word * inverse) >> 16 for all bytes, which vector units can do eight or more at a time.
    divisor, inverse = np.uint32(bound), np.uint32(65536 // bound + 1)
    # A byte above ``top`` (at least 127) has its high bit set and low seven bits that carry into it when this is added.
    low, high = np.uint64(0x7F7F7F7F7F7F7F7F), np.uint64(0x8080808080808080)
    carry = np.uint64(0x0101010101010101) * np.uint64(np.uint8(255) - top)
    pending = np.empty(size + 8, np.int64)
    dry = 0
    for i in range(count):
        row, target = words[i], out[i]
        for j in range(size):
            word = np.uint32(row[j])
            target[j] = np.uint8(word - divisor * ((word * inverse) >> np.uint32(16)))
        if top == 255:
            continue
        left = 0
        eights = row.view(np.uint64)
        for j in range((size + 7) // 8):
            rejected = ((eights[j] & low) + carry) & eights[j] & high
            if rejected:
                for k in range(8):
                    pending[left] = 8 * j + k
                    left += (rejected >> np.uint64(8 * k + 7)) & np.uint64(1) != 0
        while left and pending[left - 1] >= size:
            left -= 1
        position = size
        while left and position + left <= words.shape[1]:
            kept = 0
            for k in range(left):
                byte = row[position + k]
                if byte > top:
                    pending[kept] = pending[k]
                    kept += 1
                else:
                    target[pending[k]] = byte % np.uint8(bound)
            position += left
            left = kept
        dry += left > 0
    return dry


@compiled
def reduce_words(words: NDArray[np.uint32], bounds: NDArray[np.int64], out: NDArray[np.int64]) -> int:
    """Turn one 32-bit word a number into integers below ``bounds[j]`` by the rounds rule; return dry streams."""
    count, size = out.shape
    dry = 0
    pending = np.empty(size, np.int64)
    for i in range(count):
        left = 0
        for j in range(size):
            word = np.int64(words[i, j])
            bound = bounds[j]
            if word >= ((1 << 32) // bound) * bound:
                pending[left] = j
                left += 1
            out[i, j] = word % bound
        position = size
        while left and position + left <= words.shape[1]:
            kept = 0
            for k in range(left):
                j = pending[k]
                word = np.int64(words[i, position + k])
                if word >= ((1 << 32) // bounds[j]) * bounds[j]:
                    pending[kept] = j
                    kept += 1
                else:
                    out[i, j] = word % bounds[j]
            position += left
            left = kept
        dry += left > 0
    return dry


@compiled
def fisher_yates(draws: NDArray[np.int64], out: NDArray[np.int32]) -> None:
    """Shuffle 0..n-1 in every row of ``out`` with the draws j_{n-1}, ..., j_1 of the same row."""
    count, size = out.shape
    for i in range(count):
        for j in range(size):
            out[i, j] = j
        for k in range(size - 1):
            a, b = size - 1 - k, draws[i, k]
            out[i, a], out[i, b] = out[i, b], out[i, a]


@compiled
def unpack_bits(packed: NDArray[np.uint8], width: int, out: NDArray[np.uint8]) -> None:
    """Write ``width`` (1 to 8) consecutive bits as one number, the first bit lowest.

    Bit b of a stream is bit ``b % 8`` of its byte ``b // 8``; number j takes the bits ``j * width`` and following.
    """
    size = out.shape[1]
    mask = np.uint32((1 << width) - 1)
    for i in range(out.shape[0]):
        row, target = packed[i], out[i]
        if width == 3:
            # The pixel schemes' case, with all shifts known to the compiler: seven times as fast.
            for j in range(size // 8):
                word = np.uint32(row[3 * j]) | (np.uint32(row[3 * j + 1]) << np.uint32(8))
                word |= np.uint32(row[3 * j + 2]) << np.uint32(16)
                for k in range(8):
                    target[8 * j + k] = np.uint8((word >> np.uint32(3 * k)) & np.uint32(7))
        elif width == 1:
            for k in range(size):
                target[k] = (row[k >> 3] >> np.uint8(k & 7)) & np.uint8(1)
            continue
        for k in range(size // 8 * 8 if width == 3 else 0, size):
            bit = k * width
            # The number lies in at most two bytes; the second is only read where it is needed.
            word = np.uint32(row[bit >> 3]) >> np.uint32(bit & 7)
            if (bit & 7) + width > 8:
                word |= np.uint32(row[(bit >> 3) + 1]) << np.uint32(8 - (bit & 7))
            target[k] = np.uint8(word & mask)
