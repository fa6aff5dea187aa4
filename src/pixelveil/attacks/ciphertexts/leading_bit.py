"""Leading-bit attack: an inverted value is as far from middle gray as the value itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Images, Reconstruction
from pixelveil.attacks.ciphertexts.single_pixels import channels_shuffled, leaves_pixels
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_back

__all__ = ["FoldedReading", "LeadingBit", "fold", "folded_readings"]

Channels = Literal["apart", "sorted", "mean"]

_MIDDLE = 127.5


def fold(images: Images) -> NDArray[np.uint8]:
    """Return every value with its leading bit set to 0, ``phi(v) = min(v, 255 - v)``.

    A value and its negative fold alike, so that the key has no influence: ``fold(encrypt(x)) == fold(x)`` where only
    single values are inverted.

    Args:
        images: uint8 of any shape; or float around zero, of which the sign is what is inverted.

    >>> fold(np.array([0, 100, 155, 255], np.uint8)).tolist()
    [0, 100, 100, 0]
    >>> fold(np.array([-127.5, -27.5, 27.5])).tolist()
    [0, 100, 100]
    """
    if images.dtype == np.uint8:
        folded: NDArray[np.uint8] = np.minimum(images, ~images)
        return folded
    return np.rint(np.clip(_MIDDLE - np.abs(images), 0, _MIDDLE)).astype(np.uint8)


@dataclass(frozen=True, kw_only=True)
class FoldedReading:
    """One way to look at folded images.

    Args:
        channels: "apart", "sorted" (the largest first, so that a shuffle of channels leaves no trace) or "mean".
        inverted: Whether the leading bit is set to 1 instead.
        smoothing: Standard deviation in pixels of a Gaussian filter, for folded values that are noisy; 0: none.
    """

    channels: Channels = "apart"
    inverted: bool = False
    smoothing: float = 0.0

    def __call__(self, images: Images, /) -> NDArray[np.uint8]:
        """Return folded images (n, H, W, C), uint8, in this reading."""
        values: NDArray[np.uint8] = images
        if self.channels == "sorted":
            values = np.sort(images, axis=-1)[..., ::-1]
        elif self.channels == "mean":
            sums = images.sum(axis=-1, dtype=np.uint16, keepdims=True)
            values = np.broadcast_to((sums // images.shape[-1]).astype(np.uint8), images.shape)
        if self.smoothing:
            from scipy import ndimage

            window = (0, self.smoothing, self.smoothing, 0)
            values = np.rint(ndimage.gaussian_filter(values.astype(np.float32), window)).astype(np.uint8)
        return np.ascontiguousarray(~values if self.inverted else values)


def folded_readings(*, shuffled: bool, smoothing: tuple[float, ...] = ()) -> tuple[FoldedReading, ...]:
    """Return the readings of folded images, the identity first.

    Args:
        shuffled: Whether channels of single pixels may have changed places.
        smoothing: Standard deviations for further readings of the mean of channels, for noisy values.
    """
    ways: tuple[Channels, ...] = ("apart", "sorted", "mean") if shuffled else ("apart",)
    plain = [FoldedReading(channels=way, inverted=bit) for way in ways for bit in (False, True)]
    smooth = [
        FoldedReading(channels="mean", inverted=bit, smoothing=width) for width in smoothing for bit in (False, True)
    ]
    return (*plain, *smooth)


@dataclass(frozen=True, kw_only=True)
class LeadingBit(Attack):
    """Set the leading bit of every value to 0, or of every value to 1.

    Of a value one bit is lost, on which side of middle gray it was; where channels are shuffled, which channel it was
    too. Dark images (all values up to 127) come back as they were. Readings are folded values as they are, sorted
    within each pixel, or their mean; each as it is or inverted, whichever is best for each image.

    It reads skk and smkk under any key policy, and inversions anywhere else that pixels stay in place. Filtered schemes
    are better attacked after the filter is undone (`Deconvolution`, `Energy`). Source: Chang and Case, "Attacks on
    image encryption schemes for privacy-preserving deep neural networks", arXiv 2004.13263 (basic attack).
    """

    name: ClassVar[str] = "leading-bit"
    title: ClassVar[str] = "Leading-bit attack: fold every value at middle gray"
    citation: ClassVar[str] = "Chang and Case, arXiv 2004.13263 (2020)"
    access: ClassVar[Access] = "ciphertexts"
    cost: ClassVar[str] = "linear in values; milliseconds an image"

    def obstacle(self, scheme: Scheme) -> str:
        """Return why a scheme has no values to fold; empty where it has."""
        return "" if scheme.name == "instahide" else leaves_pixels(scheme)

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims; see `Attack.run`. It is one pass, so that the budget is not looked at."""
        self.check(evidence)
        images = fold(evidence.ciphertexts[: evidence.victims])
        images = lay_back(images, shape=evidence.shape, planes=evidence.scheme.planes)
        if advance:
            advance(len(images), len(images))
        readings = folded_readings(shuffled=channels_shuffled(evidence.scheme))
        return Reconstruction(images=images, versions=readings, per_image=True)
