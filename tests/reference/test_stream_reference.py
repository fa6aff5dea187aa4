"""The reference implementation against published vectors: FIPS 197, NIST SP 800-38A, RFC 5869."""

import math
import runpy
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import pytest

ref = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("stream_reference.py"))))


def test_aes256_is_that_of_fips_197_appendix_c3():
    round_keys = ref.expand_key(bytes(range(32)))
    block = bytes.fromhex("00112233445566778899aabbccddeeff")
    assert ref.aes256(round_keys, block).hex() == "8ea2b7ca516745bfeafc49904b496089"


def test_stream_is_counter_mode_of_sp_800_38a_f55():
    key = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    plain = bytes.fromhex(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
    )
    stream = islice(ref.stream(key, bytes(range(0xF0, 0x100))), 64)
    assert bytes(a ^ b for a, b in zip(plain, stream, strict=True)).hex() == (
        "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
        "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"
    )


def test_counter_wraps_at_two_to_the_128():
    stream = list(islice(ref.stream(bytes(32), b"\xff" * 16), 32))
    assert stream[16:] == list(islice(ref.stream(bytes(32), bytes(16)), 16))


@pytest.mark.parametrize(
    ("secret", "salt", "info", "expected"),
    [
        (
            b"\x0b" * 22,
            bytes(range(13)),
            bytes(range(0xF0, 0xFA)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            b"\x0b" * 22,
            b"",
            b"",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ],
)
def test_hkdf_is_that_of_rfc_5869_appendix_a(secret, salt, info, expected):
    assert ref.hkdf_sha256(secret, salt=salt, info=info, size=42).hex() == expected


@pytest.mark.parametrize("size", [1, 2, 5, 9])
def test_orthogonal_factor_solves_its_definition(size):
    matrix = [[math.sin(3 * row * row + 2 * (row + 1) * column + 1) for column in range(size)] for row in range(size)]
    q = ref.orthogonal_factor(matrix)
    r = [[math.fsum(q[k][i] * matrix[k][j] for k in range(size)) for j in range(size)] for i in range(size)]
    for i in range(size):
        assert r[i][i] > 0
        assert all(abs(r[i][j]) < 1e-12 for j in range(i))
        for j in range(size):
            assert math.fsum(q[k][i] * q[k][j] for k in range(size)) == pytest.approx(float(i == j), abs=1e-12)


def test_rounds_redraw_rejected_places_in_order():
    # Bound 100: words from 200 on are rejected. Places 0 and 2 fail, then place 2 once more.
    words = iter([201, 7, 255, 150, 30, 200, 99])
    assert ref.draw_rounds(words, [100] * 4, 1) == [30, 7, 99, 50]
