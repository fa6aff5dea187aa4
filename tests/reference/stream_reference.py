"""A second implementation of spec/stream-v1.md, from the specification alone: standard library only, and slow.

The test vectors in spec/vectors are written by this file, and the package is checked against them. It shares no code
with the package and none of its libraries. Sources: FIPS 197 (AES), NIST SP 800-38A (counter mode), RFC 5869 (HKDF).
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Iterator, Sequence

Matrix = list[list[float]]


def times(a: int, b: int) -> int:
    """Multiply in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1 (FIPS 197, section 4.2).

    >>> hex(times(0x57, 0x83))
    '0xc1'
    """
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def substitute(value: int) -> int:
    """The S-box: the inverse in GF(2^8), then an affine map over bits (FIPS 197, section 5.1.1).

    >>> hex(substitute(0x53))
    '0xed'
    """
    inverse = next((x for x in range(256) if times(value, x) == 1), 0)
    turns = [((inverse << shift) | (inverse >> (8 - shift))) & 0xFF for shift in range(5)]
    return turns[0] ^ turns[1] ^ turns[2] ^ turns[3] ^ turns[4] ^ 0x63


SBOX = [substitute(value) for value in range(256)]
DOUBLE = [times(value, 2) for value in range(256)]


def expand_key(key: bytes) -> list[bytes]:
    """The 15 round keys of AES-256 (FIPS 197, section 5.2)."""
    words = [key[start : start + 4] for start in range(0, 32, 4)]
    constant = 1
    for index in range(8, 60):
        word = words[-1]
        if index % 8 == 0:
            word = bytes(SBOX[byte] for byte in word[1:] + word[:1])
            word = bytes([word[0] ^ constant]) + word[1:]
            constant = times(constant, 2)
        elif index % 8 == 4:
            word = bytes(SBOX[byte] for byte in word)
        words.append(bytes(a ^ b for a, b in zip(words[-8], word, strict=True)))
    return [b"".join(words[start : start + 4]) for start in range(0, 60, 4)]


def aes256(round_keys: Sequence[bytes], block: bytes) -> bytes:
    """Encrypt one block (FIPS 197, section 5.1); the state is the 16 bytes, column after column."""
    state = [a ^ b for a, b in zip(block, round_keys[0], strict=True)]
    for number in range(1, 15):
        state = [SBOX[state[(place + 4 * (place % 4)) % 16]] for place in range(16)]
        if number < 14:
            state = [byte for column in range(0, 16, 4) for byte in mix_column(state[column : column + 4])]
        state = [a ^ b for a, b in zip(state, round_keys[number], strict=True)]
    return bytes(state)


def mix_column(column: Sequence[int]) -> list[int]:
    """Multiply a column by the MixColumns matrix."""
    whole = column[0] ^ column[1] ^ column[2] ^ column[3]
    return [column[row] ^ whole ^ DOUBLE[column[row] ^ column[(row + 1) % 4]] for row in range(4)]


def stream(key: bytes, nonce: bytes) -> Iterator[int]:
    """The bytes of one stream, without end."""
    round_keys = expand_key(key)
    counter = int.from_bytes(nonce, "big")
    while True:
        yield from aes256(round_keys, counter.to_bytes(16, "big"))
        counter = (counter + 1) % (1 << 128)


def word(source: Iterator[int], size: int) -> int:
    """The next little-endian number of so many bytes."""
    return sum(next(source) << (8 * place) for place in range(size))


def draw_bytes(source: Iterator[int], size: int) -> list[int]:
    """The next bytes."""
    return [next(source) for _ in range(size)]


def draw_bits(source: Iterator[int], size: int, width: int = 1) -> list[int]:
    """Numbers of so many bits, the least significant bit of each byte and of each number first."""
    data = draw_bytes(source, (size * width + 7) // 8)
    bits = [(data[place // 8] >> (place % 8)) & 1 for place in range(size * width)]
    return [sum(bits[width * j + b] << b for b in range(width)) for j in range(size)]


def draw_rounds(source: Iterator[int], bounds: Sequence[int], word_bytes: int) -> list[int]:
    """One number below each bound, by rejection in rounds."""
    span = 256**word_bytes
    numbers = [0] * len(bounds)
    open_places = list(range(len(bounds)))
    while open_places:
        rejected = []
        for place in open_places:
            drawn = word(source, word_bytes)
            if drawn < span // bounds[place] * bounds[place]:
                numbers[place] = drawn % bounds[place]
            else:
                rejected.append(place)
        open_places = rejected
    return numbers


def draw_integers(source: Iterator[int], size: int, bound: int) -> list[int]:
    """Numbers in 0 .. bound - 1."""
    return draw_rounds(source, [bound] * size, 1 if bound <= 256 else 4)


def draw_permutation(source: Iterator[int], size: int) -> list[int]:
    """Fisher-Yates from the end."""
    return draw_permutations(source, size, count=1)[0]


def draw_permutations(source: Iterator[int], size: int, count: int) -> list[list[int]]:
    """So many permutations, the numbers of all drawn in one run of rounds."""
    places = list(range(size - 1, 0, -1))
    others = iter(draw_rounds(source, [place + 1 for place in places] * count, 4))
    orders = [list(range(size)) for _ in range(count)]
    for order in orders:
        for place in places:
            other = next(others)
            order[place], order[other] = order[other], order[place]
    return orders


def draw_gaussians(source: Iterator[int], size: int) -> list[float]:
    """Standard normal numbers by Box-Muller."""
    numbers = []
    while len(numbers) < size:
        u1 = ((word(source, 8) >> 11) + 1) / 2**53
        u2 = (word(source, 8) >> 11) / 2**53
        radius = math.sqrt(-2 * math.log(u1))
        numbers += [radius * math.cos(2 * math.pi * u2), radius * math.sin(2 * math.pi * u2)]
    return numbers[:size]


def draw_orthogonal(source: Iterator[int], size: int) -> Matrix:
    """The orthogonal factor of a Gaussian matrix, the triangular one having a positive diagonal."""
    numbers = draw_gaussians(source, size * size)
    return orthogonal_factor([numbers[row * size : (row + 1) * size] for row in range(size)])


def orthogonal_factor(matrix: Matrix) -> Matrix:
    """Q of G = Q R with a positive diagonal of R, by Householder reflections.

    >>> orthogonal_factor([[-2.0]])
    [[-1.0]]
    """
    size = len(matrix)
    r = [list(row) for row in matrix]
    q = [[float(row == column) for column in range(size)] for row in range(size)]
    for pivot in range(size - 1):
        v = [r[row][pivot] if row >= pivot else 0.0 for row in range(size)]
        v[pivot] += math.copysign(math.sqrt(math.fsum(x * x for x in v)), v[pivot])
        scale = 2 / math.fsum(x * x for x in v)
        for column in range(size):  # R becomes H R with H = 1 - scale v v^T
            dot = scale * math.fsum(v[row] * r[row][column] for row in range(size))
            for row in range(size):
                r[row][column] -= dot * v[row]
        for row in range(size):  # Q becomes Q H
            dot = scale * math.fsum(q[row][column] * v[column] for column in range(size))
            for column in range(size):
                q[row][column] -= dot * v[column]
    return [[q[row][column] * math.copysign(1.0, r[column][column]) for column in range(size)] for row in range(size)]


def hkdf_sha256(secret: bytes, *, salt: bytes, info: bytes, size: int) -> bytes:
    """RFC 5869 with SHA-256; an empty salt stands for 32 zero bytes."""
    pseudorandom = hmac.new(salt or bytes(32), secret, hashlib.sha256).digest()
    output, block = b"", b""
    while len(output) < size:
        block = hmac.new(pseudorandom, block + info + bytes([len(output) // 32 + 1]), hashlib.sha256).digest()
        output += block
    return output[:size]


def info_string(*, purpose: str, scheme: str, client: str, role: str) -> bytes:
    """The label of a sub-key; a ValueError where there is none."""
    text = f"pixelveil/v1\npurpose={purpose}\nscheme={scheme}\nclient={client}\nrole={role}\n"
    if not purpose or any(not 0x20 <= ord(sign) <= 0x7E for sign in purpose + scheme + client + role):
        raise ValueError("labels are printable ASCII, and the purpose is not empty")
    return text.encode("ascii")


def subkey(secret: bytes, *, purpose: str, scheme: str = "", client: str = "", role: str = "") -> bytes:
    """The sub-key of a secret."""
    info = info_string(purpose=purpose, scheme=scheme, client=client, role=role)
    return hkdf_sha256(secret, salt=b"", info=info, size=32)
