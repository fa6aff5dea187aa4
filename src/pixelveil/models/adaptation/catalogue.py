"""All adaptation networks by name, and which one a scheme needs."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from pixelveil.errors import UsageError
from pixelveil.models.adaptation.adapted import PlanesToChannels
from pixelveil.models.adaptation.block_invariant import BlockInvariantAdaptation
from pixelveil.models.adaptation.ele_adapt import EleAdaptation, ele_fits
from pixelveil.models.adaptation.invariant import InvariantAdaptation
from pixelveil.models.adaptation.le_adapt import LeAdaptation
from pixelveil.models.adaptation.pixel import PixelAdaptation
from pixelveil.models.adaptation.settings import AdaptationSettings, settings_for
from pixelveil.models.adaptation.tanaka import TanakaAdaptation
from pixelveil.schemes import Scheme

__all__ = ["ADAPTATIONS", "adaptation_channels", "auto_adaptation", "create_adaptation"]


class _Unchanged(nn.Identity):
    """No adaptation: the backbone reads the images themselves."""

    out_channels = 3

    def __init__(self, settings: AdaptationSettings) -> None:
        super().__init__()


ADAPTATIONS: dict[str, Callable[[AdaptationSettings], nn.Module]] = {
    "block-invariant": BlockInvariantAdaptation,
    "ele": EleAdaptation,
    "invariant": InvariantAdaptation,
    "le": LeAdaptation,
    "none": _Unchanged,
    "pixel": PixelAdaptation,
    "tanaka": TanakaAdaptation,
}

# What the literature puts before a network for images under one shared key. Schemes that are not here need nothing:
# those for vision transformers have the patch embedding, learned transformations are made for plain networks, and
# floats and mixtures are images still (or, under a stream cipher, nothing at all).
_SHARED = {
    "etc-color": "ele",
    "etc-gray": "ele",
    "huang": "pixel",
    "madono-ele": "ele",
    "skk": "pixel",
    "skk-g": "pixel",
    "smkk": "pixel",
    "tanaka-le": "tanaka",
}

# The same under a key of its own for each image.
_PER_IMAGE = {
    "etc-color": "block-invariant",
    "etc-gray": "block-invariant",
    "huang": "pixel",
    "madono-ele": "block-invariant",
    "skk": "invariant",
    "skk-g": "pixel",
    "tanaka-le": "block-invariant",
    "vit-permutation": "block-invariant",
}


def auto_adaptation(scheme: Scheme, *, patches: bool = False, image_size: int | None = None) -> str:
    """Return the name of the adaptation network that fits a scheme.

    Under a shared key it is the published one; under a key per image it is the one that computes what the key cannot
    hide. Filtered schemes end with a filter, after which folded values are no invariant, so they have the learned 1x1
    network, unless the filter comes first.

    Args:
        scheme: Whatever encrypted the images.
        patches: Whether the backbone reads patches of its own (vision transformer, ConvMixer): these are the
            adaptation where patch and block have the same size (Kiya et al., APSIPA Trans. 11, 2022).
        image_size: Side of the images in pixels, where it is known: large images have too many blocks for a
            sub-network each, so they are read by one for all.

    >>> from pixelveil.schemes import create_scheme
    >>> [auto_adaptation(create_scheme(name)) for name in ("tanaka-le", "madono-ele", "skk", "vit-permutation")]
    ['tanaka', 'ele', 'invariant', 'none']
    """
    shared = scheme.key_policy == "shared"
    if patches and shared and scheme.block > 1:
        return "none"
    if not shared and scheme.parameters.get("order") == "pre":
        return "invariant"
    name = (_SHARED if shared else _PER_IMAGE).get(scheme.name, "none")
    if name == "ele" and image_size is not None and not ele_fits(settings_for(scheme, image_size=image_size)):
        return "le"
    return name


def create_adaptation(name: str, *, settings: AdaptationSettings) -> nn.Module:
    """Build an adaptation network; planes that lie side by side are put back first.

    Args:
        name: One of `ADAPTATIONS`.
        settings: Of the images.

    Raises:
        UsageError: There is none of that name, or it does not fit the images.

    >>> create_adaptation("none", settings=AdaptationSettings(image_size=32))
    _Unchanged()
    """
    network = _named(name)(settings)
    return nn.Sequential(PlanesToChannels(), network) if settings.planes == "side by side" else network


def adaptation_channels(name: str) -> int:
    """Return how many channels the backbone behind an adaptation network reads.

    >>> adaptation_channels("tanaka"), adaptation_channels("none")
    (32, 3)
    """
    channels: int = getattr(_named(name), "out_channels")  # noqa: B009 - a builder declares it, its type does not
    return channels


def _named(name: str) -> Callable[[AdaptationSettings], nn.Module]:
    if name not in ADAPTATIONS:
        raise UsageError(f"unknown adaptation {name!r}", hint=f"one of: {', '.join(ADAPTATIONS)}")
    return ADAPTATIONS[name]
