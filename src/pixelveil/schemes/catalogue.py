"""The catalogue: every scheme by its name."""

from __future__ import annotations

import inspect
import math
from typing import Any

from pixelveil.errors import UsageError
from pixelveil.schemes.asset import Asset
from pixelveil.schemes.decrepit import InstaHide, NeuraCrypt
from pixelveil.schemes.etc_color import EtcColor
from pixelveil.schemes.etc_gray import EtcGray
from pixelveil.schemes.gan_transform import GanTransform
from pixelveil.schemes.huang import Huang
from pixelveil.schemes.image_to_perturbation import ImageToPerturbation
from pixelveil.schemes.madono_ele import MadonoEle
from pixelveil.schemes.masked_image import MaskedImage
from pixelveil.schemes.pixel_block_mixing import PixelBlockMixing
from pixelveil.schemes.scheme import Scheme
from pixelveil.schemes.skk import Skk
from pixelveil.schemes.skk_g import SkkG
from pixelveil.schemes.smkk import Smkk
from pixelveil.schemes.svd_popescu import SvdPopescu
from pixelveil.schemes.svd_wang import SvdWang
from pixelveil.schemes.tanaka_le import TanakaLe
from pixelveil.schemes.vit_compressible import VitCompressible
from pixelveil.schemes.vit_orthogonal import VitOrthogonal
from pixelveil.schemes.vit_permutation import VitPermutation
from pixelveil.schemes.vit_restricted import VitRestricted
from pixelveil.schemes.xor_stream import XorStream

__all__ = ["SCHEMES", "create_scheme", "list_schemes"]

# No count, size or level of any scheme comes near it.
_LARGEST = 1 << 31

SCHEMES: dict[str, type[Scheme]] = {
    "etc-color": EtcColor,
    "etc-gray": EtcGray,
    "gan-transform": GanTransform,
    "huang": Huang,
    "image-to-perturbation": ImageToPerturbation,
    "instahide": InstaHide,
    "madono-ele": MadonoEle,
    "masked-image": MaskedImage,
    "neuracrypt": NeuraCrypt,
    "pixel-block-mixing": PixelBlockMixing,
    "skk": Skk,
    "skk-g": SkkG,
    "smkk": Smkk,
    "svd-popescu": SvdPopescu,
    "svd-wang": SvdWang,
    "tanaka-le": TanakaLe,
    "vit-compressible": VitCompressible,
    "vit-orthogonal": VitOrthogonal,
    "vit-permutation": VitPermutation,
    "vit-restricted": VitRestricted,
    "xor-stream": XorStream,
}


def list_schemes() -> tuple[str, ...]:
    """Return the names of all schemes.

    >>> "vit-permutation" in list_schemes()
    True
    """
    return tuple(sorted(SCHEMES))


def create_scheme(name: str, /, *, asset: Asset | str = "", **parameters: Any) -> Scheme:
    """Create a scheme by name.

    Args:
        name: One of `list_schemes`.
        asset: What the scheme needs beside a key; its digest alone where it is only named.
        **parameters: The scheme's parameters; what is left out has the scheme's default.

    Returns:
        The scheme.

    Raises:
        UsageError: The name or a parameter is unknown, or a value is of the wrong type or out of range.

    >>> create_scheme("vit-permutation", block_size=8)
    VitPermutation(key_policy='shared', block_size=8, shuffle=True, invert=True, scramble_blocks=True,
    per_block=False)
    """
    if name not in SCHEMES:
        raise UsageError(f"unknown scheme {name!r}", hint=f"one of: {', '.join(list_schemes())}")
    kind = SCHEMES[name]
    known = {label: one for label, one in inspect.signature(kind).parameters.items() if label != "asset"}
    for label, value in parameters.items():
        if label not in known:
            raise UsageError(f"{name} has no parameter {label!r}", hint=f"it has: {', '.join(known)}")
        default = known[label].default
        if type(value) is int and value > _LARGEST:
            raise UsageError(f"{name}: {label} must be at most {_LARGEST:,}")
        if isinstance(default, float) and type(value) is int:
            parameters[label] = value = float(value)
        if type(value) is not type(default):
            raise UsageError(f"{name}: {label} must be {type(default).__name__}, not {value!r}")
        if isinstance(default, float) and not math.isfinite(value):
            raise UsageError(f"{name}: {label} must be a finite number, not {value}")
        least = 0 if default == 0 or label in kind.switches else 1
        if isinstance(default, int) and not isinstance(default, bool) and value < least:
            raise UsageError(f"{name}: {label} must be positive, not {value}")
    if isinstance(asset, Asset):
        return kind(**parameters).bind(asset)
    if type(asset) is not str:
        raise UsageError(f"{name}: asset must be an asset or its digest, not {asset!r}")
    return kind(asset=asset, **parameters)
