"""Steps: the operations of the literature, one per file; each turns key material into a plan."""

from pixelveil.steps.block_rotation import BlockRotation
from pixelveil.steps.block_scramble import BlockScramble
from pixelveil.steps.color_shuffle import COLOR_CODES, ColorShuffle
from pixelveil.steps.every_block import EveryBlock
from pixelveil.steps.negative_positive import NegativePositive
from pixelveil.steps.nibble_split import NibbleSplit
from pixelveil.steps.orthogonal import OrthogonalMixing
from pixelveil.steps.pixel_shuffle import PixelShuffle
from pixelveil.steps.step import ImageShape, Step, shape_after
from pixelveil.steps.sub_block_scramble import SubBlockScramble
from pixelveil.steps.xor_stream import XorStream

__all__ = [
    "COLOR_CODES",
    "BlockRotation",
    "BlockScramble",
    "ColorShuffle",
    "EveryBlock",
    "ImageShape",
    "NegativePositive",
    "NibbleSplit",
    "OrthogonalMixing",
    "PixelShuffle",
    "Step",
    "SubBlockScramble",
    "XorStream",
    "shape_after",
]
