"""Energy attack: how far values are from middle gray outlives inversions, shuffles, filters and noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Images, Reconstruction, Version
from pixelveil.attacks.ciphertexts.leading_bit import FoldedReading
from pixelveil.attacks.ciphertexts.single_pixels import filtered_after
from pixelveil.attacks.public_images.readings import color_readings
from pixelveil.keys import KeyMaterial
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_back

__all__ = ["Energy", "Response", "energy", "response"]

_MIDDLE = 127.5
_NEAR, _FAR = 127, 47
_TRIALS = 8
_SMOOTHING = 0.7
_SMOOTHER = (1.0, 2.0)
_CHUNK = 64


@dataclass(frozen=True, kw_only=True)
class Response:
    """What a scheme makes of a flat image at a distance d from middle gray: ``E[(y - 127.5)^2] = floor + gain d^2``.

    Args:
        floor: What rounding and noise add, in squared grey levels.
        gain: ``sum g^2`` of a linear filter g, about 1 for a maximum or minimum.
    """

    floor: float
    gain: float


def response(scheme: Scheme, *, shape: tuple[int, int, int]) -> Response:
    """Return a scheme's response, by encrypting two flat images under keys of the attacker's own.

    Args:
        scheme: With its public parameters.
        shape: (H, W, C) of the plain images.
    """
    wide, (near, far) = scheme.laid_out_shape(shape), ((_MIDDLE - level) ** 2 for level in (_NEAR, _FAR))
    plan = scheme.plan_from(KeyMaterial.ephemeral(_TRIALS), shape=wide)
    seen = [
        float(((plan.apply(np.full((_TRIALS, *wide), level, np.uint8)).astype(np.float64) - _MIDDLE) ** 2).mean())
        for level in (_NEAR, _FAR)
    ]
    gain = max((seen[1] - seen[0]) / (far - near), 1e-6)
    return Response(floor=seen[0] - gain * near, gain=gain)


def energy(images: Images, *, response: Response, smoothing: float = _SMOOTHING) -> NDArray[np.uint8]:
    """Return images of the distance from middle gray, ``127.5 - sqrt((mean (y - 127.5)^2 - floor) / gain)``.

    Means are over channels and a Gaussian window. Where inversions are random, ``E[(y - 127.5)^2]`` after a filter g is
    ``sum g^2 (x - 127.5)^2``: the inversions are gone, what is left is blurred a little more.

    Args:
        images: uint8 (n, H, W, C); or (m, n, H, W, C), m encryptions of the same images under keys of their own,
            over which the mean is taken too: it is m times less noisy.
        response: See `response`.
        smoothing: Standard deviation of the window in pixels.

    Returns:
        uint8 (n, H, W, C), all channels alike, values 0 to 127: folded images.
    """
    from scipy import ndimage

    stack = images if images.ndim == 5 else images[None]
    squares = ((stack.astype(np.float32) - np.float32(_MIDDLE)) ** 2).mean(axis=(0, 4))
    squares = ndimage.gaussian_filter(squares, (0, smoothing, smoothing))
    distance = np.sqrt(np.maximum(squares - response.floor, 0) / response.gain)
    folded = np.rint(np.clip(_MIDDLE - distance, 0, 127)).astype(np.uint8)
    return np.array(np.broadcast_to(folded[..., None], stack.shape[1:]))


@dataclass(frozen=True, kw_only=True)
class Energy(Attack):
    """Draw the local mean of ``(y - 127.5)^2``: outlines, whatever statistic or filter came after the inversions.

    Maxima and minima of inverted values lie far from middle gray where the picture does, so do medians more weakly;
    of means and linear filters the variance does. The attacker calibrates it on flat images of their own. Where the
    scheme inverts whole images, the encrypted image itself is the picture or its negative. Readings are smoother
    pictures and negatives, whichever is best for each image.

    Source: the design study of this project.
    """

    name: ClassVar[str] = "energy"
    title: ClassVar[str] = "Energy attack: the second moment of filtered, inverted values"
    citation: ClassVar[str] = "design study of this project"
    access: ClassVar[Access] = "ciphertexts"
    cost: ClassVar[str] = "linear in values; milliseconds an image"

    def obstacle(self, scheme: Scheme) -> str:
        """Return why a scheme has no filtered inversions; empty where it has."""
        if filtered_after(scheme):
            return ""
        return "no filter comes after inversions; the leading-bit attack reads single inverted values"

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims; see `Attack.run`. It is one pass, so that the budget is not looked at."""
        self.check(evidence)
        victims, wants = evidence.ciphertexts[: evidence.victims], evidence.scheme.parameters
        channels = evidence.shape[2]
        if wants.get("negative_positive") == "global":
            orders = wants["shuffle"] == "per_image"
            whole = color_readings(channels=channels, orders=orders, jointly=True)
            images = lay_back(victims, shape=evidence.shape, planes=evidence.scheme.planes)
            return Reconstruction(images=images, versions=whole, per_image=True)
        found = response(evidence.scheme, shape=evidence.shape)
        read = []
        for start in range(0, len(victims), _CHUNK):
            read.append(energy(victims[start : start + _CHUNK], response=found))
            if advance:
                advance(start + len(read[-1]), len(victims))
        versions: tuple[Version, ...] = tuple(
            FoldedReading(inverted=bit, smoothing=width) for width in (0.0, *_SMOOTHER) for bit in (False, True)
        )
        images = lay_back(np.concatenate(read), shape=evidence.shape, planes=evidence.scheme.planes)
        return Reconstruction(images=images, versions=versions, per_image=True)
