"""The reference of steps on published examples and on streams that a reader can follow by hand."""

import hashlib
import runpy
from pathlib import Path
from types import SimpleNamespace

ref = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("step_reference.py"))))


def stream_of(*values):
    return lambda suffix: iter(values)


def words(*numbers):
    """Four-byte words, as permutations draw them."""
    return b"".join(number.to_bytes(4, "little") for number in numbers)


def test_published_pixel():
    """Sirichotedumrong et al., ICIP 2019: (10, 20, 30), r = (1, 0, 1), K_s = 3 gives (20, 225, 245)."""
    inverted = ref.invert_values([[[10, 20, 30]]], stream_of(0b101))
    assert inverted == [[[245, 20, 225]]]
    assert ref.shuffle_colors(inverted, stream_of(3), 1) == [[[20, 225, 245]]]


def draws_of(order):
    """The numbers that Fisher-Yates from the end must draw to give an order."""
    places, draws = list(range(len(order))), []
    for place in range(len(order) - 1, 0, -1):
        draws.append(places.index(order[place]))
        places[place], places[draws[-1]] = places[draws[-1]], places[place]
    return words(*draws)


def test_published_block_of_half_bytes():
    """Tanaka's code: ``o_j = n[K_j] XOR 15 (r[K_j] XOR r_j)``, K_j = (7 j + 5) mod 96, r_j = (K_j > 48).

    Ours reverses before the shuffle only; reversing the result where r_j is 1 once more gives the published block.
    """
    key = [(7 * j + 5) % 96 for j in range(96)]
    reverse = [number > 48 for number in key]
    block = [(5 * k + 3) % 256 for k in range(48)]
    image = [[block[12 * y + 3 * x : 12 * y + 3 * x + 3] for x in range(4)] for y in range(4)]
    bits = [sum(reverse[8 * j + b] << b for b in range(8)) for j in range(12)]
    streams = {"/shuffle": draws_of(key), "/reverse": bytes(bits)}
    hidden = ref.flat(ref.split_nibbles(image, lambda suffix: iter(streams[suffix]), 4, per_block=False))
    masks = [15 * (reverse[k] + 16 * reverse[48 + k]) for k in range(48)]
    published = bytes(value ^ mask for value, mask in zip(hidden, masks, strict=True))
    assert list(published[:12]) == [28, 192, 98, 122, 168, 52, 238, 18, 75, 137, 168, 37]
    assert hashlib.sha256(published).hexdigest().startswith("81f01a0f8ffbfd87")


def test_each_block_has_its_own_half_bytes():
    streams = {"/shuffle": words(0, 1), "/reverse": bytes([0b1000])}
    draw = lambda suffix: iter(streams[suffix])  # noqa: E731
    assert ref.split_nibbles([[[0x12], [0x34]]], draw, 1, per_block=True) == [[[0x21], [0xC4]]]


def test_one_code_serves_all_pixels_or_those_of_a_block():
    image = [[[1, 2, 3], [4, 5, 6]]]
    assert ref.shuffle_colors(image, stream_of(5), None) == [[[3, 2, 1], [6, 5, 4]]]
    assert ref.shuffle_colors(image, stream_of(5, 0), 1) == [[[3, 2, 1], [4, 5, 6]]]
    assert ref.shuffle_colors([[[1], [2]]], stream_of(), 1) == [[[1], [2]]]
    columns = [[[1, 2, 3], [4, 5, 6]] * 2] * 2
    assert ref.shuffle_colors(columns, stream_of(0, 5), 2) == [[[1, 2, 3], [4, 5, 6], [3, 2, 1], [6, 5, 4]]] * 2


def test_one_mask_and_one_permutation_serve_all_blocks():
    image = [[[0], [0], [1], [1]], [[0], [0], [1], [1]]]
    assert ref.invert_places(image, stream_of(0b0110), side=2) == [[[0], [255], [1], [254]], [[255], [0], [254], [1]]]
    # Fisher-Yates with the draws 0, 0, 0 turns (0, 1, 2, 3) into (1, 2, 3, 0).
    image = [[[10], [11], [20], [21]], [[12], [13], [22], [23]]]
    zeros = stream_of(*bytes(12))
    assert ref.shuffle_values(image, zeros, side=2) == [[[11], [12], [21], [22]], [[13], [10], [23], [20]]]
    assert ref.scramble_blocks([[[1], [2], [3], [4]]], stream_of(*bytes(12)), side=1) == [[[2], [3], [4], [1]]]


def test_blocks_and_halves_are_inverted():
    image = [[[1], [2], [3], [4]]]
    assert ref.invert_blocks(image, stream_of(0b0101), 1) == [[[254], [2], [252], [4]]]
    # The permutation is (1, 2, 3, 0): places 0 and 3 hold numbers below 2.
    assert ref.invert_half(image, stream_of(*bytes(12))) == [[[254], [2], [3], [251]]]


def test_blocks_are_turned_and_mirrored():
    image = [[[1], [2], [5], [6]], [[3], [4], [7], [8]]]
    assert ref.rotate_blocks(image, stream_of(1, 4), 2) == [[[2], [4], [6], [5]], [[1], [3], [8], [7]]]


def test_restricted_orders_keep_their_part():
    """Half of four places stays: 3 and 1, the first two drawn, change places."""
    assert ref.restricted([3, 1, 0, 2], 500) == [0, 3, 2, 1]
    assert ref.restricted([1, 3, 0, 2], 500) == [0, 1, 2, 3]
    assert ref.restricted([3, 1, 0, 2], 0) == [3, 1, 0, 2]
    assert ref.restricted([3, 1, 0, 2], 1000) == [0, 1, 2, 3]
    fixed = [place for place, origin in enumerate(ref.restricted(list(range(195, -1, -1)), 612)) if place == origin]
    assert len(fixed) == 120


def test_sub_blocks_move_inside_their_block():
    image = [[[1], [2], [5], [6]], [[3], [4], [7], [8]]]
    moved = ref.scramble_sub_blocks(image, stream_of(*bytes(12)), 2, sub=1, per_block=False)
    assert moved == [[[2], [3], [6], [7]], [[4], [1], [8], [5]]]
    # Draws 3, 2, 1 leave all places as they are.
    own = stream_of(*bytes(12), *words(3, 2, 1))
    moved = ref.scramble_sub_blocks(image, own, 2, sub=1, per_block=True)
    assert moved == [[[2], [3], [5], [6]], [[4], [1], [7], [8]]]


def test_every_block_reads_the_same_draws():
    image = [[[1], [2], [3], [4]]]
    once = lambda part: ref.invert_blocks(part, stream_of(0b01), 1)  # noqa: E731
    assert ref.every_block([*image, *image], 2, once) == [[[254], [2], [252], [4]], [[1], [2], [3], [4]]]


def test_values_are_xored():
    assert ref.xor_stream([[[1, 2, 3]]], stream_of(255, 2, 0)) == [[[254, 0, 3]]]
