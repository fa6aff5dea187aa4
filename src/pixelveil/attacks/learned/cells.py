"""Cells: which part of a ciphertext a network may read for which part of an image."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Images
from pixelveil.plans.geometry import join_blocks, split_blocks
from pixelveil.schemes import Scheme

__all__ = ["Cells", "cells_of"]


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A grid of cells, each of which an encrypted part and the part of the image in its place fill.

    Args:
        rows: Of the grid.
        columns: Of the grid.
        taken: (h, w, c) of an encrypted cell.
        given: (h, w, c) of a cell of the image.
    """

    rows: int
    columns: int
    taken: tuple[int, int, int]
    given: tuple[int, int, int]

    @property
    def count(self) -> int:
        """Number of cells."""
        return self.rows * self.columns

    @property
    def lanes(self) -> int:
        """Values of an encrypted cell."""
        return self.taken[0] * self.taken[1] * self.taken[2]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C) of the image that the cells make."""
        return (self.rows * self.given[0], self.columns * self.given[1], self.given[2])

    def of_images(self) -> Cells:
        """Return the same grid where what is taken is already an image."""
        return replace(self, taken=self.given)

    def split_encrypted(self, images: Images) -> NDArray[np.float32]:
        """Return ciphertexts (n, H', W', C') as float32 (n, cells, lanes)."""
        return split_blocks(images.astype(np.float32), block=self.taken[:2])

    def split_plain(self, images: Images) -> NDArray[np.float32]:
        """Return images (n, H, W, C) as float32 (n, cells, values of a cell)."""
        return split_blocks(images.astype(np.float32), block=self.given[:2])

    def join_plain(self, parts: NDArray[np.float32]) -> NDArray[np.float32]:
        """Undo `split_plain`."""
        return np.asarray(join_blocks(parts, shape=self.image_shape, block=self.given[:2]), np.float32)


def cells_of(scheme: Scheme, shape: tuple[int, int, int]) -> Cells:
    """Return the cells of a scheme: its pixels or blocks; the whole image where it works on that.

    Args:
        scheme: The scheme.
        shape: (H, W, C) of plain images; cells make images as they are laid out (`Scheme.laid_out_shape`).

    >>> from pixelveil.schemes import create_scheme
    >>> cells_of(create_scheme("tanaka-le"), (30, 32, 3))
    Cells(rows=8, columns=8, taken=(4, 4, 3), given=(4, 4, 3))
    >>> cells_of(create_scheme("neuracrypt"), (32, 32, 3)).taken
    (1, 1, 2048)
    """
    laid, encrypted, block = scheme.laid_out_shape(shape), scheme.encrypted_shape(shape), scheme.block
    rows, columns = laid[0] // block, laid[1] // block
    if scheme.family != "matrix":
        if encrypted[:2] == laid[:2]:
            taken, given = (block, block, encrypted[2]), (block, block, laid[2])
            return Cells(rows=rows, columns=columns, taken=taken, given=given)
        if encrypted[:2] == (rows, columns):
            return Cells(rows=rows, columns=columns, taken=(1, 1, encrypted[2]), given=(block, block, laid[2]))
    return Cells(rows=1, columns=1, taken=encrypted, given=laid)
