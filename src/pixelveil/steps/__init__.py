"""Steps: the operations of the literature, one per file; each turns key material into a plan."""

from pixelveil.steps.basis_projection import BasisProjection
from pixelveil.steps.block_rotation import BlockRotation
from pixelveil.steps.block_scramble import BlockScramble
from pixelveil.steps.block_statistic import BlockStatistic
from pixelveil.steps.color_shuffle import COLOR_CODES, ColorShuffle
from pixelveil.steps.every_block import EveryBlock
from pixelveil.steps.gaussian_filter import GaussianFilter
from pixelveil.steps.gaussian_noise import GaussianNoise
from pixelveil.steps.negative_positive import NegativePositive
from pixelveil.steps.nibble_split import NibbleSplit
from pixelveil.steps.orthogonal import OrthogonalMixing
from pixelveil.steps.pixel_shuffle import PixelShuffle
from pixelveil.steps.quantization import Quantization
from pixelveil.steps.random_projection import RandomProjection
from pixelveil.steps.rounding import Rounding
from pixelveil.steps.sliding_filter import SlidingFilter
from pixelveil.steps.step import ImageShape, Step, shape_after
from pixelveil.steps.sub_block_scramble import SubBlockScramble
from pixelveil.steps.truncated_svd import TruncatedSvd
from pixelveil.steps.whitening import Whitening
from pixelveil.steps.xor_stream import XorStream

__all__ = [
    "COLOR_CODES",
    "BasisProjection",
    "BlockRotation",
    "BlockScramble",
    "BlockStatistic",
    "ColorShuffle",
    "EveryBlock",
    "GaussianFilter",
    "GaussianNoise",
    "ImageShape",
    "NegativePositive",
    "NibbleSplit",
    "OrthogonalMixing",
    "PixelShuffle",
    "Quantization",
    "RandomProjection",
    "Rounding",
    "SlidingFilter",
    "Step",
    "SubBlockScramble",
    "TruncatedSvd",
    "Whitening",
    "XorStream",
    "shape_after",
]
