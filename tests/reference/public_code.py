"""LE, ELE, EtC and PE the way programs of their authors do them, rewritten from the description of those programs.

Nothing is taken from the package, and nothing is made better: whole batches where the programs work on batches (LE),
loops over blocks where they loop (ELE, EtC), one image at a time where they do (PE), and colors assigned channel by
channel through views, which loses channels. They differ from the programs in one thing: images are bytes (n, H, W, 3)
from end to end, without the detour over floats in [0, 1]. So they are somewhat faster than what they stand for.

The names of key material are those of the programs.
"""

from __future__ import annotations

import random

import numpy as np

# LE: Tanaka, ICCE-TW 2018.


def le_key(size, seed):
    """What ``numpy.random.seed(seed)`` and one shuffle of 0..size-1 give."""
    key = np.arange(size, dtype=np.uint32)
    np.random.RandomState(seed).shuffle(key)
    return key


def le_scramble(images, key, side=4):
    """All images at once; every block with the same key."""
    return _le(images, key, key > key.size / 2, side)


def le_unscramble(images, key, side=4):
    """The inverse permutation with the reversal mask of the original one."""
    return _le(images, np.argsort(key), key > key.size / 2, side)


def le_scramble_with_mask(images, key, mask, side=4):
    """As the paper says: a reversal mask of its own."""
    return _le(images, key, np.asarray(mask, bool), side)


def _le(images, order, reverse, side):
    count, height, width, channels = images.shape
    rows, columns, size = height // side, width // side, side * side * channels
    blocks = images.reshape(count, rows, side, columns, side, channels)
    blocks = blocks.transpose(0, 1, 3, 2, 4, 5).reshape(count, rows, columns, size)
    halves = np.concatenate((blocks & 15, blocks >> 4), axis=3)
    halves[..., reverse] = (15 - halves[..., reverse].astype(np.int32)).astype(np.uint8)
    halves = halves[..., order]
    halves[..., reverse] = (15 - halves[..., reverse].astype(np.int32)).astype(np.uint8)
    blocks = (halves[..., size:] << 4) + halves[..., :size]
    blocks = blocks.reshape(count, rows, columns, side, side, channels).transpose(0, 1, 3, 2, 4, 5)
    return blocks.reshape(images.shape)


# ELE, and LE in the same program: Madono et al., AAAI-WS 2020.


def ele_order(blocks, seed):
    """What ``random.seed(seed)`` and one shuffle of 0..blocks-1 give."""
    order = list(range(blocks))
    random.Random(seed).shuffle(order)
    return order


def ele_keys(blocks, size, seed):
    """One shuffle after the other from one generator of NumPy."""
    generator, keys = np.random.RandomState(seed), []
    for _ in range(blocks):
        key = np.arange(size, dtype=np.uint32)
        generator.shuffle(key)
        keys.append(key)
    return keys


def le_block_by_block(images, key, side=4):
    """LE as that program has it: block after block, pieces joined to rows, rows to images."""
    return _block_by_block(images, [key] * (images.shape[1] * images.shape[2] // side**2), side)


def ele_scramble(images, keys, order, side=4):
    """Each block by the key of its place; then the blocks change places."""
    return move_blocks(_block_by_block(images, keys, side), order, side)


def ele_unscramble(images, keys, order, side=4):
    """Blocks go back, then each is put right."""
    images = move_blocks(images, np.argsort(order), side)
    return _block_by_block(images, keys, side, undo=True)


def _block_by_block(images, keys, side, undo=False):
    columns, whole = images.shape[2] // side, None
    for row in range(images.shape[1] // side):
        line = None
        for column in range(columns):
            part = images[:, row * side : (row + 1) * side, column * side : (column + 1) * side, :]
            key = keys[row * columns + column]
            part = le_unscramble(part, key, side) if undo else le_scramble(part, key, side)
            line = part if line is None else np.concatenate((line, part), axis=2)
        whole = line if whole is None else np.concatenate((whole, line), axis=1)
    return whole


def move_blocks(images, order, side=4):
    """Output block i is input block ``order[i]``."""
    columns, result = images.shape[2] // side, images.copy()
    for place, origin in enumerate(order):
        down, right = place // columns * side, place % columns * side
        top, left = origin // columns * side, origin % columns * side
        result[:, down : down + side, right : right + side] = images[:, top : top + side, left : left + side]
    return result


# EtC in the same program.


def etc_parameters(blocks, seed):
    """Codes of every block, the order of blocks, and which blocks are inverted, in the order of the draws."""
    generator = random.Random(seed)
    drawn = {"rotate": [], "reverse": [], "channel": [], "negaposi": [], "shuffle": []}
    for block in range(blocks):
        drawn["rotate"].append(generator.randint(0, 3))
        drawn["reverse"].append(generator.randint(0, 2))
        drawn["channel"].append(generator.randint(0, 5))
        drawn["negaposi"].append(1 if block % 2 == 0 else 0)
        drawn["shuffle"].append(block)
    generator.shuffle(drawn["shuffle"])
    generator.shuffle(drawn["negaposi"])
    return drawn


def etc_scramble(images, drawn, side=4, true_colors=False):
    """Turn, invert, mirror, recolor each block in its place; then the blocks change places.

    ``true_colors`` copies a block before its channels are assigned, which the program does not.
    """
    images, columns = images.copy(), images.shape[2] // side
    for row in range(images.shape[1] // side):
        for column in range(columns):
            block = images[:, row * side : (row + 1) * side, column * side : (column + 1) * side, :]
            number = row * columns + column
            _turn(block, drawn["rotate"][number])
            if drawn["negaposi"][number] == 0:
                for channel in range(3):
                    block[..., channel] = 255 - block[..., channel]
            _mirror(block, drawn["reverse"][number])
            _recolor(block, drawn["channel"][number], block.copy() if true_colors else block)
    return move_blocks(images, drawn["shuffle"], side)


def _turn(block, code):
    if code < 3:
        for channel in range(3):
            block[..., channel] = np.rot90(block[..., channel].copy(), k=code + 1, axes=(1, 2))


def _mirror(block, code):
    if code < 2:
        for channel in range(3):
            block[..., channel] = np.flip(block[..., channel].copy(), axis=code + 1)


# Which channel is written from which, in the order in which the program writes them.
_WRITES = {
    0: (),
    1: ((0, 1), (1, 0)),
    2: ((0, 2), (2, 0)),
    3: ((1, 2), (2, 1)),
    4: ((0, 2), (1, 0), (2, 1)),
    5: ((0, 1), (1, 2), (2, 0)),
}


def _recolor(block, code, origin):
    """Where ``origin`` is the block itself, a later line reads what an earlier one wrote."""
    for target, source in _WRITES[code]:
        block[..., target] = origin[..., source]


# PE ("Random PE"): the program of Madono et al., PSIVT 2023.

_ORDERS = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]


def pe_key(height, width, seed):
    """A bit for each value, 0 inverts; a color code for each pixel."""
    generator = np.random.RandomState(seed)
    return generator.randint(0, 2, size=height * width * 3), generator.randint(0, 6, size=height * width)


def pe_scramble(image, keep, colors, true_colors=False):
    """One image (H, W, 3): invert, make six recolored copies, and sum what belongs to each pixel's code."""
    keep = np.asarray(keep).reshape(image.shape)
    image = image * keep + (255 - image) * (1 - keep)
    copies = []
    for first, second, third in _ORDERS:
        copy, origin = image.copy(), image
        if not true_colors:
            origin = copy
        copy[..., 0], copy[..., 1], copy[..., 2] = origin[..., first], origin[..., second], origin[..., third]
        copies.append(copy)
    result = np.zeros(image.shape)
    for code in range(6):
        for channel in range(3):
            chosen = (np.asarray(colors) == code).reshape(image.shape[:2])
            result[..., channel] = result[..., channel] + copies[code][..., channel] * chosen
    return result.astype(np.uint8)


def pe_scramble_all(images, keep, colors, true_colors=False):
    """A batch, image after image."""
    return np.stack([pe_scramble(image, keep, colors, true_colors) for image in images])
