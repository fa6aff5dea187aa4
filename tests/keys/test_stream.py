"""The key stream against the slow reference of spec/stream-v1.md; fixed vectors are in test_vectors.py."""

import copy
import pickle
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelveil.errors import UsageError
from pixelveil.keys import KeyStream

ref = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "reference" / "stream_reference.py")))

KEYS = st.binary(min_size=32, max_size=32)
# Counters that carry into the high half, and wrap, within the first blocks.
NONCES = st.one_of(
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=8, max_size=8).map(lambda high: high + b"\xff" * 8),
    st.just(b"\xff" * 16),
)
BATCHES = st.lists(NONCES, min_size=1, max_size=3)
SLOW = settings(max_examples=25, deadline=None)


def stream_of(key, nonces):
    return KeyStream(key=key, nonces=np.array([list(nonce) for nonce in nonces], np.uint8))


def expected(draw, key, nonces, *arguments):
    return [getattr(ref, f"draw_{draw}")(ref.stream(key, nonce), *arguments) for nonce in nonces]


@given(KEYS, BATCHES, st.integers(0, 70))
@SLOW
def test_bytes(key, nonces, size):
    result = stream_of(key, nonces).bytes(size)
    assert (result.dtype, result.shape) == (np.uint8, (len(nonces), size))
    np.testing.assert_array_equal(result, np.reshape(expected("bytes", key, nonces, size), result.shape))


@given(KEYS, BATCHES, st.integers(0, 70), st.integers(1, 8))
@SLOW
def test_bits_of_every_width_are_the_same_bits_regrouped(key, nonces, size, width):
    result = stream_of(key, nonces).bits(size, width=width)
    assert (result.dtype, result.shape) == (np.uint8, (len(nonces), size))
    single = np.array(expected("bits", key, nonces, size * width), int).reshape(len(nonces), size, width)
    np.testing.assert_array_equal(result, (single << np.arange(width)).sum(axis=-1))


BOUNDS = st.one_of(st.integers(1, 256), st.sampled_from([129, 255, 256, 257]), st.integers(1, 2**32))


@given(KEYS, BATCHES, st.integers(0, 70), BOUNDS)
@settings(max_examples=40, deadline=None)
def test_integers(key, nonces, size, bound):
    result = stream_of(key, nonces).integers(size, bound=bound)
    assert (result.dtype, result.shape) == (np.uint8 if bound <= 256 else np.int64, (len(nonces), size))
    np.testing.assert_array_equal(result, np.reshape(expected("integers", key, nonces, size, bound), result.shape))


@given(KEYS, BATCHES, st.integers(1, 70))
@SLOW
def test_permutation(key, nonces, size):
    result = stream_of(key, nonces).permutation(size)
    assert result.dtype == np.int32
    np.testing.assert_array_equal(result, expected("permutation", key, nonces, size))


@given(KEYS, BATCHES, st.integers(1, 30), st.integers(1, 9))
@SLOW
def test_permutations(key, nonces, size, count):
    result = stream_of(key, nonces).permutations(size, count=count)
    assert (result.dtype, result.shape) == (np.int32, (len(nonces), count, size))
    np.testing.assert_array_equal(result, expected("permutations", key, nonces, size, count))


def test_permutations_of_one_stream_are_independent():
    result = stream_of(bytes(32), [bytes(16)]).permutations(4, count=24_000)[0]
    _, counts = np.unique(result, axis=0, return_counts=True)
    assert len(counts) == 24
    assert abs(((counts - 1000.0) ** 2 / 1000.0).sum() - 23) < 5 * (2 * 23) ** 0.5
    assert abs(np.mean((result[1:] == result[:-1]).all(axis=1)) - 1 / 24) < 5 * (1 / 24 / 24_000) ** 0.5


@given(KEYS, BATCHES, st.integers(1, 30))
@SLOW
def test_gaussians(key, nonces, size):
    result = stream_of(key, nonces).gaussians(size)
    np.testing.assert_allclose(result, expected("gaussians", key, nonces, size), rtol=0, atol=1e-12)


@given(KEYS, BATCHES, st.integers(1, 6))
@SLOW
def test_orthogonal(key, nonces, size):
    result = stream_of(key, nonces).orthogonal(size)
    np.testing.assert_allclose(result, expected("orthogonal", key, nonces, size), rtol=0, atol=1e-9)
    np.testing.assert_allclose(
        result @ result.transpose(0, 2, 1), np.tile(np.eye(size), (len(nonces), 1, 1)), atol=1e-12
    )


DRAWS = {
    "bytes": lambda stream: stream.bytes(100),
    "bits": lambda stream: stream.bits(100, width=3),
    "few integers": lambda stream: stream.integers(100, bound=6),
    "many integers": lambda stream: stream.integers(100, bound=2**31 + 1),
    "permutation": lambda stream: stream.permutation(100),
    "permutations": lambda stream: stream.permutations(20, count=5),
    "gaussians": lambda stream: stream.gaussians(7),
    "orthogonal": lambda stream: stream.orthogonal(4),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_stream_does_not_depend_on_its_batch(draw):
    nonces = [bytes([number]) * 16 for number in range(9)]
    together = draw(stream_of(bytes(32), nonces))
    for number in (0, 4, 8):
        np.testing.assert_array_equal(draw(stream_of(bytes(32), [nonces[number]]))[0], together[number])
    assert len(np.unique(together, axis=0)) == 9


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_batch_of_none(draw):
    assert len(draw(KeyStream(key=bytes(32), nonces=np.zeros((0, 16), np.uint8)))) == 0


@pytest.mark.parametrize("second", DRAWS.values(), ids=DRAWS)
def test_one_stream_gives_one_draw(second):
    stream = stream_of(bytes(32), [bytes(16)])
    stream.bits(1)
    with pytest.raises(UsageError, match="serves one draw"):
        second(stream)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda stream: stream.bits(8, width=0), "width must be 1 to 8, not 0"),
        (lambda stream: stream.bits(8, width=9), "width must be 1 to 8, not 9"),
        (lambda stream: stream.integers(8, bound=0), "bound must be 1 to 2\\^32, not 0"),
        (lambda stream: stream.integers(8, bound=2**32 + 1), "bound must be 1 to 2\\^32"),
    ],
)
def test_a_refused_draw_is_none(draw, message):
    stream = stream_of(bytes(32), [bytes(16)])
    with pytest.raises(UsageError, match=message):
        draw(stream)
    assert stream.bits(8).shape == (1, 8)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_keys_of_other_sizes_are_refused(size):
    with pytest.raises(UsageError, match=f"a stream key has 32 bytes, not {size}"):
        KeyStream(key=bytes(size), nonces=np.zeros((1, 16), np.uint8))


@pytest.mark.parametrize("nonces", [np.zeros(16, np.uint8), np.zeros((1, 15), np.uint8), np.zeros((1, 16), np.int64)])
def test_nonces_of_other_shapes_are_refused(nonces):
    with pytest.raises(UsageError, match=r"nonces must be uint8 \(n, 16\)"):
        KeyStream(key=bytes(32), nonces=nonces)


def test_a_stream_shows_and_gives_away_nothing():
    stream = KeyStream(key=b"secret" * 5 + b"xx", nonces=np.zeros((3, 16), np.uint8))
    assert repr(stream) == str(stream) == "KeyStream(count=3)"
    for give in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(UsageError, match="cannot be pickled or copied"):
            give(stream)


def test_integers_are_uniform():
    """Chi-square over a million numbers: 5 standard deviations; a modulo without rejection fails by thousands."""
    for bound in (6, 100, 200):
        counts = np.bincount(stream_of(bytes(32), [bytes(16)]).integers(1_000_000, bound=bound)[0], minlength=bound)
        statistic = float(((counts - 1e6 / bound) ** 2 / (1e6 / bound)).sum())
        assert abs(statistic - (bound - 1)) < 5 * np.sqrt(2 * (bound - 1))
