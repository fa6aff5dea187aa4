"""The loops that move lanes, compiled: one pass over the image, no interpreter lock, no temporary of image size.

Images come as rows of ``H*W*C`` bytes. A block plan is given as byte offsets: ``base[j]`` where block j begins,
``offset[t, l]`` where lane l of in-block map t is read, relative to the beginning of the source block.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pixelveil.compiled import compiled

__all__ = ["PAIR_NUMBERS", "PIXEL_CODES", "move_bytes_each", "move_bytes_shared", "move_nibbles", "shuffle_pixels"]

Bytes = NDArray[np.uint8]
# Unsigned: a signed index would be tested for being negative at every byte.
Offsets = NDArray[np.uint32]

# Output channel c takes input channel PIXEL_CODES[code][c]: the table of Sirichotedumrong et al., ICIP 2019.
PIXEL_CODES = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))

# Number of each map "invert the channels of a pattern, then shuffle by a code", counted as ``6 * pattern + code``: what
# composing the two steps of the pixel-based schemes gives.
PAIR_NUMBERS = np.array(
    [
        8 * code + sum((pattern >> channel & 1) << place for place, channel in enumerate(order))
        for pattern in range(8)
        for code, order in enumerate(PIXEL_CODES)
    ],
    np.uint8,
)

# Pixels decoded at a time: their codes stay in the first-level cache between the two loops below.
_TILE = 2048

# Images below this many bytes fit the first-level cache anyway.
_FETCH_ABOVE = 16384


@compiled
def _fetch(image: Bytes, target: Bytes) -> None:
    """Walk both images in order, once a cache line, so that the scattered accesses that follow hit the cache.

    Without it a 224x224 image moves at 1.1 GB/s instead of 2.5: random block rows defeat the hardware's prefetcher.
    """
    if image.shape[0] > _FETCH_ABOVE:
        seen = np.uint8(0)
        for k in range(0, image.shape[0], 64):
            seen ^= image[k]
        for k in range(0, target.shape[0], 64):
            target[k] = seen


@compiled
def move_bytes_shared(
    images: Bytes,
    base: Offsets,
    order: Offsets,
    choice: Offsets,
    offset: Offsets,
    flip: Bytes,
    run: np.uint64,
    stride: np.uint64,
    out: Bytes,
) -> None:
    """Apply one plan to all images, four at a time: each index is read once for four bytes moved.

    Args:
        images: uint8 (n, H*W*C).
        base: uint32 (blocks,), first byte of each block.
        order: uint32 (blocks,), source block of each block.
        choice: uint32 (blocks,), in-block map of each block.
        offset: uint32 (maps, L), where each lane is read inside the source block.
        flip: uint8 (maps, L), XORed to each lane.
        run: Bytes of one block row.
        stride: Bytes of one image row.
        out: uint8 (n, H*W*C), written.
    """
    count, rows = images.shape[0], np.uint64(offset.shape[1]) // run
    for first in range(0, count, 4):
        # The last group repeats the last image: the same bytes are written again.
        a, b = first, min(first + 1, count - 1)
        c, d = min(first + 2, count - 1), min(first + 3, count - 1)
        in_a, in_b, in_c, in_d = images[a], images[b], images[c], images[d]
        out_a, out_b, out_c, out_d = out[a], out[b], out[c], out[d]
        _fetch(in_a, out_a)
        _fetch(in_b, out_b)
        _fetch(in_c, out_c)
        _fetch(in_d, out_d)
        for j in range(base.shape[0]):
            start, target, lane_map = base[order[j]], base[j], choice[j]
            offsets, flips = offset[lane_map], flip[lane_map]
            for row in range(rows):
                row_target, row_lane = target + row * stride, row * run
                for k in range(run):
                    index = start + offsets[row_lane + k]
                    mask = flips[row_lane + k]
                    out_a[row_target + k] = in_a[index] ^ mask
                    out_b[row_target + k] = in_b[index] ^ mask
                    out_c[row_target + k] = in_c[index] ^ mask
                    out_d[row_target + k] = in_d[index] ^ mask


@compiled
def move_bytes_each(
    images: Bytes,
    base: Offsets,
    order: Offsets,
    choice: Offsets,
    offset: Offsets,
    flip: Bytes,
    run: np.uint64,
    stride: np.uint64,
    out: Bytes,
) -> None:
    """Apply to each image its own plan.

    Args and output as in `move_bytes_shared`, with a leading axis of one or n at ``order``, ``choice``, ``offset``
    and ``flip``.
    """
    rows = np.uint64(offset.shape[2]) // run
    for i in range(images.shape[0]):
        orders, choices = order[i % order.shape[0]], choice[i % choice.shape[0]]
        tables, masks = offset[i % offset.shape[0]], flip[i % flip.shape[0]]
        image, target_image = images[i], out[i]
        _fetch(image, target_image)
        for j in range(base.shape[0]):
            start, target, lane_map = base[orders[j]], base[j], choices[j]
            offsets, flips = tables[lane_map], masks[lane_map]
            for row in range(rows):
                row_target, row_lane = target + row * stride, row * run
                for k in range(run):
                    target_image[row_target + k] = image[start + offsets[row_lane + k]] ^ flips[row_lane + k]


@compiled
def move_nibbles(
    images: Bytes,
    base: Offsets,
    order: Offsets,
    choice: Offsets,
    offset: Offsets,
    shift: Bytes,
    flip: Bytes,
    run: np.uint64,
    stride: np.uint64,
    out: Bytes,
) -> None:
    """Move half bytes: lane l of the first half of a map makes the low, of the second half the high four bits.

    Args and output as in `move_bytes_each`; ``shift`` (0 or 4) says which half of the byte at ``offset`` is read,
    and ``flip`` holds for each *byte* of the block both masks, high half in the upper four bits.
    """
    size, low = np.uint64(flip.shape[2]), np.uint8(15)
    rows = size // run
    for i in range(images.shape[0]):
        orders, choices = order[i % order.shape[0]], choice[i % choice.shape[0]]
        tables, shifts, masks = offset[i % offset.shape[0]], shift[i % shift.shape[0]], flip[i % flip.shape[0]]
        image, target_image = images[i], out[i]
        _fetch(image, target_image)
        for j in range(base.shape[0]):
            start, target, lane_map = base[orders[j]], base[j], choices[j]
            offsets, halves, flips = tables[lane_map], shifts[lane_map], masks[lane_map]
            for row in range(rows):
                row_target, row_lane = target + row * stride, row * run
                for k in range(run):
                    lane = row_lane + k
                    lower = (image[start + offsets[lane]] >> halves[lane]) & low
                    upper = (image[start + offsets[size + lane]] >> halves[size + lane]) & low
                    target_image[row_target + k] = (lower | (upper << np.uint8(4))) ^ flips[lane]


@compiled
def _decode_pairs(maps: Bytes, codes: Bytes, masks: Bytes) -> None:
    """Split map numbers ``6 * pattern + code`` into code and output mask, by arithmetic: vector code, no table."""
    one, two = np.uint8(1), np.uint8(2)
    for k in range(maps.shape[0]):
        number = np.uint32(maps[k])
        pattern = (number * np.uint32(43)) >> np.uint32(8)  # number // 6 for all bytes below 48
        masks[k] = np.uint8(pattern)
        codes[k] = np.uint8(number - pattern * np.uint32(6))
    for k in range(maps.shape[0]):
        c, m = codes[k], masks[k]
        red, green, blue = m & one, (m >> one) & one, (m >> two) & one
        out_red = red if c < 2 else (green if c < 4 else blue)
        out_green = red if (c == 2 or c == 4) else (green if (c == 0 or c == 5) else blue)
        out_blue = red if (c == 3 or c == 5) else (green if (c == 1 or c == 4) else blue)
        masks[k] = out_red | (out_green << one) | (out_blue << two)


@compiled
def _decode_table(maps: Bytes, number: Bytes, codes: Bytes, masks: Bytes) -> None:
    """Look map numbers up: ``8 * code + mask``."""
    three, seven = np.uint8(3), np.uint8(7)
    for k in range(maps.shape[0]):
        codes[k] = number[maps[k]]
    for k in range(maps.shape[0]):
        masks[k] = codes[k] & seven
        codes[k] >>= three


@compiled
def _move_pixels(source: Bytes, codes: Bytes, masks: Bytes, goal: Bytes) -> None:
    """Permute and flip the channels of pixels; shaped so that it becomes vector code."""
    zero, one, two = np.uint8(0), np.uint8(1), np.uint8(2)
    for k in range(goal.shape[0] // 3):
        c, m, p = codes[k], masks[k], 3 * k
        red, green, blue = source[p], source[p + 1], source[p + 2]
        out_red = red if c < 2 else (green if c < 4 else blue)
        out_green = red if (c == 2 or c == 4) else (green if (c == 0 or c == 5) else blue)
        out_blue = red if (c == 3 or c == 5) else (green if (c == 1 or c == 4) else blue)
        goal[p] = out_red ^ np.uint8(zero - (m & one))
        goal[p + 1] = out_green ^ np.uint8(zero - ((m >> one) & one))
        goal[p + 2] = out_blue ^ np.uint8(zero - ((m >> two) & one))


@compiled
def shuffle_pixels(images: Bytes, choice: Bytes, number: Bytes, out: Bytes) -> None:
    """Permute and flip the three channels of each pixel.

    Args:
        images: uint8 (n, P*3).
        choice: uint8 (1 or n, P), which map each pixel uses.
        number: uint8 (256,), for each map ``8 * code + mask``: the row of `PIXEL_CODES`, and bits 0..2 that say
            which output channels are flipped. Numbered as in `PAIR_NUMBERS`, the maps are decoded without look-up.
        out: uint8 (n, P*3), written.
    """
    pixels = choice.shape[1]
    codes, masks = np.empty(_TILE, np.uint8), np.empty(_TILE, np.uint8)
    paired = True
    for k in range(PAIR_NUMBERS.shape[0]):
        paired &= number[k] == PAIR_NUMBERS[k]
    for i in range(images.shape[0]):
        image, target, choices = images[i], out[i], choice[i % choice.shape[0]]
        for first in range(0, pixels, _TILE):
            last = min(first + _TILE, pixels)
            if paired:
                _decode_pairs(choices[first:last], codes, masks)
            else:
                _decode_table(choices[first:last], number, codes, masks)
            _move_pixels(image[3 * first : 3 * last], codes, masks, target[3 * first : 3 * last])
