"""The key stream: the cipher alone, and the draws that schemes make of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from benchmarks.timing import on_cores, rates, time_in_turn
from pixelveil.keys import KeyStream, fresh_nonces

__all__ = ["run"]

COUNT, PIXELS = 4000, 1024


def run() -> dict[str, Any]:
    """Return, on one core: gigabytes of stream per second, millions of draws per second, milliseconds for a matrix."""
    nonces = fresh_nonces(COUNT)
    single = np.zeros((1, 16), np.uint8)
    zeros, sink = bytes(COUNT * PIXELS), bytearray(COUNT * PIXELS + 15)

    def cipher() -> None:
        Cipher(algorithms.AES(bytes(32)), modes.CTR(bytes(16))).encryptor().update_into(zeros, sink)

    def stream(which: Any = nonces) -> KeyStream:
        return KeyStream(key=bytes(32), nonces=which)

    with on_cores(1):
        octets = {
            "AES-256-CTR of the library": cipher,
            f"{COUNT} streams of {PIXELS} bytes": lambda: stream().bytes(PIXELS),
        }
        draws = {
            f"{COUNT} x {PIXELS} bits": lambda: stream().bits(PIXELS),
            f"{COUNT} x {PIXELS} numbers of 3 bits": lambda: stream().bits(PIXELS, width=3),
            f"{COUNT} x {PIXELS} integers below 6": lambda: stream().integers(PIXELS, bound=6),
            f"{COUNT} permutations of {PIXELS}": lambda: stream().permutation(PIXELS),
        }
        matrix = time_in_turn({"orthogonal 768x768": lambda: stream(single).orthogonal(768)}, rounds=5)
        return {
            "bytes": rates(time_in_turn(octets), work=COUNT * PIXELS / 1e9, unit="gigabytes_per_second"),
            "draws": rates(time_in_turn(draws), work=COUNT * PIXELS / 1e6, unit="million_per_second"),
            "matrix_milliseconds": {name: round(1e3 * min(times), 1) for name, times in matrix.items()},
        }
