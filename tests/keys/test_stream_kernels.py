"""The compiled loops of the key stream, called directly with words that no cipher would give on purpose."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelveil.keys import stream_kernels

ref = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "reference" / "stream_reference.py")))


@pytest.mark.parametrize("bound", range(1, 257))
def test_every_byte_below_every_bound(bound):
    """All words in order, the rejected ones replaced by words 0, 1, 2, ... that follow."""
    words = np.concatenate([np.arange(256), np.arange(256) % bound]).astype(np.uint8)[None]
    out = np.empty((1, 256), np.uint8)
    assert stream_kernels.reduce_bytes(words, bound, out) == 0
    assert out[0].tolist() == ref.draw_rounds(iter(words[0].tolist()), [bound] * 256, 1)


@given(st.integers(0, 2**32), st.integers(1, 256), st.integers(0, 50), st.integers(1, 4))
@settings(max_examples=150, deadline=None)
def test_bytes_follow_the_rounds_rule_or_say_that_they_ran_dry(seed, bound, size, count):
    rng = np.random.default_rng(seed)
    length = -(-size // 8) * 8 + 8 * int(rng.integers(0, 8))
    words = rng.integers(0, 256, (count, length), dtype=np.uint8)
    words[rng.random(words.shape) < rng.random()] = 255
    out, dry = np.empty((count, size), np.uint8), 0
    left = stream_kernels.reduce_bytes(words, bound, out)
    for row, numbers in zip(words, out, strict=True):
        try:
            assert numbers.tolist() == ref.draw_rounds(iter(row.tolist()), [bound] * size, 1)
        except (StopIteration, RuntimeError):
            dry += 1
    assert left == dry


@given(st.integers(0, 2**32), st.integers(0, 30), st.integers(1, 3))
@settings(max_examples=100, deadline=None)
def test_words_follow_the_rounds_rule(seed, size, count):
    rng = np.random.default_rng(seed)
    bounds = rng.choice([1, 2, 3, 1000, 2**31 + 1, 2**32 - 1, 2**32], size).astype(np.int64)
    words = rng.integers(0, 2**32, (count, size + 40 * size), dtype=np.uint32)
    out = np.empty((count, size), np.int64)
    assert stream_kernels.reduce_words(words, bounds, out) == 0
    for row, numbers in zip(words, out, strict=True):
        stream = iter(row.astype("<u4").tobytes())
        assert numbers.tolist() == ref.draw_rounds(stream, bounds.tolist(), 4)


def test_words_that_run_dry_are_reported():
    bounds = np.array([3, 3], np.int64)
    words = np.array([[7, 0xFFFFFFFF, 0xFFFFFFFF], [7, 8, 9], [0xFFFFFFFF] * 3], np.uint32)
    out = np.empty((3, 2), np.int64)
    assert stream_kernels.reduce_words(words, bounds, out) == 2
    assert out[1].tolist() == [1, 2]


@pytest.mark.parametrize("nonce", [0, 5, 2**64 - 2, 2**64 - 1, 2**127, 2**128 - 1, 0x0123456789ABCDEF_FEDCBA9876543210])
def test_counters_carry_and_wrap(nonce):
    halves = np.array([[nonce >> 64, nonce % 2**64]], np.uint64)
    out = np.empty((1, 4, 2), np.uint64)
    stream_kernels.counter_blocks(halves, out)
    assert out.tobytes() == b"".join(((nonce + step) % 2**128).to_bytes(16, "big") for step in range(4))


@given(st.integers(0, 2**32), st.integers(1, 20))
@settings(max_examples=30, deadline=None)
def test_fisher_yates_swaps_from_the_end(seed, size):
    draws = np.array([[int(d) for d in np.random.default_rng(seed).integers(0, np.arange(size, 1, -1))]], np.int64)
    out = np.empty((1, size), np.int32)
    stream_kernels.fisher_yates(draws.reshape(1, size - 1), out)
    expected = list(range(size))
    for place, other in zip(range(size - 1, 0, -1), draws[0], strict=True):
        expected[place], expected[other] = expected[other], expected[place]
    assert out[0].tolist() == expected


@pytest.mark.parametrize("width", range(1, 9))
@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 40, 41])
def test_bits_of_every_width(width, size):
    packed = np.random.default_rng(size).integers(0, 256, (2, width * -(-size // 8)), dtype=np.uint8)
    out = np.empty((2, size), np.uint8)
    stream_kernels.unpack_bits(packed, width, out)
    for row, numbers in zip(packed, out, strict=True):
        everything = int.from_bytes(row.tobytes(), "little")
        assert numbers.tolist() == [everything >> width * j & (1 << width) - 1 for j in range(size)]
