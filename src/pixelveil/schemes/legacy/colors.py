"""Color codes of published programs: what they mean, and what they do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.schemes.legacy.arrays import LegacyArrays

__all__ = ["ETC_CODES", "ETC_DUPLICATES", "PIXEL_CODES", "PIXEL_DUPLICATES", "color_table"]

# Output channel c takes input channel TABLE[code][c].
ETC_CODES = ((0, 1, 2), (1, 0, 2), (2, 1, 0), (0, 2, 1), (2, 0, 1), (1, 2, 0))
PIXEL_CODES = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))

# The published NumPy code assigns channels one after another through views, so later assignments read what earlier
# ones wrote: five of six codes lose a channel. The tables in the papers come from that code.
ETC_DUPLICATES = ((0, 1, 2), (1, 1, 2), (2, 1, 2), (0, 2, 2), (2, 2, 2), (1, 2, 1))
PIXEL_DUPLICATES = ((0, 1, 2), (0, 2, 2), (1, 1, 2), (1, 2, 1), (2, 2, 2), (2, 1, 2))

Table = tuple[tuple[int, int, int], ...]


def color_table(material: LegacyArrays, *, meant: Table, done: Table) -> NDArray[np.int64]:
    """Return the table of color codes, (6, 3).

    Args:
        material: Its switch says which.
        meant: As the paper says, true permutations.
        done: As the published code does.

    Raises:
        UsageError: The images have no colors.
    """
    if material.shape[2] != 3:
        raise UsageError("color codes are for images of three channels, not for gray ones")
    return np.array(done if material.channel_bug else meant)
