"""Scripts for Vision Transformers (block permutations, CFE), rewritten from their description; see public_code.py."""

from __future__ import annotations

import numpy as np

# Block-wise encryption: scripts of the authors of Kiya et al., IEICE E106-D 2023.


def vit_keys(side, height, width, seed, modern=False):
    """The permutation of a block's values, then that of the blocks, from one generator."""
    generator = np.random.default_rng(seed) if modern else np.random.RandomState(seed)
    return generator.permutation(side * side * 3), generator.permutation(height // side * (width // side))


def vit_scramble(images, key_1, key_2, side=16):
    """A batch (n, H, W, 3); values of a block are numbered (channel, row, column)."""
    count, height, width, channels = images.shape
    blocks = images.transpose(0, 3, 1, 2).reshape(count, channels, height // side, side, width // side, side)
    blocks = blocks.transpose(0, 2, 4, 1, 3, 5).reshape(count, -1, channels * side * side)
    blocks = blocks[:, :, key_1]
    blocks = blocks[:, key_2, :]
    blocks = blocks.reshape(count, height // side, width // side, channels, side, side)
    return blocks.transpose(0, 3, 1, 4, 2, 5).reshape(count, channels, height, width).transpose(0, 2, 3, 1)


# CFE: Lin, Imaizumi and Kiya, arXiv 2605.05692.


def cfe_fold(*values):
    """The 31-bit number that stands for some numbers."""
    total = 0x9E3779B97F4A7C15
    for value in values:
        left, right = (total * 64) % 2**64, total // 4
        total ^= (value + 0x9E3779B9 + left + right) % 2**64
    return total % 2**31


def cfe_draw(seed, parts):
    """The codes of the sub-blocks of one main block, in the order of the draws."""
    generator = np.random.default_rng(seed)
    rotation, flipping = generator.integers(0, 4, size=parts), generator.integers(0, 4, size=parts)
    inversion = generator.integers(0, 2, size=parts).astype(bool)
    colors = [generator.permutation(3) for _ in range(parts)]
    return rotation, flipping, inversion, colors, generator.permutation(parts)


def cfe_scramble(frame, seed, variant="V2", side=16, part=8):
    """One frame (H, W, 3): main block after main block, sub-block after sub-block."""
    inner, outer = cfe_fold(seed, 0x57), cfe_fold(seed, 0x35)
    columns, result = frame.shape[1] // side, frame.copy()
    for source, target in enumerate(np.random.default_rng(outer).permutation(frame.shape[0] // side * columns)):
        top, left = source // columns * side, source % columns * side
        down, right = target // columns * side, target % columns * side
        draw = cfe_draw(inner if variant == "V1" else cfe_fold(inner, source), (side // part) ** 2)
        block = frame[top : top + side, left : left + side].astype(np.int64)
        result[down : down + side, right : right + side] = _main_block(block, draw, part)
    return result


def _main_block(block, draw, part):
    rotation, flipping, inversion, colors, order = draw
    across, changed = len(block) // part, []
    for number in range(across * across):
        top, left = number // across * part, number % across * part
        piece = np.rot90(block[top : top + part, left : left + part], k=int(rotation[number]))
        if flipping[number] in (1, 3):
            piece = np.fliplr(piece)
        if flipping[number] in (2, 3):
            piece = np.flipud(piece)
        if inversion[number]:
            piece = 255 - piece
        changed.append(piece[:, :, colors[number]])
    rows = [np.concatenate([changed[order[row * across + i]] for i in range(across)], axis=1) for row in range(across)]
    return np.concatenate(rows, axis=0).astype(np.uint8)
