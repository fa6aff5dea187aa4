"""A second implementation of spec/keyfile-v1.md, from the specification alone: standard library only, and slow.

It shares no code with the package and none of its libraries. Sources: RFC 8439 (ChaCha20-Poly1305), RFC 7914 (scrypt,
as the standard library has it), RFC 5869 (HKDF).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple


class SealedEpoch(NamedTuple):
    """One epoch with its root."""

    state: str
    budget: int
    used: int
    created: str
    root: bytes


def chacha20_block(key: bytes, counter: int, nonce: bytes) -> bytes:
    """One block of key stream (RFC 8439, section 2.3)."""
    start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *struct.unpack("<8L", key), counter]
    start += struct.unpack("<3L", nonce)
    state = list(start)
    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)):
            quarter_round(state, a, b, c, d)
        for a, b, c, d in ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter_round(state, a, b, c, d)
    return struct.pack("<16L", *((x + y) % 2**32 for x, y in zip(state, start, strict=True)))


def quarter_round(state: list[int], a: int, b: int, c: int, d: int) -> None:
    """RFC 8439, section 2.1, in place."""
    for target, other, mixed, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        state[target] = (state[target] + state[other]) % 2**32
        value = state[mixed] ^ state[target]
        state[mixed] = (value << turn | value >> (32 - turn)) % 2**32


def poly1305(key: bytes, message: bytes) -> bytes:
    """RFC 8439, section 2.5."""
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for start in range(0, len(message), 16):
        total = (total + int.from_bytes(message[start : start + 16] + b"\x01", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


def aead_encrypt(key: bytes, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
    """ChaCha20-Poly1305: the ciphertext, then its tag (RFC 8439, section 2.8)."""
    ciphertext = b""
    for index in range(0, len(plain), 64):
        block = chacha20_block(key, 1 + index // 64, nonce)
        ciphertext += bytes(a ^ b for a, b in zip(plain[index : index + 64], block, strict=False))
    pad = lambda data: data + bytes(-len(data) % 16)  # noqa: E731
    message = pad(associated) + pad(ciphertext) + struct.pack("<QQ", len(associated), len(ciphertext))
    return ciphertext + poly1305(chacha20_block(key, 0, nonce)[:32], message)


def fingerprint(root: bytes) -> str:
    """The public name of a root: HKDF-SHA256 without salt, one block of output, half of it."""
    pseudorandom = hmac.new(bytes(32), root, hashlib.sha256).digest()
    info = b"pixelveil/v1\npurpose=fingerprint\nscheme=\nclient=\nrole=\n"
    return hmac.new(pseudorandom, info + b"\x01", hashlib.sha256).digest()[:16].hex()


def key_file(passphrase: str, *, log2_n: int, salt: bytes, nonce: bytes, epochs: Sequence[SealedEpoch]) -> str:
    """The text of a key file."""
    secret = unicodedata.normalize("NFKC", passphrase).encode("utf-8")
    key = hashlib.scrypt(secret, salt=salt, n=2**log2_n, r=8, p=1, maxmem=2**31 - 1, dklen=32)
    header = f"pixelveil-key/v1\nscrypt {log2_n} 8 1 {base64.b64encode(salt).decode()}\n"
    for number, epoch in enumerate(epochs, start=1):
        header += f"epoch {number} {epoch.state} {fingerprint(epoch.root)}"
        header += f" budget {epoch.budget} used {epoch.used} created {epoch.created}\n"
    header += f"seal chacha20-poly1305 {base64.b64encode(nonce).decode()}\n"
    body = base64.b64encode(aead_encrypt(key, nonce, b"".join(epoch.root for epoch in epochs), header.encode()))
    lines = [body[start : start + 64].decode() + "\n" for start in range(0, len(body), 64)]
    return header + "".join(lines)
